"""The tool calls of one turn, side by side."""

import asyncio
import json
import threading
import time
from contextvars import ContextVar
from types import SimpleNamespace

import pytest
from anthropic.types import ToolUseBlock
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from openai.types.responses import ResponseFunctionToolCall

from chaoskit_guards import (
    AgentLoop,
    BoundedTools,
    Completion,
    IdempotentTools,
    Parallel,
    SessionScope,
    ToolError,
    ToolRefused,
    ToolRunner,
    ToolTimeout,
    Usage,
    Vet,
    current_session,
    time_left,
)
from chaoskit_guards.result_vendors import blocks_for

WHO = ContextVar("who", default="nobody")


@pytest.fixture(params=["sync", "async"])
def run(request):
    """Maps a plain function over calls in either form."""

    def go(parallel, function, calls, names=None):
        names = names or ["tool"] * len(calls)
        if request.param == "sync":
            return parallel.map(function, calls, names)

        async def wrapped(call):
            await asyncio.sleep(0)
            return function(call)

        return asyncio.run(parallel.amap(wrapped, calls, names))

    return go


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=24),
    st.integers(1, 6),
    st.sets(st.sampled_from("abcd")),
)
def test_each_call_has_its_own_outcome_in_its_place(calls, most, sequential):
    """The law, in both forms: order, no more at once than allowed, sequential ones alone."""
    lock, inside, high, alone = threading.Lock(), [], [0], []

    def enter(call):
        with lock:
            inside.append(call)
            high[0] = max(high[0], len(inside))
            if any(each[1][0] in sequential for each in inside):
                alone.append(len(inside))

    def leave(call):
        with lock:
            inside.remove(call)
        if call[1][1]:
            raise ValueError(call[0])
        return call[0]

    def work(call):
        enter(call)
        return leave(call)

    async def awork(call):
        enter(call)
        for _ in range(call[0] % 3):
            await asyncio.sleep(0)
        return leave(call)

    parallel = Parallel(most, sequential=sequential)
    numbered = list(enumerate(calls))
    names = [name for name, _ in calls]
    for outcomes in (
        parallel.map(work, numbered, names),
        asyncio.run(parallel.amap(awork, numbered, names)),
    ):
        told = [out.args[0] if isinstance(out, ValueError) else out for out in outcomes]
        assert told == list(range(len(calls)))
        assert [isinstance(out, ValueError) for out in outcomes] == [fails for _, fails in calls]
    assert high[0] <= most
    assert set(alone) <= {1}


def test_calls_are_side_by_side():
    """All of them have begun before any has ended."""
    together = threading.Barrier(4)
    assert Parallel(4).map(lambda _: together.wait(20) >= 0, range(4), ["a"] * 4) == [True] * 4

    async def main():
        met, gate = [], asyncio.Event()

        async def work(call):
            met.append(call)
            if len(met) == 4:
                gate.set()
            await gate.wait()
            return call

        return await Parallel(4).amap(work, list(range(4)), ["a"] * 4)

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_sequential_calls_keep_their_place_among_the_others(run):
    """What stands before them is done first."""
    seen = []
    names = ["read", "read", "pay", "read", "pay"]
    run(Parallel(1, sequential=["pay"]), seen.append, [*enumerate(names)], names)
    assert [name for _, name in seen] == names


def test_the_context_goes_along_and_does_not_come_back(run):
    """Session and trace are the caller's; what a call changes is its own."""

    def work(call):
        found = (WHO.get(), current_session())
        WHO.set(call)
        return found

    WHO.set("caller")
    with SessionScope("alice"):
        found = run(Parallel(3), work, ["x", "y", "z"])
    assert found == [("caller", "alice")] * 3
    assert WHO.get() == "caller"


def test_a_deadline_ends_what_runs_and_what_has_not_begun(lived):
    """In threads, which go on by themselves."""

    def work(call):
        assert time_left() is not None
        time.sleep(100 * call)
        return call

    def turn():
        parallel = Parallel(1, sequential=["pay"], deadline=10)
        return parallel.map(work, [0, 1, 2, 3], ["read", "pay", "read", "pay"])

    outcomes = lived(turn)
    assert outcomes[0] == 0
    assert isinstance(outcomes[1], ToolTimeout)
    assert outcomes[1].running
    assert outcomes[1].effect
    assert [type(out) for out in outcomes[2:]] == [ToolRefused, ToolRefused]


def test_a_deadline_cancels_tasks(lived):
    """Which clean up, and do not hold up the turn."""
    closed = []

    async def work(call):
        try:
            await asyncio.sleep(100)
        finally:
            closed.append(call)

    async def turn():
        return await Parallel(1, deadline=10).amap(work, [0, 1], ["a", "a"])

    outcomes = lived(turn)
    assert (type(outcomes[0]), type(outcomes[1]), closed) == (ToolTimeout, ToolRefused, [0])
    assert not outcomes[0].running


def test_cancelling_the_turn_cancels_its_calls():
    """All of them, and the turn itself."""
    begun, closed, both = [], [], asyncio.Event()

    async def work(call):
        begun.append(call)
        if len(begun) == 2:
            both.set()
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(call)

    async def main():
        turn = asyncio.ensure_future(Parallel(2).amap(work, [0, 1, 2], ["a"] * 3))
        await both.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn

    asyncio.run(main())
    assert (begun, sorted(closed)) == ([0, 1], [0, 1])


def test_a_call_that_is_cancelled_from_within_is_an_outcome():
    """The others go on."""

    async def work(call):
        if call:
            raise asyncio.CancelledError
        return "fine"

    outcomes = asyncio.run(Parallel().amap(work, [0, 1], ["a", "b"]))
    assert outcomes[0] == "fine"
    assert isinstance(outcomes[1], ToolError)
    assert "b was cancelled" in str(outcomes[1])


def test_an_interrupt_goes_through():
    """Ctrl-C in a tool is no result."""

    def work(call):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Parallel().map(work, [0, 1], ["a", "b"])


def test_wrong_settings_are_refused():
    """When they are written."""
    with pytest.raises(ValueError, match="max_concurrency"):
        Parallel(0)
    with pytest.raises(ValueError, match="deadline"):
        Parallel(deadline=-1)
    with pytest.raises(TypeError, match="not a text"):
        Parallel(sequential="pay")


SECRET = "sk-ant-" + "api03-" + "Zq8" * 31


@pytest.fixture
def vet():
    """Tools of all kinds."""
    vet = Vet()

    @vet.guard()
    def search(query: str) -> dict:
        return {"found": query, "é": 1}

    @vet.guard()
    def broken() -> str:
        raise ValueError(f"no access with {SECRET}")

    @vet.guard()
    def look() -> list:
        picture = {"type": "image", "data": "QUJD", "mimeType": "image/jpeg"}
        return [{"type": "text", "text": "here"}, picture]

    @vet.guard()
    def remote() -> dict:
        return {"content": [{"type": "text", "text": "quota exceeded"}], "isError": True}

    return vet


def called(vendor, call_id, name, arguments):
    """A call in the words of a vendor."""
    text = json.dumps(arguments)
    return {
        "anthropic": {"type": "tool_use", "id": call_id, "name": name, "input": arguments},
        "openai": {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": text},
        },
        "openai_responses": {
            "type": "function_call",
            "call_id": call_id,
            "name": name,
            "arguments": text,
        },
    }[vendor]


def go(runner, calls, form):
    """Run a turn."""
    return runner.run(calls) if form == "sync" else asyncio.run(runner.arun(calls))


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("vendor", ["anthropic", "openai", "openai_responses"])
def test_every_call_is_answered_in_its_vendors_words(vet, vendor, form):
    """In order, failures among them, without secrets."""
    seen = []
    runner = ToolRunner(vet, listener=seen.append)
    wanted = [
        ("search", {"query": "x"}),
        ("broken", {}),
        ("search", {"quary": "x"}),
        ("serch", {}),
        ("remote", {}),
    ]
    calls = [called(vendor, f"t{n}", *each) for n, each in enumerate(wanted)]
    results = go(runner, calls, form)
    ids = {"anthropic": "tool_use_id", "openai": "tool_call_id", "openai_responses": "call_id"}
    assert [result[ids[vendor]] for result in results] == ["t0", "t1", "t2", "t3", "t4"]
    slot = "output" if vendor == "openai_responses" else "content"
    told = [result[slot] for result in results]
    assert told[0] == '{"found": "x", "é": 1}'
    assert told[1].startswith("broken failed: ValueError: no access with")
    assert SECRET not in str(results)
    assert "did you mean 'query'" in told[2]
    assert "did you mean 'search'" in told[3]
    assert "quota exceeded" in str(told[4])
    if vendor == "anthropic":
        assert [result.get("is_error", False) for result in results] == [False, *[True] * 4]
    assert [event.values["error"] for event in seen] == ["ValueError", "ArgError", "ArgError"]


def test_pictures_are_given_in_the_vendors_words(vet):
    """Or said to be missing, where it takes texts only."""
    runner = ToolRunner(vet)
    source = {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}
    [anthropic] = runner.run([called("anthropic", "t", "look", {})])
    assert anthropic["content"][1] == {"type": "image", "source": source}
    [chat] = runner.run([called("openai", "t", "look", {})])
    assert chat["content"] == "here\n[image not shown]"
    [responses] = runner.run([called("openai_responses", "t", "look", {})])
    assert responses["output"] == [
        {"type": "input_text", "text": "here"},
        {"type": "input_image", "image_url": "data:image/jpeg;base64,QUJD"},
    ]


def test_sdk_objects_are_read_as_well(vet):
    """Of all three kinds."""
    turn = [
        ToolUseBlock(id="a", name="search", input={"query": "x"}, type="tool_use", caller=None),
        ChatCompletionMessageFunctionToolCall(
            id="b", type="function", function={"name": "search", "arguments": '{"query": "x"}'}
        ),
        ResponseFunctionToolCall(
            call_id="c", name="search", arguments='{"query": "x"}', type="function_call"
        ),
    ]
    results = ToolRunner(vet).run(turn)
    ids = [r.get("tool_use_id") or r.get("tool_call_id") or r.get("call_id") for r in results]
    assert ids == ["a", "b", "c"]


@pytest.mark.parametrize("spelt", [("isError", "mimeType"), ("is_error", "mime_type")])
def test_results_of_mcp_are_read_in_both_spellings(spelt):
    """JSON and the newer SDK differ."""
    vet = Vet()
    error, mime = spelt

    @vet.guard()
    def look() -> dict:
        picture = {"type": "image", "data": "QUJD", mime: "image/jpeg"}
        return {"content": [picture], error: True, "structured_content": None}

    [result] = ToolRunner(vet).run([called("anthropic", "t", "look", {})])
    assert result["is_error"]
    assert result["content"][0]["source"]["media_type"] == "image/jpeg"


BLOCKS = [
    {"type": "text", "text": "a"},
    {"type": "image", "source": {"type": "url", "url": "http://p"}},
    {"type": "document", "source": {"type": "text", "data": "d"}},
    {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
    {"type": "resource_link", "uri": "file:///b"},
    {"type": "input_image", "image_url": "http://p"},
]


def test_blocks_are_told_in_the_words_of_each_vendor():
    """What it does not take is named."""
    anthropic = [block.get("text", block["type"]) for block in blocks_for("anthropic", BLOCKS)]
    link = "[resource link file:///b]"
    assert anthropic == ["a", "image", "document", "inside", link, "[input image not shown]"]
    chat = blocks_for("openai", BLOCKS).split("\n")
    gone = ["[image not shown]", "[document not shown]"]
    assert chat == ["a", *gone, "inside", link, "[input image not shown]"]
    responses = [b.get("text", b["type"]) for b in blocks_for("openai_responses", BLOCKS)]
    assert responses == ["a", *gone, "inside", link, "input_image"]


def test_a_completion_is_a_turn(vet):
    """As a router gives it."""
    content = [{"type": "text", "text": "so"}, called("anthropic", "t1", "search", {"query": "x"})]
    reply = Completion(content=content, stop_reason="tool_use", usage=Usage())
    assert [result["tool_use_id"] for result in ToolRunner(vet).run(reply)] == ["t1"]


def test_something_else_is_no_turn(vet):
    """And said so at once."""
    with pytest.raises(TypeError, match="no tool call"):
        ToolRunner(vet).run([{"type": "text", "text": "hi"}])
    with pytest.raises(TypeError, match="no tool call"):
        ToolRunner(vet).run([SimpleNamespace(name="search")])
    with pytest.raises(TypeError, match="of type tool_use has no 'id'"):
        ToolRunner(vet).run([{"type": "tool_use", "name": "search"}])


def test_an_async_tool_needs_the_async_form():
    """The model hears that it failed, and nothing is left un-awaited."""
    vet = Vet()

    @vet.guard()
    async def fetch() -> str:
        return "fetched"

    runner = ToolRunner(vet)
    call = called("anthropic", "t", "fetch", {})
    assert runner.run([call])[0]["is_error"]
    assert asyncio.run(runner.arun([call]))[0]["content"] == "fetched"


def test_the_guards_of_tools_stand_on_each_other():
    """Limits inside, memory outside, one turn around both; twins in one turn run once."""
    vet, paid = Vet(), []

    @vet.guard()
    def refund(order: str) -> str:
        paid.append(order)
        return f"{order} is paid"

    tools = IdempotentTools(BoundedTools(vet, timeout=20, effects=["refund"]), ["refund"])
    runner = ToolRunner(tools)
    calls = [called("anthropic", f"t{n}", "refund", {"order": "A1"}) for n in range(4)]
    for form in ("sync", "async"):
        assert {result["content"] for result in go(runner, calls, form)} == {"A1 is paid"}
    assert paid == ["A1"]


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_guard_within_says_what_the_deadline_has_ended(lived, form):
    """It knows that the tool has effects, and that it is still at work."""
    vet = Vet()

    @vet.guard()
    def refund(order: str) -> str:
        time.sleep(100)
        return "late"

    call = called("anthropic", "t", "refund", {"order": "A1"})
    bounded = BoundedTools(vet, timeout=20, effects=["refund"])
    once = IdempotentTools(bounded, ["refund"])

    def told(tools):
        runner = ToolRunner(tools, deadline=10)
        if form == "sync":
            return lived(lambda: runner.run([call]))[0]["content"]

        async def turn():
            return await runner.arun([call])

        return lived(turn)[0]["content"]

    assert "was given up. It cannot be stopped and may still be at work." in told(vet)
    assert "whether it happened is unknown" in told(bounded)
    assert told(once).startswith("The outcome of refund(order=…) is unknown.")


class Scripted:
    """A model that calls tools once, then is done."""

    def __init__(self, *calls):
        self.calls = [called("anthropic", f"t{n}", *each) for n, each in enumerate(calls)]

    def complete(self, messages, max_tokens, **_):
        last = messages[-1]["content"]
        if isinstance(last, str):
            return Completion(content=self.calls, stop_reason="tool_use", usage=Usage())
        text = json.dumps([result["content"] for result in last])
        content = [{"type": "text", "text": text}]
        return Completion(content=content, stop_reason="end_turn", usage=Usage())

    async def acomplete(self, messages, max_tokens, **keywords):
        return self.complete(messages, max_tokens, **keywords)


@pytest.mark.parametrize("form", ["run", "arun", "stream", "astream"])
def test_a_loop_runs_the_tools_of_a_turn_side_by_side(lived, form):
    """In every form, bounded, and within its deadline."""
    vet = Vet()

    @vet.guard()
    def work(seconds: int) -> int:
        time.sleep(seconds)
        return seconds

    question = [{"role": "user", "content": "go"}]
    tools = BoundedTools(vet, timeout=200)  # runs sync tools in threads, also in asyncio

    def ask(*seconds):
        calls = [("work", {"seconds": each}) for each in seconds]
        loop = AgentLoop(Scripted(*calls), tools, parallel=Parallel(4, deadline=50))

        def blocking():
            began = time.monotonic()
            text = (
                loop.run(question).text if form == "run" else list(loop.stream(question))[-1].text
            )
            return json.loads(text), time.monotonic() - began

        async def awaiting():
            began = time.monotonic()
            if form == "arun":
                text = (await loop.arun(question)).text
            else:
                text = [item async for item in loop.astream(question)][-1].text
            return json.loads(text), time.monotonic() - began

        return lived(blocking if form in ("run", "stream") else awaiting)

    assert ask(30, 20) == (["30", "20"], 30.0)
    told, seconds = ask(100, 20, 99)
    assert told[1] == "20"
    assert told[0].startswith("work took longer than")
    assert told[2].startswith("work took longer than")
    assert 50.0 <= seconds <= 50.2
