"""Pins, priorities and what a report names."""

import copy
import math
import threading

import pytest

from chaoskit_guards.cut import NOT_SHOWN
from chaoskit_guards.tokens import TokenCounter, count_tokens
from chaoskit_guards.turns import Grouping
from chaoskit_guards.window import MessageWindow


def text(words):
    return " ".join(["word"] * words)


def chat(count, size=40):
    return [
        {"role": "user" if n % 2 == 0 else "assistant", "content": f"{n} {text(size)}"}
        for n in range(count)
    ]


def numbers(shown):
    return [int(m["content"].split()[0]) for m in shown if m["content"][0].isdigit()]


def test_pinned_messages_stay_wherever_they_are():
    """A decision in the middle outlives everything around it."""
    window = MessageWindow(max_tokens=500)
    for n, message in enumerate(chat(30)):
        window.push(message["role"], message["content"], pinned=n in (8, 9))
    shown = numbers(window.as_messages())
    assert {0, 8, 9, 29} <= set(shown)
    assert not {7, 10} & set(shown)
    assert window.report.fits


def test_positions_can_be_pinned_in_a_plain_list():
    """`trim` takes pins by position, and pins a call with its result."""
    history = [{"role": "user", "content": "task"}]
    for n in range(12):
        call = {"type": "tool_use", "id": f"t{n}", "name": "look", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": text(50)}
        history += [
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
    shown = MessageWindow(400).trim(history, pinned=[4])
    ids = [
        m["content"][0]["id"]
        for m in shown
        if m["content"][0].__class__ is dict and m["role"] == "assistant"
    ]
    assert ids[0] == "t1"
    assert ids[-1] == "t11"


def test_pins_that_are_too_large_are_shown_and_reported():
    """A pin is a promise; the report says that it cannot fit."""
    window = MessageWindow(max_tokens=50)
    window.push("user", text(200), pinned=True)
    window.push("user", "now")
    assert [m["content"] for m in window.as_messages()] == [text(200), "now"]
    assert not window.report.fits


def test_the_last_messages_stay_while_there_is_room():
    """`pin_last` counts messages, and gives way where they do not fit."""
    history = chat(20)
    low = MessageWindow(500, low_water=0.2)
    kept = MessageWindow(500, low_water=0.2, pin_last=8)
    assert len(numbers(low.trim(history[:14]))) < 8
    assert numbers(kept.trim(history[:14]))[-8:] == list(range(6, 14))
    assert MessageWindow(200, pin_last=50).trim(history)
    small = MessageWindow(200, pin_last=50)
    small.trim(history)
    assert small.report.fits


def test_the_lowest_priority_goes_first():
    """Age decides only among equals."""
    window = MessageWindow(max_tokens=500, drop_strategy="priority")
    for n, message in enumerate(chat(20)):
        window.push(
            message["role"],
            message["content"],
            priority=5 if n in (2, 3) else -1 if n in (8, 9) else 0,
        )
    shown = numbers(window.as_messages())
    assert {2, 3} <= set(shown)
    assert not {4, 8, 9} & set(shown)
    assert 19 in shown


def test_priorities_of_a_plain_list():
    """By position; what has none is 0."""
    shown = MessageWindow(500, drop_strategy="priority").trim(chat(20), priorities={4: 1, 5: 1})
    assert {4, 5} <= set(numbers(shown))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_priority_that_cannot_be_compared_is_refused(bad):
    """NaN would order nothing, infinity is what a pin is."""
    with pytest.raises(ValueError, match="finite"):
        MessageWindow(10).push("user", "a", priority=bad)
    with pytest.raises(ValueError, match="finite"):
        MessageWindow(10).trim(chat(2), priorities={0: bad})


def test_a_pin_that_comes_later_is_heard():
    """What was remembered of the conversation gives way."""
    window, history = MessageWindow(500), chat(30)
    assert 8 not in numbers(window.trim(history))
    assert 8 in numbers(window.trim(history, pinned=[8]))


def test_the_report_names_what_went():
    """Positions, and the ids of calls."""
    history = [{"role": "user", "content": "task"}]
    for n in range(6):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        history.append({"role": "assistant", "content": None, "tool_calls": [call]})
        history.append({"role": "tool", "tool_call_id": f"c{n}", "content": text(60)})
    window = MessageWindow(300, system="be brief", tools=[{"name": "f", "input_schema": {}}])
    window.trim(history)
    report = window.report
    assert report.dropped_ids == tuple(f"c{n}" for n in range(len(report.dropped) // 2))
    assert report.dropped == tuple(range(1, 1 + len(report.dropped)))
    assert (report.system > 0, report.tools > 0) == (True, True)
    assert report.total == report.tokens_after + report.system + report.tools <= 300


def test_what_is_pushed_is_not_shared():
    """Neither a later change of the content nor one of the view reaches the log."""
    window, content = MessageWindow(1_000), [{"type": "text", "text": "first"}]
    window.push("user", content)
    content[0]["text"] = "changed"
    window.as_messages()[0]["content"][0]["cache_control"] = {"type": "ephemeral"}
    assert window.as_turns() == [{"role": "user", "content": [{"type": "text", "text": "first"}]}]


def test_one_more_message_costs_one_more_message(monkeypatch):
    """Reading and counting go on where they stood."""
    added, counted = [], []
    add = Grouping.add
    monkeypatch.setattr(Grouping, "add", lambda self, m: (added.append(m), add(self, m))[1])

    def count(message):
        counted.append(message)
        return count_tokens(message)

    window = MessageWindow(2_000, token_counter=count)
    for message in chat(200):
        window.push(message["role"], message["content"])
    window.as_messages()
    added.clear(), counted.clear()
    window.push("user", "one more")
    window.as_messages()
    assert (len(added), len(counted)) == (1, 1)


def test_a_repaired_end_is_still_the_users():
    """A result that moves to its call must not leave the model's own words as the last turn."""
    call = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "found"}
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call]},
        {"role": "assistant", "content": "still looking"},
        {"role": "user", "content": [result]},
    ]
    window = MessageWindow(1_000)
    assert window.trim(history)[-1]["role"] == "user"
    assert "moved" in window.report.repairs[0]


def test_an_id_used_twice_becomes_two():
    """Some models number their calls anew in each turn; Claude refuses that."""
    call = {"type": "tool_use", "id": "call_0", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "call_0", "content": "found"}
    pair = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    window = MessageWindow(1_000)
    shown = window.trim([{"role": "user", "content": "go"}, *pair, *pair])
    assert [m["content"][0].get("id") for m in shown[1::2]] == ["call_0", "call_0_2"]
    assert [m["content"][0].get("tool_use_id") for m in shown[2::2]] == ["call_0", "call_0_2"]


def test_gemini_contents_are_trimmed_in_pairs():
    """Calls without ids belong to the answers of the same name that follow."""
    history = [{"role": "user", "parts": [{"text": "task"}]}]
    for n in range(12):
        call = {"functionCall": {"name": "look", "args": {"n": n}}}
        answer = {"functionResponse": {"name": "look", "response": {"result": f"{n} {text(40)}"}}}
        history += [
            {"role": "model", "parts": [call, call]},
            {"role": "user", "parts": [answer, answer]},
        ]
    window = MessageWindow(700)
    shown = window.trim(history)
    assert 4 < len(shown) < len(history)
    assert window.report.fits
    assert window.report.repairs == ()
    assert [len(m["parts"]) for m in shown[-2:]] == [2, 2]
    assert shown[0]["parts"][0]["text"] == "task"
    assert all(m.get("parts") for m in shown)


def test_gemini_can_be_pushed():
    """With `parts` in place of the content."""
    window = MessageWindow(100)
    window.push("user", parts=[{"text": "hello"}])
    assert window.as_messages() == [{"role": "user", "parts": [{"text": "hello"}]}]


def test_a_note_in_gemini_is_told_in_its_shape():
    """Notes have parts as well."""
    shown = MessageWindow(200).trim([{"role": "model", "parts": [{"text": "hello"}]}])
    assert shown[0] == {"role": "user", "parts": [{"text": NOT_SHOWN}]}


def test_every_note_has_its_room():
    """A view with many holes is as bound to its budget as one with a single hole."""
    window = MessageWindow(600, drop_strategy="priority", low_water=1.0)
    for n in range(120):
        window.push("user", f"{n} {text(8)}", priority=n % 2)
    window.as_messages()
    assert window.report.fits


def test_the_priority_of_a_call_is_that_of_its_marked_messages():
    """A call that may go first goes first, although its result has no mark."""
    window = MessageWindow(300, drop_strategy="priority")
    window.push("user", "task")
    for n in range(8):
        call = {"type": "tool_use", "id": f"t{n}", "name": "look", "input": {}}
        window.push("assistant", [call], priority=-1 if n in (3, 4) else 0)
        result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": text(30)}
        window.push("user", [result])
    window.as_messages()
    assert {"t3", "t4"} <= set(window.report.dropped_ids)
    assert "t2" not in window.report.dropped_ids


def test_a_counter_that_learns_is_heard():
    """What was counted before the correction is counted again; a small one moves nothing."""
    counter = TokenCounter()
    window, history = MessageWindow(1_000, token_counter=counter), chat(16)
    assert len(window.trim(history)) == 16
    counter.observe(100, 103)
    assert len(window.trim(history)) == 16
    assert window.report.tokens_after == count_tokens(history)
    for _ in range(20):
        counter.observe(100, 200)
    assert len(window.trim(history)) < 16
    assert window.report.tokens_after == counter(window.trim(history)) <= 1_000


def test_what_was_trimmed_before_is_not_shared_either():
    """A caller may mark one copy of its history and come back with another one."""
    window, first = (
        MessageWindow(1_000),
        [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
    )
    second = copy.deepcopy(first)
    window.trim(first)
    first[0]["content"][0]["cache_control"] = {"type": "ephemeral"}
    assert window.trim(second) == second


@pytest.mark.parametrize("given", [{"pinned": [2]}, {"pinned": [-1]}, {"priorities": {7: 1.0}}])
def test_a_position_that_is_not_there_is_refused(given):
    """A pin that pins nothing is a mistake that would be noticed too late."""
    with pytest.raises(ValueError, match="there are 2 messages"):
        MessageWindow(100).trim(chat(2), **given)


def test_threads_share_one_window():
    """Each gets the view of its own conversation, as if it were alone."""
    window, found = MessageWindow(400), {}
    histories = {name: chat(40, size) for name, size in (("a", 10), ("b", 25), ("c", 40))}

    def work(name):
        for end in range(1, 41):
            found[name, end] = window.trim(histories[name][:end])

    threads = [threading.Thread(target=work, args=(name,)) for name in histories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (name, end), view in found.items():
        assert view == MessageWindow(400).trim(histories[name][:end])
