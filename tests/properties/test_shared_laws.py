"""What is shared through Redis behaves as what one process keeps in memory, on the same clock."""

import hashlib
import uuid

import anthropic
import httpx2
import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chaoskit_guards import redis_store
from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetError, BudgetTimeout, CircuitOpenError
from chaoskit_guards.redis_store import RedisStore

STEPS = settings(max_examples=25, stateful_step_count=30, deadline=None)
EIGHTHS = st.integers(0, 8 * 90).map(lambda n: n / 8)
"""Seconds that both clocks can say exactly."""


CLIENT = anthropic.Anthropic(api_key="k")


def rate_limited(seconds):
    """The refusal of a provider, as the SDK raises it."""
    request = httpx2.Request("POST", "https://api.example.test/v1/messages")
    headers = {"retry-after": str(seconds)}
    response = httpx2.Response(429, headers=headers, json={}, request=request)
    return CLIENT._make_status_error("no", body={}, response=response)


@pytest.fixture
def server_time(redis_url, monkeypatch):
    """Sets the time that the scripts read, in seconds."""
    real = redis_store.load

    def load(script):
        text, _ = real(script)
        assert text.count("redis.call('TIME')") == 1
        text = text.replace("redis.call('TIME')", "{0, redis.call('GET', 'time of the test')}")
        return text, hashlib.sha1(text.encode()).hexdigest()

    monkeypatch.setattr(redis_store, "load", load)
    with redis.Redis.from_url(redis_url) as client:
        yield lambda seconds: client.set("time of the test", round(seconds * 1e6))
        client.flushdb()


class SharedMachine(RuleBasedStateMachine):
    """One guard in memory next to two that share; the three see the same time."""

    def __init__(self, url, server_time):
        super().__init__()
        self.store = RedisStore(url, uuid.uuid4().hex)
        self.server_time = server_time
        self.now = 1000.0
        server_time(self.now)

    def clock(self):
        return self.now

    @rule(seconds=EIGHTHS)
    def time_passes(self, seconds):
        """Move both clocks."""
        self.now += seconds
        self.server_time(self.now)

    def teardown(self):
        self.store.close()


class BudgetMachine(SharedMachine):
    """Whatever one is granted, the other is; settled, given back and learned alike."""

    def __init__(self, *args):
        super().__init__(*args)
        limits = {"tokens_per_minute": 100, "usd_per_minute": 1.0, "requests_per_minute": 7}
        self.local = BudgetWindow(**limits, clock=self.clock)
        self.shared = [BudgetWindow(**limits, clock=self.clock, store=self.store) for _ in range(2)]
        self.open = []

    @rule(tokens=st.integers(0, 110), cents=st.integers(0, 110), which=st.integers(0, 1))
    def reserve(self, tokens, cents, which):
        """At once or not at all, for the same reason and with the same time to come back."""
        answers = []
        for window in (self.local, self.shared[which]):
            try:
                answers.append(window.reserve(tokens, usd=cents / 100, timeout=0))
            except BudgetError as error:
                answers.append(error)
        expected, actual = answers
        assert type(actual) is type(expected)
        if isinstance(expected, BudgetTimeout):
            assert actual.retry_after == pytest.approx(expected.retry_after, abs=1e-5)
        elif not isinstance(expected, BudgetError):
            self.open.append(answers)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), tokens=st.integers(0, 150), cents=st.none() | st.integers(0, 150))
    def settle(self, data, tokens, cents):
        """With less, with more, with money or without."""
        pair = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        for reservation in pair:
            reservation.settle(tokens, usd=None if cents is None else cents / 100)

    @precondition(lambda self: self.open)
    @rule(sent=st.booleans())
    def cancel(self, sent):
        """Give back, with the request or without."""
        for reservation in self.open.pop(0):
            reservation.cancel(sent=sent)

    @rule(left=st.integers(0, 100), limit=st.integers(60, 100))
    def learn(self, left, limit):
        """What the provider counts."""
        headers = {
            "x-ratelimit-remaining-tokens": str(left),
            "x-ratelimit-limit-tokens": str(limit),
        }
        for window in (self.local, *self.shared):
            window.learn(headers)

    @rule(seconds=st.integers(1, 90))
    def learn_a_pause(self, seconds):
        """What the provider asks for when it refuses."""
        for window in (self.local, *self.shared):
            window.learn(rate_limited(seconds))

    @invariant()
    def all_hold_the_same(self):
        """Of everything that is counted."""
        expected = self.local.snapshot()
        for window in self.shared:
            assert window.snapshot() == expected


class Middle:
    """Draws the same for all."""

    def uniform(self, low, high):
        return low + (high - low) / 4


ENDS = ["success", "failure", "failure", "limited", "limited", "abandon"]


class BreakerMachine(SharedMachine):
    """Whatever one admits or refuses, the other does, and in the same state."""

    def __init__(self, *args):
        super().__init__(*args)
        details = {
            "failure_threshold": 3,
            "recovery_timeout": 16.0,
            "max_recovery_timeout": 128.0,
            "jitter": 0.5,
            "probe_successes": 2,
            "probe_lease": 32.0,
            "failure_rate": 0.5,
            "minimum_calls": 6,
            "window": 80.0,
            "slow_call": 20.0,
            "slow_rate": 0.75,
            "rng": Middle(),
            "clock": self.clock,
        }
        self.local = CircuitBreaker(**details)
        self.shared = [CircuitBreaker(**details, store=self.store) for _ in range(2)]
        self.open = []

    @rule(which=st.integers(0, 1))
    def acquire(self, which):
        """Admitted, or refused with the same time to come back."""
        answers = []
        for breaker in (self.local, self.shared[which]):
            try:
                answers.append(breaker.acquire())
            except CircuitOpenError as error:
                answers.append(error.retry_after)
        expected, actual = answers
        if isinstance(expected, float):
            assert actual == pytest.approx(expected, abs=1e-5)
        else:
            assert not isinstance(actual, float)
            self.open.append(answers)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), how=st.sampled_from(ENDS))
    def end(self, data, how):
        """A call ends, early or late."""
        for permit in self.open.pop(data.draw(st.integers(0, len(self.open) - 1))):
            if how == "limited":
                permit.failure(rate_limited(8))
            else:
                getattr(permit, how)()

    @rule(seconds=EIGHTHS, which=st.integers(0, 1))
    def open_for(self, seconds, which):
        """The provider asks for it."""
        self.local.open_for(seconds)
        self.shared[which].open_for(seconds)

    @rule(
        how=st.sampled_from(["reset", "reset", "force_open", "force_closed"]),
        which=st.integers(0, 1),
    )
    def decide(self, how, which):
        """Somebody takes it out of service, or back."""
        getattr(self.local, how)()
        getattr(self.shared[which], how)()

    @invariant()
    def all_are_in_the_same_state(self):
        """And wait for the same time."""
        for breaker in self.shared:
            assert breaker.state == self.local.state
            assert breaker.retry_after == pytest.approx(self.local.retry_after, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [BudgetMachine, BreakerMachine])
def test_shared_and_in_memory_are_one_model(machine, redis_url, server_time):
    """Over any history of two processes."""
    run_state_machine_as_test(lambda: machine(redis_url, server_time), settings=STEPS)


@pytest.fixture
def store(redis_url):
    """A store of a fresh key."""
    store = RedisStore(redis_url, uuid.uuid4().hex)
    yield store
    store.close()


@pytest.mark.parametrize("back", [0.5, 30.0, 59.0, 61.0, 500.0])
def test_a_clock_of_the_server_that_is_set_back_makes_no_room(back, store, server_time):
    """What is booked counts for a whole window from then on, and no longer than two."""
    window = BudgetWindow(100, store=store)
    server_time(1000.0)
    window.reserve(100, timeout=0)
    server_time(1000.0 - back)
    with pytest.raises(BudgetTimeout) as caught:
        window.reserve(1, timeout=0)
    assert 60 <= caught.value.retry_after <= 122
    server_time(1000.0 - back + caught.value.retry_after)
    window.reserve(100, timeout=0)


def test_a_reservation_from_before_the_clock_was_set_back_makes_no_room_twice(store, server_time):
    """Where it was booked there is nothing to give back any more."""
    window = BudgetWindow(100, store=store)
    server_time(1000.0)
    reservation = window.reserve(100, timeout=0)
    server_time(500.0)
    reservation.settle(10)
    assert window.snapshot()["tokens"] == 100
    for second in range(500, 1000, 20):
        server_time(second)
        assert window.snapshot()["tokens"] == (100 if second < 561 else 0)


def test_the_width_of_a_bucket_is_rounded_up(store, server_time):
    """10.01 microseconds are 11, so that the last one of a bucket stays for the whole window."""
    window = BudgetWindow(100, seconds=0.01, buckets=999, store=store)
    server_time(1.000009)
    window.reserve(100, timeout=0)
    server_time(1.000009 + 0.009995)
    with pytest.raises(BudgetTimeout):
        window.reserve(1, timeout=0)


def test_an_overrun_counts_from_when_it_is_known(store, server_time):
    """It stays when the estimate has left."""
    window = BudgetWindow(100, store=store)
    server_time(1000.0)
    reservation = window.reserve(10, timeout=0)
    server_time(1050.0)
    reservation.settle(60)
    server_time(1061.5)
    assert window.snapshot()["tokens"] == 50


def test_calls_that_are_older_than_the_window_have_no_rate(store, server_time):
    """Their buckets are not counted, even where no newer one has taken the place."""
    breaker = CircuitBreaker(100, failure_rate=0.5, minimum_calls=4, window=80.0, store=store)
    server_time(1000.0)
    for _ in range(3):
        breaker.acquire().failure()
    server_time(1088.0)
    breaker.acquire().failure()
    assert breaker.state == "closed"
