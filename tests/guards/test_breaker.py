"""When a breaker opens, whom it lets through, and whose results it hears."""

import asyncio
import pickle
import random
import threading
from functools import partial

import anthropic
import httpx2
import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import CircuitOpenError

CLIENT = anthropic.Anthropic(api_key="k")


def refusal(status, **headers):
    """An exception of the installed SDK."""
    request = httpx2.Request("POST", "https://api.example.test/v1/messages")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=names, json={}, request=request)
    return CLIENT._make_status_error("no", body={}, response=response)


def fail(breaker, error=None, times=1):
    """Let calls under the breaker fail."""
    error = error or ConnectionError("down")
    for _ in range(times):
        with pytest.raises(type(error)), breaker:
            raise error


def opened(clock, **settings):
    """A breaker that has just opened."""
    breaker = CircuitBreaker(failure_threshold=2, recovery_timeout=60, clock=clock, **settings)
    fail(breaker, times=2)
    return breaker


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


def test_a_fleet_does_not_probe_in_step(clock):
    """Not even after the first opening."""
    waits = {opened(clock, jitter=0.2, rng=random.Random(seed)).retry_after for seed in range(20)}
    assert len(waits) == 20
    assert all(60 <= wait <= 72 for wait in waits)


def test_a_predicate_that_fails_hides_no_error_and_keeps_no_probe(clock, caplog):
    """What it does not say is judged by the rules."""

    def broken(error):
        raise RuntimeError("predicate")

    breaker = opened(clock, is_failure=broken)
    clock.advance(60)
    fail(breaker)  # the probe
    assert "is_failure" in caplog.text
    assert breaker.retry_after == 60


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
