"""Whose failures open a breaker, and how many of them or how slow ones."""

import asyncio

import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import CircuitOpenError
from failing_breakers import fail, opened
from failing_calls import refusal


@pytest.mark.parametrize(
    "error",
    [
        refusal(429),
        refusal(500),
        refusal(529),
        TimeoutError(),
        ConnectionResetError(),
        RuntimeError("down"),
        Exception("down"),
    ],
)
def test_faults_of_the_provider_count(clock, error):
    """Time-outs, refusals of a busy provider, and what nobody knows."""
    breaker = CircuitBreaker(failure_threshold=3, clock=clock)
    fail(breaker, error, times=3)
    assert breaker.state == "open"


@pytest.mark.parametrize(
    "error",
    [
        refusal(400),
        refusal(401),
        refusal(404),
        refusal(422),
        TypeError(),
        FileNotFoundError(),
        KeyboardInterrupt(),
        SystemExit(),
        asyncio.CancelledError(),
        CircuitOpenError("inner", 5),
    ],
)
def test_faults_of_the_caller_do_not(clock, error):
    """Nor do interrupts and cancellation."""
    breaker = CircuitBreaker(failure_threshold=3, clock=clock)
    fail(breaker, error, times=9)
    assert breaker.state == "closed"


def test_cancellation_is_neutral_and_frees_the_probe(clock):
    """It neither resets the count nor closes the circuit."""
    breaker = CircuitBreaker(failure_threshold=2, recovery_timeout=60, clock=clock)
    fail(breaker)
    fail(breaker, asyncio.CancelledError())
    fail(breaker)
    assert breaker.state == "open"
    clock.advance(60)
    fail(breaker, asyncio.CancelledError())
    assert breaker.state == "half_open"
    fail(breaker)
    assert breaker.state == "open"


def test_a_cancellation_after_the_slow_time_is_a_failure(clock):
    """Whoever put a time-out around the guarded call ran out of patience."""
    breaker = CircuitBreaker(failure_threshold=2, slow_call=5, clock=clock)

    @breaker
    def given_up():
        clock.advance(6)
        raise asyncio.CancelledError

    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            given_up()
    assert breaker.state == "open"


def test_a_predicate_decides_first(clock):
    """And may leave it to the rules."""
    breaker = CircuitBreaker(
        failure_threshold=1,
        clock=clock,
        is_failure=lambda e: {"yes": True, "no": False}.get(str(e)),
    )
    fail(breaker, RuntimeError("no"))
    assert breaker.state == "closed"
    fail(breaker, TypeError("yes"))
    assert breaker.state == "open"


def test_retry_after_is_the_shortest_opening(clock):
    """What the provider asks for is honoured."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60, clock=clock)
    fail(breaker, refusal(529, retry_after="300"))
    assert breaker.retry_after == 300
    breaker.reset()
    fail(breaker, refusal(529, retry_after="3"))
    assert breaker.retry_after == 60


def test_too_many_requests_are_counted_apart_and_open_it_as_long_as_asked(clock):
    """The provider is not down; it says itself when it has room."""
    breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=60, clock=clock)
    fail(breaker, refusal(500), times=2)
    fail(breaker, refusal(429, retry_after="7"), times=2)
    assert breaker.state == "closed"
    fail(breaker, refusal(429, retry_after="7"))
    assert breaker.retry_after == 7
    clock.advance(7)
    fail(breaker, refusal(429, retry_after="2"))  # the probe
    assert breaker.retry_after == 2
    breaker.reset()
    fail(breaker, refusal(429), times=3)
    assert breaker.retry_after == 60


def test_a_predicate_that_fails_hides_no_error_and_keeps_no_probe(clock, caplog):
    """What it does not say is judged by the rules."""

    def broken(error):
        raise RuntimeError("predicate")

    breaker = opened(clock, is_failure=broken)
    clock.advance(60)
    fail(breaker)  # the probe
    assert "is_failure" in caplog.text
    assert breaker.retry_after == 60


def test_a_rate_of_failures_opens_it_without_a_row(clock):
    """From the minimum of calls on."""
    breaker = CircuitBreaker(failure_threshold=99, failure_rate=0.5, minimum_calls=10, clock=clock)
    for _ in range(4):
        fail(breaker)
        with breaker:
            pass
    fail(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


def test_old_calls_leave_the_rate(clock):
    """The window slides."""
    breaker = CircuitBreaker(
        failure_threshold=99, failure_rate=0.5, minimum_calls=4, window=60, clock=clock
    )
    fail(breaker, times=3)
    clock.advance(61)
    fail(breaker, times=3)
    assert breaker.state == "closed"


def test_slow_calls_open_it(clock):
    """Even if they succeed."""
    breaker = CircuitBreaker(slow_call=5, slow_rate=0.5, minimum_calls=4, clock=clock)
    for _ in range(4):
        with breaker:
            clock.advance(6)
    assert breaker.state == "open"


@pytest.mark.parametrize("late", [True, False])
def test_a_stream_whose_first_item_is_late_is_slow(clock, late):
    """The time to the first item has a bound of its own, however long the rest takes."""
    breaker = CircuitBreaker(
        slow_first_item=5, slow_rate=1.0, minimum_calls=2, slow_call=100, clock=clock
    )

    def stream():
        clock.advance(6 if late else 1)
        yield 1
        clock.advance(50)
        yield 2
        return "end"

    async def astream():
        for item in stream():
            yield item

    async def collect():
        return [item async for item in breaker(astream)()]

    assert list(breaker(stream)()) == [1, 2]
    assert asyncio.run(collect()) == [1, 2]
    assert breaker.state == ("open" if late else "closed")


def test_a_late_first_item_alone_can_be_watched(clock):
    """Without a bound of the whole call; an empty stream has none."""
    breaker = CircuitBreaker(slow_first_item=5, slow_rate=0.5, minimum_calls=1, clock=clock)

    def empty():
        clock.advance(50)
        return "end"
        yield

    def stream():
        clock.advance(50)
        yield 1

    assert list(breaker(empty)()) == []
    assert breaker.state == "closed"
    assert list(breaker(stream)()) == [1]
    assert breaker.state == "open"


def test_a_slow_probe_is_a_failed_one(clock):
    """The provider is not well yet."""
    breaker = opened(clock, slow_call=5)
    clock.advance(60)
    with breaker:
        clock.advance(6)
    assert breaker.state == "open"
