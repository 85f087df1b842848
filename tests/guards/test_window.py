"""The message window: what is kept, what goes first, and what is reported."""

import pytest

from chaoskit_guards.cut import NOT_SHOWN
from chaoskit_guards.edits import CLEARED
from chaoskit_guards.tokens import TokenCounter, count_tokens
from chaoskit_guards.window import MessageWindow


def text(words):
    return " ".join(["word"] * words)


def exchange(n, size=60):
    call = {"type": "tool_use", "id": f"t{n}", "name": "look", "input": {"n": n}}
    result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": text(size)}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def test_what_fits_comes_back_as_it_was():
    """Below the limit nothing happens."""
    window = MessageWindow(max_tokens=1_000)
    window.push("user", "a")
    window.push("assistant", "b")
    window.push("user", "c")
    assert [message["content"] for message in window.as_messages()] == ["a", "b", "c"]


def test_the_oldest_go_first_and_task_and_newest_stay():
    """The task and the newest turn are pinned."""
    window = MessageWindow(max_tokens=400)
    for n in range(20):
        window.push("user" if n % 2 == 0 else "assistant", f"{n} {text(40)}")
    window.push("user", "newest")
    shown = window.as_messages()
    numbers = [int(m["content"].split()[0]) for m in shown[1:-1] if m["content"] != NOT_SHOWN]
    assert (f"0 {text(40)}", "newest") == (shown[0]["content"], shown[-1]["content"])
    assert numbers == list(range(20 - len(numbers), 20))
    assert count_tokens(shown) <= 400


def test_the_middle_goes_first_when_asked():
    """The beginning stays for its context, the end for its news."""
    window = MessageWindow(max_tokens=600, drop_strategy="middle")
    for n in range(20):
        window.push("user" if n % 2 == 0 else "assistant", f"{n} {text(40)}")
    shown = [m["content"].split()[0] for m in window.as_messages() if m["content"] != NOT_SHOWN]
    assert (shown[0], shown[1], shown[-1]) == ("0", "1", "19")


def test_old_results_are_cleared_before_anything_is_dropped():
    """Clearing keeps the calls, so that the model knows what it did."""
    history = [{"role": "user", "content": "task"}]
    for n in range(10):
        history += exchange(n, 200)
    window = MessageWindow(max_tokens=1_200, drop_strategy="clear_tool_results", keep_results=2)
    shown = window.trim(history)
    blocks = [m["content"][0] for m in shown if isinstance(m["content"], list)]
    results = [block["content"] for block in blocks if block["type"] == "tool_result"]
    assert window.report.dropped == ()
    assert results[0] == CLEARED
    assert text(200) == results[-1] == results[-2]
    assert window.report.fits


def test_calls_and_results_leave_together_over_any_distance():
    """The second of two parallel results arrives late and still belongs to its call."""
    calls = [{"type": "tool_use", "id": i, "name": "look", "input": {}} for i in ("a", "b")]
    result = {"type": "tool_result", "content": text(30)}
    history = [
        {"role": "user", "content": "task"},
        {"role": "assistant", "content": calls},
        {"role": "user", "content": [{**result, "tool_use_id": "a"}]},
        {"role": "assistant", "content": "waiting"},
        {"role": "user", "content": [{**result, "tool_use_id": "b"}]},
    ]
    shown = MessageWindow(10_000).trim(history)
    assert [block["tool_use_id"] for block in shown[2]["content"]] == ["a", "b"]
    assert shown[3]["content"] == "waiting"


def test_chat_completions_pairs_are_kept():
    """`tool_calls` and role `tool` are one unit."""
    history = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "task"}]
    for n in range(12):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        history.append({"role": "assistant", "content": None, "tool_calls": [call]})
        history.append({"role": "tool", "tool_call_id": f"c{n}", "content": text(40)})
    shown = MessageWindow(300).trim(history)
    asked = [m["tool_calls"][0]["id"] for m in shown if m.get("tool_calls")]
    answered = [m["tool_call_id"] for m in shown if m["role"] == "tool"]
    assert asked == answered
    assert (shown[0]["content"], shown[1]["content"]) == ("be brief", "task")
    assert answered[-1] == "c11"


@pytest.mark.slow
def test_sdk_objects_are_understood():
    """`response.content` may be pushed as it is."""
    anthropic = pytest.importorskip("anthropic")
    block = anthropic.types.ToolUseBlock(type="tool_use", id="t1", name="look", input={"q": "x"})
    window = MessageWindow(10_000)
    window.push("user", "task")
    window.push("assistant", [block])
    window.push("user", [{"type": "tool_result", "tool_use_id": "t1", "content": "found"}])
    assert len(window.as_messages()) == 3
    assert window.report.repairs == ()


def test_an_oversized_newest_message_is_shown_and_reported():
    """It reaches the check before the call instead of vanishing."""
    window = MessageWindow(max_tokens=50)
    window.push("user", "old")
    window.push("user", text(500))
    assert text(500) == window.as_messages()[-1]["content"]
    assert not window.report.fits


def test_system_and_tools_take_from_the_budget():
    """What is sent beside the messages counts."""
    history = [{"role": "user", "content": text(50)} for _ in range(20)]
    tools = [{"name": "look", "description": text(200), "input_schema": {"type": "object"}}]
    window = MessageWindow(1_000)
    alone = len(window.trim(history))
    beside = len(window.trim(history, system=text(300), tools=tools))
    assert beside < alone
    assert window.report.budget < 600


def test_the_log_survives_the_playbook_loop():
    """Feeding `as_turns` back as the history loses nothing."""
    window, history = MessageWindow(max_tokens=300), []
    for n in range(30):
        window.clear()
        for turn in history:
            window.push(turn["role"], turn["content"])
        window.push("user", f"question {n} {text(10)}")
        assert count_tokens(window.as_messages()) <= 300
        window.push("assistant", f"answer {n}")
        history = window.as_turns()
    assert len(history) == 60
    assert history[0]["content"].startswith("question 0")


@pytest.mark.parametrize("strategy", ["oldest", "middle", "priority", "clear_tool_results"])
def test_nine_tenths_of_what_is_sent_was_sent_before(strategy):
    """Over 310 turns against 6,000 tokens, so that a prompt cache serves it."""
    window = MessageWindow(max_tokens=6_000, drop_strategy=strategy)
    history, kept, sent = [{"role": "user", "content": "task"}], 0, 0
    for n in range(310):
        history += exchange(n, 60)
        shown = window.trim(history)
        kept += len(str(shown[: window.report.prefix_kept]))
        sent += len(str(shown))
        assert window.report.fits
    assert kept / sent > 0.9


def test_each_message_is_counted_once():
    """Counting again costs nothing, however often the history is pushed."""
    seen = []

    def count(message):
        seen.append(message)
        return 5

    window, history = MessageWindow(10_000, token_counter=count), []
    for n in range(20):
        history.append({"role": "user", "content": f"m{n}"})
        window.trim(history)
    assert len(seen) <= 20 + 1


@pytest.mark.parametrize(
    "counter",
    [
        lambda text: len(text.split()),
        lambda message: len(message["content"].split()),
        lambda messages: sum(len(m["content"].split()) for m in messages),
        TokenCounter(text=lambda text: len(text.split())),
    ],
)
def test_any_kind_of_counter_will_do(counter):
    """Counters of text, of a message and of messages are all understood."""
    window = MessageWindow(max_tokens=100, token_counter=counter)
    for n in range(30):
        window.push("user" if n % 2 == 0 else "assistant", f"{n} a b c d e f g h i")
    assert 2 < len(window.as_messages()) < 30


def test_a_counter_that_counts_nothing_is_refused():
    """NaN would let everything through."""
    window = MessageWindow(10, token_counter=lambda _: float("nan"))
    window.push("user", "a")
    with pytest.raises(ValueError, match="not a count"):
        window.as_messages()


@pytest.mark.parametrize(
    "wrong",
    [{"max_tokens": 0}, {"drop_strategy": "newest"}, {"low_water": 0}, {"keep_results": -1}],
)
def test_wrong_settings_are_refused(wrong):
    """At once, not in the middle of a run."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MessageWindow(**{"max_tokens": 10, **wrong})


def test_a_cut_is_told():
    """The listener hears how much went."""
    heard = []
    window = MessageWindow(100, listener=heard.append)
    for _ in range(10):
        window.push("user", text(30))
    window.as_messages()
    assert (heard[0].kind, heard[0].values["dropped"] > 0) == ("trimmed", True)
