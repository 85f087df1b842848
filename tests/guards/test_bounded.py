"""How long a tool may take, and when it is left alone."""

import asyncio
import pickle
import threading
import time

import pytest

from chaoskit_guards import (
    ArgError,
    BoundedTools,
    CircuitBreaker,
    CircuitOpenError,
    Deadline,
    ToolError,
    ToolRefused,
    ToolTimeout,
    Vet,
    classify,
    time_left,
)

SHORT = 0.01
"""Seconds after which a tool that never ends is given up."""


@pytest.fixture
def stuck():
    """An event on which stuck tools wait; set when the test ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def vet(stuck):
    """Tools that answer, fail, and hang, in both worlds."""
    vet = Vet()

    @vet.guard()
    def search(query: str) -> str:
        return f"found {query}"

    @vet.guard()
    def refund(order: str) -> str:
        assert stuck.wait(20)
        return "late"

    @vet.guard()
    def down() -> str:
        raise ConnectionError

    @vet.guard()
    async def asearch(query: str) -> str:
        await asyncio.sleep(0)
        return f"found {query}"

    @vet.guard()
    async def ahang() -> str:
        await asyncio.Event().wait()

    @vet.guard()
    async def impatient() -> str:
        raise TimeoutError("the tool's own")

    return vet


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Dispatches in either form."""

    def go(tools, name, arguments):
        if request.param == "async":
            return asyncio.run(tools.adispatch(name, arguments))
        result = tools.dispatch(name, arguments)
        return asyncio.run(result) if asyncio.iscoroutine(result) else result

    return go


def test_a_tool_in_time_gives_what_it_gives(call, vet):
    """Sync and async tools, in both forms, again and again."""
    tools = BoundedTools(vet)
    for name in ("search", "asearch", "asearch", "search"):
        assert call(tools, name, {"query": "x"}) == "found x"
    assert tools.schemas() == vet.schemas()
    assert tools.schemas("openai") == vet.schemas("openai")


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_slow_tool_is_given_up(lived, form):
    """A thread cannot be stopped, and the error says so; a task can."""
    vet, seen = Vet(), []

    @vet.guard()
    def refund(order: str) -> str:
        time.sleep(100)
        return "late"

    @vet.guard()
    async def search() -> str:
        await asyncio.sleep(100)
        return "late"

    tools = BoundedTools(vet, timeout=10, effects=["refund"], listener=seen.append)

    def refunded():
        with pytest.raises(ToolTimeout) as caught:
            tools.dispatch("refund", {"order": "A1"})
        return caught.value

    async def arefunded():
        with pytest.raises(ToolTimeout) as caught:
            await tools.adispatch("refund", {"order": "A1"})
        return caught.value

    async def searched():
        with pytest.raises(ToolTimeout) as caught:
            await (tools.dispatch if form == "sync" else tools.adispatch)("search", {})
        return caught.value

    error = lived(refunded if form == "sync" else arefunded)
    assert (error.tool, error.seconds, error.effect, error.running) == ("refund", 10, True, True)
    assert "unknown. Look it up" in str(error)
    assert "still be at work" in str(error)
    error = lived(searched)
    assert (error.effect, error.running) == (False, False)
    assert str(error) == "search took longer than 10 s and was given up."
    assert [event.values["tool"] for event in seen] == ["refund", "search"]


def test_a_timeout_of_the_tools_own_is_its_own(call, vet):
    """And is raised as it is."""
    with pytest.raises(TimeoutError, match="the tool's own"):
        call(BoundedTools(vet), "impatient", {})


def test_single_tools_have_other_times(call, vet):
    """None means none."""
    tools = BoundedTools(vet, timeout=None, timeouts={"refund": SHORT, "search": None})
    assert call(tools, "search", {"query": "x"}) == "found x"
    with pytest.raises(ToolTimeout):
        call(tools, "refund", {"order": "A1"})


def test_each_tool_has_a_breaker_of_its_own(call, vet, clock):
    """It opens by what the tool's provider does wrong."""
    seen = []
    tools = BoundedTools(vet, clock=clock, listener=seen.append)
    for _ in range(5):
        with pytest.raises(ConnectionError):
            call(tools, "down", {})
    with pytest.raises(CircuitOpenError, match="down is failing and gets no calls"):
        call(tools, "down", {})
    assert call(tools, "search", {"query": "x"}) == "found x"
    assert "opened" in {event.kind for event in seen}
    clock.advance(60)
    with pytest.raises(ConnectionError):
        call(tools, "down", {})


def test_taking_too_long_opens_the_breaker(call, vet):
    """A provider that hangs is down."""
    tools = BoundedTools(vet, timeout=SHORT, breaker=lambda name: CircuitBreaker(1, name=name))
    with pytest.raises(ToolTimeout):
        call(tools, "ahang", {})
    with pytest.raises(CircuitOpenError):
        call(tools, "ahang", {})


def test_mistakes_of_the_model_do_not_open_it(call, vet):
    """Wrong arguments say nothing about the tool."""
    tools = BoundedTools(vet, breaker=lambda name: CircuitBreaker(1, name=name))
    for _ in range(3):
        with pytest.raises(ArgError):
            call(tools, "search", {})
    assert call(tools, "search", {"query": "x"}) == "found x"


def test_there_need_not_be_a_breaker(call, vet):
    """Then a tool may fail for ever."""
    tools = BoundedTools(vet, breaker=None)
    for _ in range(9):
        with pytest.raises(ConnectionError):
            call(tools, "down", {})
    assert tools.breaker("down") is None


def test_names_that_a_model_makes_up_do_not_fill_the_memory(vet):
    """There is a bound on breakers."""
    tools = BoundedTools(vet)
    for number in range(1_500):
        tools.breaker(f"tool {number}")
    assert len(tools._breakers) <= 1_000


def test_the_deadline_around_a_call_shortens_its_time(call, vet):
    """And a call that has none left does not begin."""
    tools = BoundedTools(vet, timeout=1_000)
    with Deadline(SHORT), pytest.raises(ToolError):  # it may pass before the call begins
        call(tools, "ahang", {})


def test_without_time_nothing_begins(call, vet, clock):
    """An effect that nobody waits for is not made."""
    tools = BoundedTools(vet)
    with Deadline(1, clock=clock):
        clock.advance(1)
        for name in ("search", "asearch"):
            with pytest.raises(ToolRefused, match="no time left"):
                call(tools, name, {"query": "x"})


def test_cancelling_the_caller_cancels_the_tool(vet):
    """And is no failure of the tool."""
    tools = BoundedTools(vet, breaker=lambda name: CircuitBreaker(1, name=name))

    async def main():
        task = asyncio.ensure_future(tools.adispatch("ahang", {}))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert tools.breaker("ahang").state == "closed"


def test_a_tool_in_a_thread_has_the_context_of_its_caller(call):
    """Deadline, session and trace."""
    vet = Vet()

    @vet.guard()
    def left() -> bool:
        return time_left() is not None

    with Deadline(60):
        assert call(BoundedTools(vet), "left", {})


def test_a_name_that_is_no_tool_is_refused(vet):
    """It would leave a tool unguarded."""
    with pytest.raises(ValueError, match="did you mean 'refund'"):
        BoundedTools(vet, effects=["refnd"])
    with pytest.raises(ValueError, match="timeouts"):
        BoundedTools(vet, timeouts={"nothing": 1})
    with pytest.raises(ValueError, match="timeout"):
        BoundedTools(vet, timeout=float("nan"))


def test_a_timeout_is_read_as_one_and_an_effect_is_not_repeated():
    """By a retry around it, and by a breaker."""
    reading = ToolTimeout("search", 1.0, effect=False, running=False)
    effect = ToolTimeout("refund", 1.0, effect=True, running=True)
    assert (classify(reading).kind, classify(reading).should_retry) == ("timeout", None)
    assert (classify(effect).provider_fault, classify(effect).should_retry) == (True, False)
    again = pickle.loads(pickle.dumps(effect))
    assert (str(again), again.__dict__) == (str(effect), effect.__dict__)


def test_deadlines_nest(clock):
    """The earlier one holds, whichever is inside."""
    assert time_left() is None
    assert time_left(5) == 5
    with Deadline(10, clock=clock) as outer:
        with Deadline(20, clock=clock) as inner:
            clock.advance(4)
            assert (inner.left, time_left(), time_left(2)) == (6, 6, 2)
        with Deadline(3, clock=clock):
            assert time_left() == 3
        clock.advance(10)
        assert (outer.left, time_left()) == (0, 0)
        with pytest.raises(RuntimeError, match="once"), outer:
            pass
    assert time_left() is None
