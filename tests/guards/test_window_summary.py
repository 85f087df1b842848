"""A summary in the place of what is dropped: asked once a cut, never in the way."""

import asyncio

import pytest

from chaoskit_guards.cut import NOT_SHOWN
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.window import MessageWindow


def text(words):
    return " ".join(["word"] * words)


def chat(count, size=40):
    return [
        {"role": "user" if n % 2 == 0 else "assistant", "content": f"{n} {text(size)}"}
        for n in range(count)
    ]


class Hook:
    """Remembers what it was asked."""

    def __init__(self, answer="in short"):
        self.asked, self.answer = [], answer

    def __call__(self, messages):
        self.asked.append(messages)
        if isinstance(self.answer, Exception):
            raise self.answer
        return f"{self.answer} {len(self.asked)}"


def window(hook, budget=600, **more):
    return MessageWindow(budget, drop_strategy="summarise", summarise=hook, **more)


def test_the_summary_stands_where_the_messages_stood():
    """After the task, before what is left; it counts."""
    hook = Hook()
    made = window(hook)
    shown = made.trim(chat(21))
    gone = [m["content"] for m in hook.asked[0]]
    assert [m["content"].split()[0] for m in shown[:2]] == ["0", "in"]
    assert gone == [m["content"] for m in chat(21)[1 : 1 + len(gone)]]
    assert made.report.summarised == len(gone) == len(made.report.dropped)
    assert made.report.tokens_after == count_tokens(shown) <= 600


def test_it_is_asked_once_a_cut_and_told_what_it_said():
    """Between cuts the prefix stays; at the next one the note so far is the first message."""
    hook, history = Hook(), []
    made, changes, before = window(hook), 0, []
    for message in chat(60):
        history.append(message)
        view = made.trim(history)
        changes += before != view[: len(before)]
        before = view
    assert len(hook.asked) == changes > 2
    assert [m[0]["content"] for m in hook.asked[1:]] == [f"in short {n}" for n in range(1, changes)]
    dropped = [m["content"] for asked in hook.asked for m in asked if m["content"][0].isdigit()]
    assert len(dropped) == len(set(dropped)) == len(made.report.dropped)


@pytest.mark.parametrize("answer", [ValueError("down"), ""])
def test_a_hook_that_fails_costs_the_summary_and_not_the_turn(answer, caplog):
    """It is not asked again before the next cut, so that an outage is not hammered."""
    heard = []

    def hook(messages):
        calls.append(messages)
        if isinstance(answer, Exception):
            raise answer
        return answer

    calls = []
    made = window(hook, listener=heard.append)
    history = chat(21)
    first = made.trim(history)
    assert made.trim(history) == first
    assert first[-1]["content"] == history[-1]["content"]
    assert made.report.fits
    assert (made.report.summarised, len(calls)) == (0, 1)
    assert heard[0].kind == "summary_failed"
    assert "summarise hook" in caplog.text
    assert "down" not in caplog.text


def test_an_async_hook_is_awaited():
    """With `atrim` and `aas_messages`."""

    async def hook(messages):
        await asyncio.sleep(0)
        return f"{len(messages)} messages"

    async def run():
        made = window(hook)
        shown = await made.atrim(chat(21))
        for message in chat(21):
            made.push(message["role"], message["content"])
        return made.report, shown, await made.aas_messages(), made.as_messages()

    report, *views = asyncio.run(run())
    assert views[0][1]["content"] == f"{report.summarised} messages"
    assert views[0] == views[1] == views[2]


def test_an_async_hook_without_await_costs_the_summary_only(caplog):
    """No coroutine is left behind, the log says what to do, and `atrim` still works."""

    async def hook(_):
        return "late"

    made = window(hook)
    shown = made.trim(chat(21))
    assert "late" not in [m["content"] for m in shown]
    assert "atrim" in caplog.text
    assert asyncio.run(made.atrim(chat(21)))[1]["content"] == "late"


def test_cancellation_goes_through():
    """A run that is cancelled while the summary is written is cancelled."""

    async def run():
        async def hook(_):
            await asyncio.sleep(3600)

        task = asyncio.ensure_future(window(hook).atrim(chat(21)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_a_long_summary_is_cut_short():
    """It takes what was set aside, never the room of the conversation."""
    made = window(lambda _: "lorem ipsum " * 2_000, summary_tokens=60)
    shown = made.trim(chat(21))
    assert count_tokens(shown[1]) <= 60
    assert shown[1]["content"].endswith("…")
    assert made.report.fits


def test_pairs_are_told_whole():
    """The hook gets calls with their results, never half of them."""
    history, asked = [{"role": "user", "content": "task"}], []
    for n in range(12):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        history.append({"role": "assistant", "content": None, "tool_calls": [call]})
        history.append({"role": "tool", "tool_call_id": f"c{n}", "content": text(60)})
    shown = window(lambda m: asked.extend(m) or "said", 500).trim(history)
    calls = [c["id"] for m in asked for c in m.get("tool_calls", ())]
    assert calls == [m["tool_call_id"] for m in asked if m["role"] == "tool"]
    left = [c["id"] for m in shown for c in m.get("tool_calls", ())]
    assert calls + left == [f"c{n}" for n in range(12)]


def test_the_hook_and_the_strategy_go_together():
    """One without the other is a mistake."""
    with pytest.raises(ValueError, match="go together"):
        MessageWindow(10, drop_strategy="summarise")
    with pytest.raises(ValueError, match="go together"):
        MessageWindow(10, summarise=lambda _: "")
    with pytest.raises(ValueError, match="summary_tokens"):
        window(lambda _: "", summary_tokens=0)


def test_two_windows_agree_without_a_hook():
    """The note of a failed summary is the note of every cut."""
    shown = window(Hook(RuntimeError())).trim(chat(21))
    notes = [m for m in shown if m["content"] == NOT_SHOWN]
    assert len(notes) <= 1
