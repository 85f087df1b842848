"""What a breaker guards and how it is entered: functions, coroutines, streams, blocks."""

import asyncio
import threading
from functools import partial

import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import CircuitOpenError
from failing_breakers import opened


def test_it_guards_functions_coroutines_and_calls(clock):
    """On one state."""
    breaker = CircuitBreaker(failure_threshold=3, clock=clock)

    @breaker
    def sync():
        raise ConnectionError

    @breaker
    async def task():
        raise ConnectionError

    async def plain():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        sync()
    with pytest.raises(ConnectionError):
        asyncio.run(task())
    with pytest.raises(ConnectionError):
        asyncio.run(breaker.call(partial(plain)))
    assert breaker.state == "open"
    assert sync.__name__ == "sync"


def test_async_with_and_tasks_keep_their_own_permits(clock):
    """Tasks on one thread leave in another order than they entered."""
    breaker = CircuitBreaker(failure_threshold=2, recovery_timeout=60, clock=clock)

    async def call(order, place, error):
        async with breaker:
            await order[place].wait()
            if error:
                raise error

    async def main():
        order = [asyncio.Event(), asyncio.Event(), asyncio.Event()]
        errors = [None, ConnectionError(), ConnectionError()]
        tasks = [asyncio.create_task(call(order, n, errors[n])) for n in range(3)]
        await asyncio.sleep(0)
        for event in order:
            event.set()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())
    assert breaker.state == "open"


def test_a_stream_counts_when_it_ends(clock):
    """A stream that breaks half-way is a failure, one that is put away is neutral."""
    breaker = CircuitBreaker(failure_threshold=1, clock=clock)

    @breaker
    def stream(broken):
        yield 1
        if broken:
            raise ConnectionError
        yield 2

    @breaker
    async def astream():
        yield 1
        raise ConnectionError

    assert list(stream(broken=False)) == [1, 2]
    half = stream(broken=False)
    next(half)
    half.close()
    assert breaker.state == "closed"
    with pytest.raises(ConnectionError):
        list(stream(broken=True))
    assert breaker.state == "open"
    breaker.reset()

    async def main():
        async for _ in astream():
            pass

    with pytest.raises(ConnectionError):
        asyncio.run(main())
    assert breaker.state == "open"


def test_what_a_plain_function_gives_counts_when_it_ends(clock):
    """A task, a generator and an async generator have done nothing yet when they are handed out."""

    async def call():
        raise ConnectionError

    def stream():
        yield 1
        raise ConnectionError

    async def astream():
        yield 1
        raise ConnectionError

    def given(make):
        return partial(lambda function: function(), make)

    async def consume(items):
        return [item async for item in items]

    async def main(breaker, made):
        with pytest.raises(ConnectionError):
            await breaker(made)()

    for made in (stream, given(stream), partial(stream)):
        breaker = CircuitBreaker(failure_threshold=1, clock=clock)
        with pytest.raises(ConnectionError):
            list(breaker(made)())
        assert breaker.state == "open"
    for made in (astream, given(astream), partial(astream)):
        breaker = CircuitBreaker(failure_threshold=1, clock=clock)
        with pytest.raises(ConnectionError):
            asyncio.run(consume(breaker(made)()))
        assert breaker.state == "open"
    for made in (call, lambda: asyncio.ensure_future(call()), partial(call)):
        breaker = CircuitBreaker(failure_threshold=1, clock=clock)
        asyncio.run(main(breaker, made))
        assert breaker.state == "open"


def test_an_async_stream_keeps_asend_athrow_and_is_closed(clock):
    """The wrapper is transparent, and a stream that is left early says nothing."""
    closed = []

    async def talk():
        try:
            got = yield "first"
            try:
                got = yield got
            except KeyError:
                got = yield "thrown"
            yield got
        finally:
            closed.append(True)

    async def empty():
        return
        yield

    breaker = opened(clock)
    clock.advance(60)

    async def main():
        one = breaker(talk)()
        assert await anext(one) == "first"
        assert await one.asend(5) == 5
        assert await one.athrow(KeyError()) == "thrown"
        with pytest.raises(CircuitOpenError):
            await anext(breaker(talk)())
        await one.aclose()
        assert breaker.state == "half_open"
        assert [item async for item in breaker(empty)()] == []

    asyncio.run(main())
    assert closed == [True]
    assert breaker.state == "closed"


def test_it_can_be_left_in_another_context_than_entered(clock):
    """Frameworks enter in one thread and leave in another one."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60, clock=clock)
    elsewhere = threading.Thread(target=breaker.__enter__)
    elsewhere.start()
    elsewhere.join()
    breaker.__exit__(ConnectionError, ConnectionError(), None)
    assert breaker.state == "open"


def test_two_breakers_may_be_left_in_any_order(clock):
    """Each finds its own permit."""
    outer = CircuitBreaker(failure_threshold=1, clock=clock)
    inner = CircuitBreaker(failure_threshold=1, clock=clock)
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(ConnectionError, ConnectionError(), None)
    inner.__exit__(None, None, None)
    assert (outer.state, inner.state) == ("open", "closed")
