"""Laws of trimming: whatever comes in, what goes out is a request that the vendor accepts."""

import itertools

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.window import MessageWindow

STRATEGIES = st.sampled_from(["oldest", "middle", "clear_tool_results"])
WORDS = st.text("abcdefg ", min_size=1, max_size=400).map(lambda text: f"x{text}")


@st.composite
def histories(draw, shape, *, broken=True):
    """A conversation with calls, late and missing answers, in one vendor's shape."""
    messages, open_ids = [], []
    for at in range(draw(st.integers(1, 25))):
        kind = draw(st.sampled_from(["user", "assistant", "calls", "answers", "answers", "empty"]))
        if kind == "user":
            messages.append({"role": "user", "content": draw(WORDS)})
        elif kind == "assistant":
            messages.append({"role": "assistant", "content": draw(WORDS)})
        elif kind == "empty" and broken:
            messages.append({"role": draw(st.sampled_from(["user", "assistant"])), "content": ""})
        elif kind == "calls":
            ids = [f"c{at}-{n}" for n in range(draw(st.integers(1, 3)))]
            messages.extend(_call(shape, ids))
            open_ids.extend(ids)
        elif kind == "answers" and open_ids:
            ids = draw(st.lists(st.sampled_from(open_ids), min_size=1, max_size=3, unique=True))
            open_ids = [i for i in open_ids if i not in ids or (broken and draw(st.booleans()))]
            note = draw(WORDS) if draw(st.booleans()) else None
            messages.extend(_answers(shape, ids, draw(WORDS), note))
        elif kind == "answers" and broken:
            messages.extend(_answers(shape, [f"ghost-{at}"], "boo", None))
    return messages


def _call(shape, ids):
    if shape == "anthropic":
        blocks = [{"type": "tool_use", "id": i, "name": "look", "input": {"q": i}} for i in ids]
        return [{"role": "assistant", "content": [{"type": "text", "text": "so"}, *blocks]}]
    if shape == "chat":
        calls = [
            {"id": i, "type": "function", "function": {"name": "look", "arguments": "{}"}}
            for i in ids
        ]
        return [{"role": "assistant", "content": None, "tool_calls": calls}]
    items = [
        {"type": "function_call", "call_id": i, "name": "look", "arguments": "{}"} for i in ids
    ]
    return [{"type": "reasoning", "id": f"rs{ids[0]}", "summary": []}, *items]


def _answers(shape, ids, text, note):
    if shape == "anthropic":
        blocks = [{"type": "tool_result", "tool_use_id": i, "content": text} for i in ids]
        extra = [{"type": "text", "text": note}] if note else []
        return [{"role": "user", "content": [*blocks, *extra]}]
    if shape == "chat":
        return [{"role": "tool", "tool_call_id": i, "content": text} for i in ids]
    return [{"type": "function_call_output", "call_id": i, "output": text} for i in ids]


def complaints(messages):
    """Everything that Anthropic, Chat Completions or Responses would refuse."""
    found = [f"begins with {m}" for m in messages[:1] if m.get("role") != "user"]
    for at, message in enumerate(messages):
        following = messages[at + 1 :]
        if isinstance(message.get("content"), list):
            found += block_complaints(at, message["content"], messages[at - 1 : at], following)
        elif message.get("role") in ("user", "assistant") and not message.get("tool_calls"):
            found += [f"{at}: empty"] * (not message["content"].strip())
        calls = [call["id"] for call in message.get("tool_calls", [])]
        answers = itertools.takewhile(lambda later: later.get("role") == "tool", following)
        if calls and sorted(calls) != sorted(answer["tool_call_id"] for answer in answers):
            found.append(f"{at}: calls {calls} are not answered next")
        before = messages[at - 1].get("role") if at else None
        if message.get("role") == "tool" and before not in ("assistant", "tool"):
            found.append(f"{at}: tool message after {before}")
    calls = [m["call_id"] for m in messages if m.get("type") == "function_call"]
    outputs = [m["call_id"] for m in messages if m.get("type") == "function_call_output"]
    if sorted(set(calls)) != sorted(outputs):
        found.append(f"items {calls} answered {outputs}")
    return found


def block_complaints(at, content, before, following):
    """Everything that Anthropic would refuse in one message of blocks."""
    kinds = [block["type"] for block in content]
    uses = [block["id"] for block in content if block["type"] == "tool_use"]
    after = following[0]["content"] if following else []
    answered = [b["tool_use_id"] for b in after if b["type"] == "tool_result"] if uses else []
    found = [] if sorted(uses) == sorted(answered) else [f"{at}: calls {uses} answered {answered}"]
    if "text" in kinds and "tool_result" in kinds[kinds.index("text") :]:
        found.append(f"{at}: text before a result")
    if "tool_result" in kinds and not (before and before[0]["role"] == "assistant"):
        found.append(f"{at}: result without a call")
    return found if content else [f"{at}: empty"]


SHAPES = st.sampled_from(["anthropic", "chat", "responses"])


@given(st.data(), SHAPES, STRATEGIES, st.integers(20, 1500), st.floats(0.2, 1))
def test_a_trimmed_conversation_is_always_valid(data, shape, strategy, budget, low):
    """No orphan, no unanswered call, nothing empty, a user turn first, for any history."""
    history = data.draw(histories(shape))
    window = MessageWindow(budget, drop_strategy=strategy, low_water=low, keep_results=1)
    assert complaints(window.trim(history)) == []


@given(st.data(), SHAPES, STRATEGIES, st.integers(20, 1500))
def test_the_budget_is_kept_or_the_report_says_that_it_cannot_be(data, shape, strategy, budget):
    """Only what must be kept (the newest turn and its question) can be over the budget."""
    history = data.draw(histories(shape))
    window = MessageWindow(budget, drop_strategy=strategy)
    view = window.trim(history)
    assert window.report.tokens_after == count_tokens(view)
    assert window.report.fits == (count_tokens(view) <= budget)
    if not window.report.fits:
        assert (
            len([m for m in view if m.get("content") == "[Earlier messages are not shown.]"]) <= 2
        )
        shown = MessageWindow(10**9).trim(view)
        assert len(shown) <= len(view)
        newest = MessageWindow(1, drop_strategy=strategy).trim(history)
        assert count_tokens(newest) + 40 >= budget or len(view) <= len(newest)


@given(st.data(), SHAPES, STRATEGIES, st.integers(200, 1500))
def test_trimming_twice_changes_nothing(data, shape, strategy, budget):
    """A view that fits is its own view."""
    window = MessageWindow(budget, drop_strategy=strategy)
    view = window.trim(data.draw(histories(shape)))
    assume(window.report.fits)
    assert view == MessageWindow(budget, drop_strategy=strategy).trim(view)


@given(st.data(), SHAPES, STRATEGIES, st.integers(100, 900))
def test_the_prefix_only_changes_at_a_cut(data, shape, strategy, budget):
    """Between two cuts each view begins with the view before."""
    history = data.draw(histories(shape, broken=False))
    window = MessageWindow(budget, drop_strategy=strategy)
    before, gone, repairs = [], ((), ()), ()
    for end in range(1, len(history) + 1):
        view = window.trim(history[:end])
        now = (window.report.dropped, window.report.cleared)
        if now == gone and () == window.report.repairs == repairs:
            assert before == view[: len(before)]
        before, gone, repairs = view, now, window.report.repairs


@given(st.data(), SHAPES)
def test_what_fits_is_left_alone(data, shape):
    """A valid conversation within the budget comes back as it was."""
    history = data.draw(histories(shape, broken=False))
    window = MessageWindow(10**9)
    once = window.trim(history)
    assert once == window.trim(once)
    assert window.report.dropped == ()


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), WORDS), max_size=30))
@settings(max_examples=50)
def test_the_log_keeps_every_turn(turns):
    """What the view drops is still in the turns."""
    window = MessageWindow(100)
    for role, content in turns:
        window.push(role, content)
    window.as_messages()
    assert turns == [(turn["role"], turn["content"]) for turn in window.as_turns()]
