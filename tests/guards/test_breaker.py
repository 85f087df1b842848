"""When a breaker opens, whom it lets through, and whose results it hears."""

import pickle
import random
import threading

import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import CircuitOpenError
from failing_breakers import fail, opened


def test_it_opens_after_consecutive_failures_and_refuses_without_calling(clock):
    """The error says when to come back."""
    breaker = opened(clock, name="primary")
    with pytest.raises(CircuitOpenError) as caught, breaker:
        pytest.fail("called")
    assert caught.value.retry_after == 60
    assert str(caught.value) == "primary is failing and gets no calls for another 60.0 s"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.name, copy.retry_after) == ("primary", 60)


def test_a_success_in_between_starts_the_count_anew(clock):
    """Consecutive means consecutive."""
    breaker = CircuitBreaker(failure_threshold=2, clock=clock)
    for _ in range(5):
        fail(breaker)
        with breaker:
            pass
    assert breaker.state == "closed"


@pytest.mark.parametrize("early", [0.001, 30])
def test_it_never_wakes_up_early(clock, early):
    """Not a millisecond."""
    breaker = opened(clock)
    clock.advance(60 - early)
    with pytest.raises(CircuitOpenError), breaker:
        pass
    clock.advance(early)
    with breaker:
        pass
    assert breaker.state == "closed"


def test_a_failed_probe_opens_it_for_the_same_time(clock):
    """The two numbers mean what they say unless growth is asked for."""
    breaker = opened(clock)
    clock.advance(60)
    fail(breaker)
    assert (breaker.state, breaker.retry_after) == ("open", 60)


def test_the_recovery_time_grows_at_random_up_to_its_ceiling(clock):
    """So that a fleet does not probe in step."""
    waits = set()
    for seed in range(10):
        breaker = opened(clock, max_recovery_timeout=300, rng=random.Random(seed))
        assert breaker.retry_after == 60
        for _ in range(6):
            clock.advance(breaker.retry_after)
            fail(breaker)
            assert 60 <= breaker.retry_after <= 300
        waits.add(breaker.retry_after)
    assert len(waits) == 10


@pytest.mark.parametrize("callers", [32])
def test_one_of_many_threads_probes(clock, callers):
    """The others are refused while the probe is under way."""
    breaker = opened(clock)
    clock.advance(60)
    start, inside, finish = threading.Barrier(callers), threading.Event(), threading.Event()
    admitted, refused = [], []

    def call():
        start.wait()
        try:
            with breaker:
                admitted.append(1)
                inside.set()
                finish.wait()
        except CircuitOpenError:
            refused.append(1)
            if len(refused) == callers - 1:
                finish.set()

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), len(refused)) == (1, callers - 1)
    assert breaker.state == "closed"


def test_calls_run_side_by_side(clock):
    """The lock is never held during a call."""
    breaker = CircuitBreaker(clock=clock, failure_rate=0.5)
    barrier = threading.Barrier(8, timeout=10)
    guarded = breaker(barrier.wait)
    threads = [threading.Thread(target=guarded) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not barrier.broken


def test_a_lost_probe_frees_its_place_and_its_late_result_is_not_heard(clock):
    """The lease expires."""
    breaker = opened(clock, probe_lease=10)
    clock.advance(60)
    lost = breaker.acquire()
    with pytest.raises(CircuitOpenError) as caught:
        breaker.acquire()
    assert caught.value.retry_after == 10
    clock.advance(10)
    second = breaker.acquire()
    lost.success()
    assert breaker.state == "half_open"
    second.failure()
    assert breaker.state == "open"


def test_a_success_that_began_before_the_outage_does_not_close_it(clock):
    """Nor does a late failure lengthen the opening."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60, clock=clock)
    slow, broken = breaker.acquire(), breaker.acquire()
    fail(breaker)
    clock.advance(30)
    slow.success()
    broken.failure()
    assert (breaker.state, breaker.retry_after) == ("open", 30)
    clock.advance(30)
    with breaker:
        slow.success()
        assert breaker.state == "half_open"


def test_several_probes_may_be_asked_for(clock):
    """One after the other."""
    breaker = opened(clock, probe_successes=2)
    clock.advance(60)
    with breaker:
        pass
    assert breaker.state == "half_open"
    with breaker:
        pass
    assert breaker.state == "closed"


def test_a_fleet_does_not_probe_in_step(clock):
    """Not even after the first opening."""
    waits = {opened(clock, jitter=0.2, rng=random.Random(seed)).retry_after for seed in range(20)}
    assert len(waits) == 20
    assert all(60 <= wait <= 72 for wait in waits)


def test_whoever_is_interrupted_while_asking_does_not_pass_for_the_probe(clock):
    """It saw the breaker closed; meanwhile it has opened, and its probe is under way."""

    class Interrupted(CircuitBreaker):
        meanwhile = None

        @property
        def _state(self):
            seen, meanwhile, self.meanwhile = self.kept, self.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            return seen

        @_state.setter
        def _state(self, state):
            self.kept = state

    probes = []

    def meanwhile():
        fail(breaker)
        clock.advance(60)
        probes.append(breaker.acquire())

    breaker = Interrupted(failure_threshold=1, clock=clock)
    breaker.meanwhile = meanwhile
    late = breaker.acquire()
    late.success()
    assert breaker.state == "half_open"
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    probes[0].success()
    assert breaker.state == "closed"


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1])
def test_it_is_not_opened_for_a_time_that_is_none(clock, seconds):
    """It would never end, or never begin."""
    breaker = CircuitBreaker(clock=clock)
    with pytest.raises(ValueError, match="seconds"):
        breaker.open_for(seconds)
    assert breaker.state == "closed"


def test_it_can_be_opened_because_the_provider_asked(clock):
    """Longer requests extend it, shorter ones do not shorten it."""
    breaker = CircuitBreaker(clock=clock)
    breaker.open_for(20)
    breaker.open_for(5)
    assert breaker.retry_after == 20
    breaker.open_for(50)
    assert breaker.retry_after == 50


def test_it_can_be_forced(clock):
    """Until it is reset."""
    breaker = CircuitBreaker(failure_threshold=1, clock=clock)
    breaker.force_open()
    clock.advance(1e9)
    with pytest.raises(CircuitOpenError) as caught:
        breaker.acquire()
    assert caught.value.retry_after == float("inf")
    assert "out of service" in str(caught.value)
    breaker.force_closed()
    fail(breaker, times=9)
    breaker.open_for(10)
    assert breaker.state == "forced_closed"
    breaker.reset()
    assert breaker.state == "closed"


def test_changes_and_refusals_are_told(clock):
    """In order."""
    events = []
    breaker = opened(clock, listener=events.append)
    with pytest.raises(CircuitOpenError):
        breaker.acquire()
    clock.advance(60)
    with breaker:
        pass
    assert [event.kind for event in events] == ["opened", "refused", "half_open", "closed"]
    assert events[0].values["retry_after"] == 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"failure_threshold": 0},
        {"recovery_timeout": 0},
        {"probe_lease": float("inf")},
        {"max_recovery_timeout": 1},
        {"failure_rate": 1.5},
        {"failure_threshold": float("nan")},
        {"minimum_calls": 2.5},
        {"slow_call": float("nan")},
        {"max_recovery_timeout": float("inf")},
        {"jitter": -1},
    ],
)
def test_impossible_settings_are_refused(wrong):
    """When they are written."""
    with pytest.raises(ValueError):
        CircuitBreaker(**wrong)
