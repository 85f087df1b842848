"""Laws of trimming, judged by the simulated vendors: whatever comes in, they accept what goes out.

Claude and Chat Completions are judged by the harness; Responses and Gemini by the rules that their
vendors state, spelled out here.
"""

import base64
import itertools
import json

from hypothesis import assume, given
from hypothesis import strategies as st

from chaoskit.dialects import AnthropicDialect, OpenAIChatDialect
from chaoskit.dialects.anthropic.signature import sign
from chaoskit.exchange import Call, HttpRequest
from chaoskit.provider.catalogue import Catalogue
from chaoskit_guards.fit import FitReport
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.window import MessageWindow

MODELS = Catalogue()
SHAPES = ("anthropic", "chat", "responses", "gemini")
WORDS = st.text("abc 7\n", max_size=300)
IDS = st.sampled_from(["a", "b", "c", "a_2", "toolu_01", "call-1"])
PNG = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\x02\0\0\0" + b"\0" * 40
).decode()


def wire(dialect, path, body, **headers):
    request = HttpRequest(
        method="POST",
        host="localhost:80",
        path=path,
        headers={"authorization": "Bearer test", **headers},
        body=json.dumps(body).encode(),
    )
    found = dialect.decode(request, MODELS)
    return [] if isinstance(found, Call) else [found.message]


def anthropic_says(messages):
    body = {"model": "claude-opus-4-8", "max_tokens": 100, "messages": messages}
    version = {"anthropic-version": "2026-10-21"}
    return wire(AnthropicDialect(), "/v1/messages", body, **version)


def chat_says(messages):
    body = {"model": "gpt-4o", "messages": messages}
    return wire(OpenAIChatDialect(), "/v1/chat/completions", body)


def responses_say(items):
    """What the rules for `input` refuse."""
    found = [] if items else ["empty input"]
    calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
    given_ = [item["call_id"] for item in items if item.get("type") == "function_call_output"]
    found += [f"No tool output found for function call {i}." for i in calls if i not in given_]
    found += [f"No tool call found for output {i}." for i in given_ if i not in calls]
    found += ["a call or an output twice"] * (
        len({*calls}) < len(calls) or len(given_) > len(calls)
    )
    for item, after in itertools.pairwise([*items, {}]):
        if item.get("type") == "reasoning" and after.get("type") not in (
            "function_call",
            "reasoning",
            "message",
        ):
            found.append("reasoning without its required following item")
        if item.get("role") and not item["content"]:
            found.append("empty message")
    seen = set()
    for item in items:
        if item.get("type") == "function_call_output" and item["call_id"] not in seen:
            found.append("an output before its call")
        seen.add(item.get("call_id"))
    return found


def gemini_says(contents):
    """What Gemini refuses."""
    found = [] if contents else ["contents is not specified"]
    found += ["must begin with a user turn"] * (bool(contents) and contents[0]["role"] != "user")
    found += ["must end with a user turn"] * (bool(contents) and contents[-1]["role"] == "model")
    turns = [
        [("function" + p["_"]) if "_" in p else "text" for p in map(_kind, c["parts"])]
        for c in contents
    ]
    for at, kinds in enumerate(turns):
        calls, answers = kinds.count("functionCall"), kinds.count("functionResponse")
        after = turns[at + 1] if at + 1 < len(turns) else []
        if not kinds:
            found.append(f"{at}: parts must not be empty")
        if calls and after.count("functionResponse") != calls:
            found.append(f"{at}: the number of responses is not the number of calls")
        if answers and (not at or turns[at - 1].count("functionCall") != answers):
            found.append(f"{at}: a response turn comes right after a call turn")
    return found


def _kind(part):
    for name in ("functionCall", "functionResponse"):
        if name in part:
            return {"_": name[8:]}
    return {}


JUDGES = {
    "anthropic": anthropic_says,
    "chat": chat_says,
    "responses": responses_say,
    "gemini": gemini_says,
}


def said(shape, role, text):
    if shape == "gemini":
        return {"role": "model" if role == "assistant" else role, "parts": [{"text": text}]}
    if shape == "responses":
        kind = "output_text" if role == "assistant" else "input_text"
        blocks = [{"type": kind, "text": text}] if text else []
        return {"type": "message", "role": role, "content": blocks}
    return {"role": role, "content": text}


def called(shape, ids, text, thinks):
    if shape == "chat":
        calls = [
            {"id": i, "type": "function", "function": {"name": "look", "arguments": "{}"}}
            for i in ids
        ]
        return [{"role": "assistant", "content": text or None, "tool_calls": calls}]
    if shape == "responses":
        before = [{"type": "reasoning", "id": f"rs_{text[:4]}", "summary": []}] if thinks else []
        return [
            *before,
            *(
                {"type": "function_call", "call_id": i, "name": "look", "arguments": "{}"}
                for i in ids
            ),
        ]
    if shape == "gemini":
        texts = [{"text": text}] if text else []
        calls = [
            {"functionCall": {"name": "look", "args": {}} | ({"id": i} if thinks else {})}
            for i in ids
        ]
        return [{"role": "model", "parts": [*texts, *calls]}]
    blocks = [{"type": "thinking", "thinking": text, "signature": sign(text)}] if thinks else []
    blocks += [{"type": "text", "text": text}] if text else []
    blocks += [{"type": "tool_use", "id": i, "name": "look", "input": {}} for i in ids]
    return [{"role": "assistant", "content": blocks}]


def answered(shape, ids, text, note, named):
    if shape == "chat":
        return [{"role": "tool", "tool_call_id": i, "content": text} for i in ids]
    if shape == "responses":
        return [{"type": "function_call_output", "call_id": i, "output": text} for i in ids]
    notes = [] if note is None else [note]
    if shape == "gemini":
        body = {"name": "look", "response": {"result": text}}
        parts = [{"functionResponse": body | ({"id": i} if named else {})} for i in ids]
        return [{"role": "user", "parts": parts}, *(said(shape, "user", n) for n in notes)]
    content = text if named else [{"type": "text", "text": text}]
    blocks = [{"type": "tool_result", "tool_use_id": i, "content": content} for i in ids]
    texts = [{"type": "text", "text": n} for n in notes]
    return [{"role": "user", "content": [*texts, *blocks] if named else [*blocks, *texts]}]


def pictured(shape):
    if shape == "anthropic":
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        return {"role": "user", "content": [{"type": "image", "source": source}]}
    if shape == "chat":
        url = {"url": f"data:image/png;base64,{PNG}"}
        return {"role": "user", "content": [{"type": "image_url", "image_url": url}]}
    if shape == "responses":
        block = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
        return {"role": "user", "content": [block]}
    return {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": PNG}}]}


@st.composite
def histories(draw, shape):
    """Anything: ids used twice, ghosts, late and split answers, empty texts, huge messages.

    Half of them are what agents do: each call is answered at once.
    """
    sane, messages = draw(st.booleans()), []
    kinds = (
        "user model calls calls calls other" if sane else "user model calls answers answers other"
    )
    texts = WORDS.map(lambda text: f"{text} word") if sane else WORDS
    for at in range(draw(st.integers(1, 24))):
        kind, text = draw(st.sampled_from(kinds.split())), draw(texts)
        if kind == "user":
            messages.append(said(shape, "user", text))
        elif kind == "model":
            messages.append(said(shape, "assistant", text))
        elif kind == "calls":
            ids = draw(st.lists(IDS, min_size=1, max_size=3, unique=sane))
            ids = [f"{i}{at}" for i in ids] if sane else ids
            messages.extend(called(shape, ids, text, draw(st.booleans())))
            if sane:
                result = "found " * draw(st.integers(1, 9) | st.integers(50, 400))
                messages.extend(answered(shape, ids, result, None, draw(st.booleans())))
        elif kind == "answers":
            ids = draw(st.lists(IDS, min_size=1, max_size=3))
            note = draw(st.none() | WORDS)
            messages.extend(answered(shape, ids, text, note, draw(st.booleans())))
        elif shape != "gemini" and draw(st.booleans()):
            messages.append({"role": "system", "content": text or "be brief"})
        else:
            messages.append(pictured(shape))
    if draw(st.integers(0, 5)) == 0:
        messages.append(said(shape, "user", "huge " * 900))
    return messages


@st.composite
def windows(draw, messages):
    """A window of any kind, and what to pass to `trim`."""
    strategy = draw(
        st.sampled_from(["oldest", "middle", "priority", "clear_tool_results", "summarise"])
    )
    hook = draw(
        st.sampled_from([lambda _: "what was said", lambda m: "x" * 9_000, lambda _: 1 / 0])
    )
    options = {
        "drop_strategy": strategy,
        "low_water": draw(st.floats(0.2, 1)),
        "keep_results": draw(st.integers(0, 3)),
        "pin_task": draw(st.booleans()),
        "pin_last": draw(st.integers(0, 4)),
        "summarise": hook if strategy == "summarise" else None,
    }
    places = st.integers(0, len(messages) - 1)
    given_ = {
        "pinned": draw(st.sets(places, max_size=2)),
        "priorities": draw(st.dictionaries(places, st.floats(-5, 5), max_size=6)),
    }
    return MessageWindow(draw(st.integers(20, 300) | st.integers(200, 3_000)), **options), given_


def prefilled(messages):
    last = messages[-1]
    return last.get("role") in ("assistant", "model") and "tool_calls" not in last


@given(st.data(), st.sampled_from(SHAPES))
def test_what_was_broken_is_noticed_by_the_judge(data, shape):
    """A call without an answer is refused as it came in, so that the next law means something."""
    history = [said(shape, "user", "go"), *called(shape, ["a"], "look", False)]
    history.append(said(shape, "user", data.draw(WORDS.filter(str.strip))))
    assert JUDGES[shape](history) != []
    assert JUDGES[shape](MessageWindow(1_000).trim(history)) == []


@given(st.data(), st.sampled_from(SHAPES))
def test_whatever_comes_in_the_vendor_accepts_what_goes_out(data, shape):
    """Orphans, strangers, duplicates, late and split answers, empty texts, images, thinking."""
    history = data.draw(histories(shape))
    assume(not prefilled(history))  # an answer that the caller began is the caller's affair
    assume(any(message.get("role") != "system" for message in history))
    window, more = data.draw(windows(history))
    assert JUDGES[shape](window.trim(history, **more)) == []


@given(st.data(), st.sampled_from(SHAPES))
def test_the_budget_holds_unless_what_must_stay_is_larger(data, shape):
    """And the report says which of the two it is."""
    history = data.draw(histories(shape))
    window, more = data.draw(windows(history))
    view = window.trim(history, **more)
    report = window.report
    assert report.tokens_after == count_tokens(view)
    assert report.fits == (count_tokens(view) <= report.budget)
    if not report.fits:
        must = MessageWindow(1, pin_task=False).trim(history, pinned=more["pinned"])
        assert (
            count_tokens(view) <= count_tokens(must) + 4 * count_tokens("[Earlier messages.]") + 60
        )


@given(st.data(), st.sampled_from(SHAPES))
def test_going_on_is_the_same_as_starting_again(data, shape):
    """What is remembered of a shorter conversation changes nothing."""
    history = data.draw(histories(shape))
    window, more = data.draw(windows(history))
    fresh = MessageWindow(window._max_tokens, **options_of(window))
    for end in data.draw(st.lists(st.integers(1, len(history)), max_size=4)):
        early = {at for at in more["pinned"] if at < end}
        marks = {at: mark for at, mark in more["priorities"].items() if at < end}
        window.trim(history[:end], pinned=early, priorities=marks)
    assert fresh.trim(history, **more) == window.trim(history, **more)
    assert (fresh.report.dropped, fresh.report.repairs) == (
        window.report.dropped,
        window.report.repairs,
    )


@given(st.data(), st.sampled_from(SHAPES))
def test_the_prefix_only_changes_at_a_cut(data, shape):
    """With any strategy, pins and summaries: between two cuts each view goes on from the last."""
    history = data.draw(histories(shape))
    window, more = data.draw(windows(history))
    before, gone, repairs = [], None, ()
    for end in range(1, len(history) + 1):
        pins = {at for at in more["pinned"] if at < end}
        marks = {at: mark for at, mark in more["priorities"].items() if at < end}
        view = window.trim(history[:end], pinned=pins, priorities=marks)
        report = window.report
        now = (report.dropped, report.cleared, report.summarised, report.fits)
        if now == gone and report.repairs == repairs == ():
            assert before == view[: len(before)]
            assert report.prefix_kept == len(before)
        before, gone, repairs = view, now, report.repairs


def options_of(window):
    return {
        "drop_strategy": window._strategy,
        "low_water": window._low_water,
        "keep_results": window._keep_results,
        "pin_task": window._pin_task,
        "pin_last": window._pin_last,
        "summarise": window._summaries and window._summaries._hook,
    }


@given(st.data(), st.sampled_from(SHAPES))
def test_pins_stay(data, shape):
    """A pinned message that is not broken is in the view, whatever else goes."""
    history = data.draw(histories(shape))
    window, more = data.draw(windows(history))
    whole = MessageWindow(10**9)
    whole.trim(history)
    window.trim(history, **more)
    assert not set(window.report.dropped) & more["pinned"]


@given(st.data(), st.sampled_from(SHAPES))
def test_nothing_that_came_in_is_changed(data, shape):
    """Neither by trimming nor by what the caller does to the view."""
    history = data.draw(histories(shape))
    before = json.dumps(history)
    window, more = data.draw(windows(history))
    for message in window.trim(history, **more):
        message["mark"] = 1
        for block in message.get("content") or message.get("parts") or ():
            if isinstance(block, dict):
                block.clear()
    assert before == json.dumps(history)


NAMES = (
    "type text id tool_use_id content parts functionCall functionResponse name input role source "
    "tool_calls function arguments call_id data image_url url thought inlineData output"
)
KEYS = st.sampled_from(NAMES.split())
LEAVES = st.none() | st.booleans() | st.floats() | st.sampled_from(["", " ", "text", "tool_use"])
JUNK = st.recursive(
    LEAVES, lambda i: st.lists(i, max_size=3) | st.dictionaries(KEYS, i, max_size=4)
)
ROLES = st.sampled_from(["user", "assistant", "tool", "system", "model", "function", None, 5])
STRANGE = st.fixed_dictionaries(
    {},
    optional={
        "role": ROLES,
        "type": st.sampled_from(["function_call", "function_call_output", "reasoning", None]),
        "content": JUNK,
        "parts": JUNK,
        "tool_calls": JUNK,
        "call_id": LEAVES,
    },
)


@given(st.lists(STRANGE, max_size=6), st.integers(1, 200))
def test_no_mapping_is_too_strange(messages, budget):
    """Whatever a message holds, it is counted, reported and trimmed without an error."""
    assert count_tokens(messages) >= 0
    assert count_tokens.cautious()(messages) >= 0
    assert sum(part.tokens for part in FitReport(messages).parts) >= 0
    MessageWindow(budget, drop_strategy="clear_tool_results", keep_results=0).trim(messages)
