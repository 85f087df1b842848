"""Whatever can be called is repeated as what it is: coroutines, generators, functions that give either."""

import asyncio
from functools import partial

import anthropic
import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.retry import (
    RetryConfig,
    with_retry,
)
from failing_calls import EXACT, Flaky, refusal


def test_coroutines_are_repeated_and_sleep_without_blocking(clock):
    """On asyncio's own sleep."""
    flaky = Flaky(refusal(500))

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def call():
        return flaky()

    assert asyncio.run(call()) == "answer"
    assert clock.sleeps == [1]


def test_partials_callable_objects_and_lambdas_that_return_coroutines_are_awaited(clock):
    """None hands back something un-awaited."""

    async def call(flaky):
        return flaky()

    class Tool:
        def __init__(self):
            self.flaky = Flaky(refusal(500))

        async def __call__(self):
            return self.flaky()

    flaky = Flaky(refusal(500))
    decorate = with_retry(EXACT, async_sleep=clock.asleep)
    for function in (partial(call, Flaky(refusal(500))), Tool(), lambda: call(flaky)):
        assert asyncio.run(decorate(function)()) == "answer"
    assert clock.sleeps == [1, 1, 1]


def test_what_a_plain_function_gives_is_repeated_too(clock):
    """A task, a generator and an async generator have not run yet when they are handed out."""

    async def call(flaky):
        return flaky()

    async def astream(flaky):
        yield flaky()

    def stream(flaky):
        yield flaky()

    decorate = with_retry(EXACT, sleep=clock.sleep, async_sleep=clock.asleep)

    async def main():
        flaky = Flaky(refusal(500))
        assert await decorate(lambda: asyncio.ensure_future(call(flaky)))() == "answer"
        flaky = Flaky(refusal(500))
        assert [item async for item in decorate(lambda: astream(flaky))()] == ["answer"]

    asyncio.run(main())
    flaky = Flaky(refusal(500))
    assert list(decorate(lambda: stream(flaky))()) == ["answer"]
    assert list(decorate(partial(stream, Flaky(refusal(500))))()) == ["answer"]
    assert clock.sleeps == [1, 1, 1, 1]


def test_what_can_be_entered_stays_what_it_is(clock):
    """The request of an HTTP client is awaited or entered, as its caller likes."""

    class Entered:
        def __await__(self):
            yield

        async def __aenter__(self):
            return "entered"

        async def __aexit__(self, *how):
            return None

    async def main():
        async with with_retry(EXACT)(Entered)() as inside:
            return inside

    assert asyncio.run(main()) == "entered"


def test_a_cancelled_task_stays_cancelled():
    """One cancel is enough, during the call and during the sleep."""
    calls = 0

    @with_retry(RetryConfig(base_delay=1000, jitter=False, max_delay=1000))
    async def call(fail):
        nonlocal calls
        calls += 1
        if fail:
            raise refusal(500)
        await asyncio.get_running_loop().create_future()

    async def main(fail):
        task = asyncio.create_task(call(fail))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main(fail=False))
    asyncio.run(main(fail=True))
    assert calls == 2


def test_a_cancellation_that_got_lost_below_is_not_repeated():
    """A library turned it into an error of its own."""
    calls = 0

    @with_retry(RetryConfig(jitter=False))
    async def call():
        nonlocal calls
        calls += 1
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise ConnectionError("closed") from None

    async def main():
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(ConnectionError):
            await task

    asyncio.run(main())
    assert calls == 1


def test_a_timeout_inside_is_repeated_also_after_a_task_group_has_failed(clock):
    """A failing group leaves a cancellation behind in its task, which nobody has asked for."""
    groups, timeouts = 0, 0
    decorate = with_retry(EXACT, async_sleep=clock.asleep)

    async def fail():
        raise ConnectionError

    @decorate
    async def group():
        nonlocal groups
        groups += 1
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    @decorate
    async def hang():
        nonlocal timeouts
        timeouts += 1
        async with asyncio.timeout(0):
            await asyncio.get_running_loop().create_future()

    async def main():
        with pytest.raises(ExceptionGroup):
            await group()
        with pytest.raises(TimeoutError):
            await hang()

    asyncio.run(main())
    assert (groups, timeouts) == (4, 4)


def test_a_generator_is_repeated_before_its_first_item_only(clock):
    """What has been shown is not shown again."""
    began = 0

    @with_retry(EXACT, sleep=clock.sleep)
    def stream(fail_late):
        nonlocal began
        began += 1
        if began == 1:
            raise refusal(529)
        yield "a"
        if fail_late:
            raise refusal(529)
        yield "b"
        return "end"

    assert list(stream(fail_late=False)) == ["a", "b"]
    with pytest.raises(anthropic.OverloadedError):
        list(stream(fail_late=True))
    assert began == 3


def test_a_generator_keeps_send_throw_close_and_its_result(clock):
    """The wrapper is transparent."""
    log = []

    @with_retry(EXACT, sleep=clock.sleep)
    def echo():
        try:
            got = yield 0
            while got is not None:
                try:
                    got = yield got
                except KeyError:
                    got = yield "thrown"
            return "done"
        finally:
            log.append("closed")

    talk = echo()
    assert [next(talk), talk.send(5), talk.throw(KeyError())] == [0, 5, "thrown"]
    with pytest.raises(StopIteration) as end:
        talk.send(None)
    assert end.value.value == "done"
    open_ended = echo()
    next(open_ended)
    open_ended.close()
    assert log == ["closed", "closed"]
    assert list(with_retry(EXACT)(lambda: iter(()))()) == []


def test_an_empty_generator_ends(clock):
    """Nothing to repeat, nothing to yield."""

    @with_retry(EXACT)
    def nothing():
        return
        yield

    @with_retry(EXACT)
    async def anothing():
        return
        yield

    async def collect():
        return [item async for item in anothing()]

    assert list(nothing()) == []
    assert asyncio.run(collect()) == []


def test_an_async_generator_is_repeated_before_its_first_item_only(clock):
    """And keeps asend, athrow and aclose."""
    began, closed = 0, []

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def stream():
        nonlocal began
        began += 1
        if began == 1:
            raise refusal(529)
        try:
            try:
                got = yield "a"
            except KeyError:
                got = yield "thrown"
            yield got
            raise refusal(529)
        finally:
            closed.append(True)

    async def main():
        talk = stream()
        assert await anext(talk) == "a"
        assert await talk.athrow(KeyError()) == "thrown"
        assert await talk.asend(7) == 7
        with pytest.raises(anthropic.OverloadedError):
            await anext(talk)
        other = stream()
        await anext(other)
        await other.aclose()

    asyncio.run(main())
    assert (began, closed) == (3, [True, True])


@pytest.mark.parametrize("decorate", [with_retry, with_retry(EXACT), CircuitBreaker()])
def test_what_cannot_be_called_is_refused_when_it_is_decorated(decorate):
    """A number of attempts in place of a configuration, for example."""
    with pytest.raises(TypeError, match="not int"):
        decorate(4)


def test_metadata_and_methods_survive(clock):
    """The wrapper is a function like the one it wraps."""

    class Agent:
        @with_retry
        def ask(self, prompt: str) -> str:
            """Ask."""
            return f"{type(self).__name__}: {prompt}"

    assert Agent().ask("hi") == "Agent: hi"
    assert (Agent.ask.__name__, Agent.ask.__doc__) == ("ask", "Ask.")
