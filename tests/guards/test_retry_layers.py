"""Retries that know of others: a shared budget, layers around layers, and whoever listens."""

import asyncio
import logging
from dataclasses import dataclass

import anthropic
import pytest

from chaoskit_guards.errors import RetryAfterTooLong
from chaoskit_guards.retry import (
    RetryBudget,
    RetryConfig,
    current_attempt,
    with_retry,
    without_sdk_retries,
)
from failing_calls import CLIENT, EXACT, Flaky, refusal, run


def test_a_shared_budget_bounds_the_retries_of_all_callers(clock):
    """An outage is not multiplied by the attempts."""
    budget = RetryBudget(ratio=0.1, burst=5)
    config = RetryConfig(budget=budget)
    calls = 0
    for _ in range(100):
        flaky = Flaky(*[refusal(500)] * 9)
        with pytest.raises(anthropic.InternalServerError):
            run(config, flaky, clock)
        calls += flaky.calls
    assert 100 < calls <= 100 + 5 + 10


def test_an_outer_layer_does_not_repeat_what_an_inner_one_gave_up(clock):
    """Four times four attempts are four."""
    flaky = Flaky(*[refusal(500)] * 99)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)
    with pytest.raises(anthropic.InternalServerError):
        run(EXACT, inner, clock)
    assert flaky.calls == 4


def test_an_outer_layer_sees_through_a_wrapper_of_the_users(clock):
    """`raise … from` does not start the attempts anew."""
    flaky = Flaky(*[refusal(500)] * 99)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)

    def wrapped():
        try:
            return inner()
        except anthropic.APIError as error:
            raise ConnectionError("model unavailable") from error

    with pytest.raises(ConnectionError):
        run(EXACT, wrapped, clock)
    assert flaky.calls == 4


def test_an_outer_layer_sees_what_was_given_up_while_another_error_is_handled(clock):
    """`raise` without `from`, and a fallback that fails: the attempts do not start anew."""
    flaky = Flaky(*[refusal(500)] * 99)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)

    def wrapped():
        try:
            return inner()
        except anthropic.APIError:
            raise ConnectionError("model unavailable")  # noqa: B904 - as careless code does

    with pytest.raises(ConnectionError):
        run(EXACT, wrapped, clock)
    assert flaky.calls == 4


def test_a_wrapped_refusal_still_asks_for_its_wait(clock):
    """Nobody comes back early because somebody renamed the error."""
    calls = []

    def wrapped():
        calls.append(clock.now)
        if len(calls) == 1:
            raise ConnectionError("model unavailable") from refusal(429, retry_after="7")
        return "answer"

    assert run(EXACT, wrapped, clock) == "answer"
    assert clock.sleeps == [7]


def test_a_wait_that_was_too_long_is_not_cut_by_an_outer_layer(clock):
    """The inner layer has refused to wait; a wrapper of its error does not hide that."""
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(
        Flaky(refusal(429, retry_after="600"))
    )

    def wrapped():
        try:
            return inner()
        except RetryAfterTooLong as error:
            raise ConnectionError("model unavailable") from error

    with pytest.raises(ConnectionError):
        run(EXACT, wrapped, clock)
    assert clock.sleeps == []


def test_a_call_within_a_repeated_attempt_goes_on_with_its_count(clock):
    """Layers share the attempts, and what one has started and left behind is no part of it."""
    numbers, left = [], []

    async def background():
        await asyncio.sleep(0)
        numbers.append(("background", current_attempt()))

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def inner(errors):
        numbers.append(("inner", current_attempt()))
        if errors:
            raise errors.pop()
        return "answer"

    outer_errors, inner_errors = [refusal(500)], [refusal(500), refusal(500)]

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def outer():
        if outer_errors:
            raise outer_errors.pop()
        left.append(asyncio.create_task(background()))
        return await inner(inner_errors)

    async def main():
        assert await outer() == "answer"
        await left[0]

    asyncio.run(main())
    assert numbers == [("inner", 2), ("inner", 3), ("inner", 4), ("background", 1)]


def test_an_error_that_takes_no_marks_is_raised_as_it_is(clock):
    """A frozen dataclass is an exception too."""

    @dataclass(frozen=True)
    class Frozen(Exception):
        status_code: int = 500

    error = Frozen()
    flaky = Flaky(*[error] * 9)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)
    with pytest.raises(Frozen) as caught:
        run(EXACT, inner, clock)
    assert error is caught.value
    assert flaky.calls == 4


def test_the_same_exception_object_in_a_later_call_is_repeated_again(clock):
    """Giving up on it once is no property of the object."""
    error = refusal(500)
    for _ in range(2):
        flaky = Flaky(*[error] * 99)
        with pytest.raises(anthropic.InternalServerError):
            run(EXACT, flaky, clock)
        assert flaky.calls == 4


def test_the_retries_of_the_sdk_below_are_told_once(clock, caplog):
    """They multiply attempts without anybody seeing it."""
    events = []
    error = refusal(500)
    error.request.headers["x-stainless-retry-count"] = "2"
    with caplog.at_level(logging.WARNING, "chaoskit_guards"):
        run(RetryConfig(), Flaky(error, error), clock, listener=events.append)
    assert [e.kind for e in events].count("sdk_retries") == 1
    assert len(caplog.records) == 1


def test_the_retries_of_a_real_client_can_be_switched_off():
    """`with_options(max_retries=0)` on a copy."""
    assert without_sdk_retries(CLIENT).max_retries == 0
    assert CLIENT.max_retries > 0
    with pytest.raises(TypeError):
        without_sdk_retries(object())


def test_every_attempt_is_told_and_numbered(clock):
    """Listener and context agree."""
    events, numbers = [], []
    flaky = Flaky(refusal(500), refusal(429, retry_after="2"))

    def call():
        numbers.append(current_attempt())
        return flaky()

    run(EXACT, call, clock, listener=events.append)
    assert numbers == [1, 2, 3]
    assert current_attempt() == 1
    assert [(e.values["attempt"], e.values["wait"], e.values["status"]) for e in events] == [
        (1, 1.0, 500),
        (2, 2.0, 429),
    ]


def test_a_failing_listener_changes_nothing(clock, caplog):
    """It is told, not asked."""

    def broken(event):
        raise RuntimeError("observer")

    assert run(RetryConfig(), Flaky(refusal(500)), clock, listener=broken) == "answer"
    assert "listener failed" in caplog.text


def test_an_impossible_budget_is_refused():
    """A ratio is a share."""
    with pytest.raises(ValueError):
        RetryBudget(ratio=2)
