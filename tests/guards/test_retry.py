"""When what fails is repeated, how long that waits, and what is never repeated."""

import asyncio
import concurrent.futures
import pickle
import random

import anthropic
import pytest

from chaoskit_guards.errors import RetryAfterTooLong, RetryExhausted
from chaoskit_guards.retry import (
    RetryConfig,
    with_retry,
)
from failing_calls import EXACT, Flaky, refusal, run


def test_backoff_doubles_and_is_capped(clock):
    """1, 2, 4 … seconds, never above max_delay."""
    config = RetryConfig(max_attempts=5, jitter=False, max_delay=3)
    assert run(config, Flaky(*[refusal(500)] * 4), clock) == "answer"
    assert clock.sleeps == [1, 2, 3, 3]


def test_the_wait_asked_for_is_exact_without_jitter(clock):
    """Retry-After in place of the backoff, in milliseconds too."""
    run(EXACT, Flaky(refusal(429, retry_after="7"), refusal(429, retry_after_ms="250")), clock)
    assert clock.sleeps == [7, 0.25]


def test_a_wait_of_zero_means_the_own_backoff(clock):
    """As the SDKs read it; nobody hammers."""
    run(EXACT, Flaky(refusal(429, retry_after="0")), clock)
    assert clock.sleeps == [1]


def test_jitter_is_added_to_the_wait_asked_for_never_taken(clock):
    """Those who were refused together come back apart, and none early."""
    waits = set()
    for seed in range(20):
        clock.sleeps.clear()
        run(
            RetryConfig(),
            Flaky(refusal(429, retry_after="7")),
            clock,
            rng=random.Random(seed),
        )
        waits.add(clock.sleeps[0])
    assert len(waits) == 20
    assert min(waits) >= 7
    assert max(waits) - min(waits) > 2


@pytest.mark.parametrize(
    ("jitter", "low", "high"), [(True, 0, 1), ("equal", 0.5, 1), ("decorrelated", 1, 3)]
)
def test_each_kind_of_jitter_stays_in_its_range(clock, jitter, low, high):
    """And differs between callers."""
    for seed in range(20):
        run(RetryConfig(jitter=jitter), Flaky(refusal(500)), clock, rng=random.Random(seed))
    assert all(low <= wait <= high for wait in clock.sleeps)
    assert len(set(clock.sleeps)) == 20


def test_a_wait_over_the_cap_is_raised_at_once(clock):
    """With the wanted wait on the error, so that a router can move on."""
    original = refusal(429, retry_after="600")
    with pytest.raises(RetryAfterTooLong) as caught:
        run(EXACT, Flaky(original), clock)
    assert (
        caught.value.retry_after,
        caught.value.attempts,
        caught.value.status_code,
    ) == (600, 1, 429)
    assert original is caught.value.__cause__
    assert clock.sleeps == []
    assert pickle.loads(pickle.dumps(caught.value)).retry_after == 600


def test_a_wait_beyond_the_deadline_is_raised_at_once(clock):
    """The deadline counts from the first attempt."""
    config = RetryConfig(jitter=False, deadline=10)
    with pytest.raises(RetryAfterTooLong):
        run(config, Flaky(refusal(429, retry_after="4"), refusal(429, retry_after="7")), clock)
    assert clock.sleeps == [4]


def test_the_deadline_stops_the_own_backoff_before_the_sleep(clock):
    """No sleep that cannot be followed by an attempt."""
    with pytest.raises(anthropic.InternalServerError):
        run(RetryConfig(jitter=False, deadline=2.5), Flaky(*[refusal(500)] * 9), clock)
    assert clock.sleeps == [1]


def test_jitter_gives_way_to_the_deadline_but_not_below_the_wait_asked_for(clock):
    """Retry-After fits, its jitter would not."""
    config = RetryConfig(deadline=8)
    rng = type("High", (), {"uniform": lambda self, a, b: b})()
    assert run(config, Flaky(refusal(429, retry_after="7")), clock, rng=rng) == "answer"
    assert 7 <= clock.sleeps[0] < 8


def test_exhaustion_raises_the_last_error_itself_with_a_note(clock):
    """Code that catches the SDK's own class keeps working."""
    last = refusal(429)
    flaky = Flaky(refusal(500), refusal(500), refusal(500), last)
    with pytest.raises(anthropic.RateLimitError) as caught:
        run(EXACT, flaky, clock)
    assert last is caught.value
    assert flaky.calls == 4
    assert any("4 attempts" in note for note in caught.value.__notes__)


def test_exhaustion_can_be_wrapped(clock):
    """For callers that want one class."""
    with pytest.raises(RetryExhausted) as caught:
        run(RetryConfig(max_attempts=2, wrap_exhausted=True), Flaky(*[refusal(500)] * 2), clock)
    assert (caught.value.attempts, caught.value.status_code) == (2, 500)
    assert isinstance(caught.value.__cause__, anthropic.InternalServerError)


@pytest.mark.parametrize(
    "error",
    [
        refusal(400),
        refusal(401),
        refusal(404),
        TypeError("bug"),
        ValueError("bug"),
        FileNotFoundError("bug"),
        RuntimeError("who knows"),
        concurrent.futures.CancelledError(),
        KeyboardInterrupt(),
        SystemExit(),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
)
def test_what_cannot_pass_is_raised_as_it_is_after_one_attempt(clock, error):
    """Requests of ours, mistakes, interrupts and cancellation."""
    flaky = Flaky(error)
    with pytest.raises(type(error)) as caught:
        run(RetryConfig(), flaky, clock)
    assert error is caught.value
    assert flaky.calls == 1
    assert not hasattr(error, "__notes__")


def test_a_predicate_cannot_ask_for_the_repetition_of_a_cancellation(clock):
    """Whatever it says."""
    flaky = Flaky(concurrent.futures.CancelledError())
    with pytest.raises(concurrent.futures.CancelledError):
        run(RetryConfig(retry_on=lambda error: True), flaky, clock)
    assert flaky.calls == 1


@pytest.mark.parametrize(
    ("decided", "error", "calls"),
    [(True, RuntimeError(), 2), (False, refusal(500), 1), (None, refusal(500), 2)],
)
def test_a_predicate_decides_before_the_rules(clock, decided, error, calls):
    """And may leave it to them."""
    flaky = Flaky(error)
    try:
        run(RetryConfig(retry_on=lambda error: decided), flaky, clock)
    except type(error):
        assert calls == 1
    assert calls == flaky.calls


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_the_default_statuses_hold_every_sign_of_a_busy_provider(clock, status):
    """The commonest sign of one vendor is 529."""
    assert run(RetryConfig(), Flaky(refusal(status)), clock) == "answer"


def test_a_set_of_the_users_own_is_obeyed_and_what_it_lacks_is_noted(clock):
    """529 outside of the set is not repeated, and the error says why."""
    config = RetryConfig(retryable_status_codes={429, 500})
    with pytest.raises(anthropic.OverloadedError) as caught:
        run(config, Flaky(refusal(529)), clock)
    assert any("retryable_status_codes" in note for note in caught.value.__notes__)


def test_a_dropped_connection_has_no_status_and_is_repeated(clock):
    """Whatever the set of statuses is."""
    flaky = Flaky(ConnectionResetError(), TimeoutError())
    assert run(RetryConfig(retryable_status_codes=()), flaky, clock) == "answer"


@pytest.mark.parametrize(("word", "status", "calls"), [("true", 400, 2), ("false", 500, 1)])
def test_the_providers_word_on_retrying_wins(clock, word, status, calls):
    """`x-should-retry`, as in the SDKs."""
    flaky = Flaky(refusal(status, x_should_retry=word))
    try:
        run(RetryConfig(), flaky, clock)
    except anthropic.APIStatusError:
        assert calls == 1
    assert calls == flaky.calls


def test_time_and_sleep_are_looked_up_when_they_are_needed(monkeypatch):
    """A harness that replaces them is obeyed by functions decorated before."""
    slept = []
    flaky = Flaky(refusal(500))
    guarded = with_retry(EXACT)(flaky)
    monkeypatch.setattr("time.sleep", slept.append)
    assert guarded() == "answer"
    assert slept == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_attempts": float("nan")},
        {"max_attempts": 2.5},
        {"retryable_status_codes": "429"},
        {"base_delay": -1},
        {"max_delay": float("inf")},
        {"max_retry_after": float("nan")},
        {"deadline": 0},
        {"jitter": "some"},
    ],
)
def test_impossible_settings_are_refused(wrong):
    """When they are written, not when they are used."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryConfig(**wrong)


def test_a_retry_on_that_fails_decides_nothing(clock, caplog):
    """The call's own error is what matters; it is repeated as without the hook."""

    def broken(_error):
        raise LookupError

    assert run(RetryConfig(retry_on=broken), Flaky(refusal(500)), clock) == "answer"
    with pytest.raises(anthropic.BadRequestError):
        run(RetryConfig(retry_on=broken), Flaky(refusal(400)), clock)
    assert "retry_on failed" in caplog.text
