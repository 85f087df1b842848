"""A breaker shared through Redis: one state and one probe for all processes."""

import asyncio
import socket
import uuid

import pytest
import redis

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import AllProvidersFailed, CircuitOpenError, StoreUnavailable
from chaoskit_guards.redis_store import RedisStore
from chaoskit_guards.router import FallbackRouter, ProviderConfig


@pytest.fixture
def make(redis_url):
    """Makes breakers like one process each, all on one fresh key."""
    key = uuid.uuid4().hex
    stores = []

    def breaker(threshold=2, *, client=redis_url, when_down=None, **settings):
        store = RedisStore(client, key, when_down=when_down)
        stores.append(store)
        return CircuitBreaker(threshold, store=store, **settings)

    yield breaker
    for store in stores:
        store.close()


@pytest.fixture
def client(redis_url):
    """A client of the user's own."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def nowhere():
    """A URL on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


def fail(breaker, times=1):
    """Let calls under the breaker fail."""
    for _ in range(times):
        with pytest.raises(ConnectionError), breaker:
            raise ConnectionError


def let_recover(breaker):
    """Make its recovery time pass at once."""
    breaker.reset()
    breaker.open_for(0.0)


def test_failures_of_all_processes_open_it_for_all(make):
    """One each is enough."""
    one, other = make(name="p"), make(name="p")
    fail(one)
    fail(other)
    for breaker in (one, other):
        with pytest.raises(CircuitOpenError) as caught, breaker:
            pytest.fail("called")
        assert 59 < caught.value.retry_after <= 60
        assert breaker.state == "open"
        assert 59 < breaker.retry_after <= 60


def test_a_success_of_another_process_starts_the_count_anew(make):
    """Consecutive means consecutive among all."""
    one, other = make(), make()
    for _ in range(3):
        fail(one)
        with other:
            pass
    assert one.state == "closed"


def test_breakers_of_other_names_are_others(make):
    """Each provider has its own."""
    fail(make(name="a"), times=2)
    assert make(name="b").state == "closed"


def test_one_process_probes_and_all_hear_of_the_result(make):
    """The others are refused meanwhile."""
    one, other = make(), make()
    let_recover(one)
    assert other.state == "half_open"
    permit = one.acquire()
    with pytest.raises(CircuitOpenError) as caught:
        other.acquire()
    assert 0 < caught.value.retry_after <= 120
    permit.success()
    with other:
        pass
    assert other.state == "closed"


def test_a_failed_probe_opens_it_again_for_longer(make):
    """The recovery time doubles for all, whoever probes."""

    class Longest:
        def uniform(self, _low, high):
            return high

    settings = {"max_recovery_timeout": 600.0, "rng": Longest()}
    one, other = make(**settings), make(**settings)
    fail(one, times=2)
    assert other.retry_after <= 60
    one.open_for(0.0)
    assert one.retry_after > 59  # asked for less than it waits already
    let_recover(other)
    fail(one)
    assert 119 < other.retry_after <= 120


def test_a_probe_that_is_cancelled_frees_its_place(make):
    """It says nothing about the provider; a call of a closed breaker that is cancelled neither."""
    one, other = make(), make()
    let_recover(one)
    one.acquire().abandon()
    other.acquire().success()
    assert one.state == "closed"
    permit = one.acquire()
    permit.failure(asyncio.CancelledError())
    permit.failure()
    fail(other)
    assert one.state == "closed"


def test_a_lost_probe_frees_itself_and_is_not_heard_later(make):
    """Its lease has run out, and the era is another one."""
    one, other = make(probe_lease=1e-6), make(probe_lease=60.0)
    let_recover(one)
    lost = one.acquire()
    probe = other.acquire()
    lost.failure()
    assert other.state == "half_open"
    probe.success()
    lost.failure()
    assert one.state == "closed"


def test_late_results_of_an_earlier_era_change_nothing(make):
    """A slow success does not close it, and a slow failure does not open it again."""
    one, other = make(), make()
    slow_success, slow_failure = one.acquire(), one.acquire()
    fail(other, times=2)
    slow_success.success()
    assert other.state == "open"
    let_recover(other)
    with other:
        pass
    slow_failure.failure()
    fail(other)
    assert other.state == "closed"


def test_an_era_that_was_forgotten_is_never_used_again(make, client):
    """A key that expires takes nothing back."""
    one = make()
    late = one.acquire()
    client.flushdb()
    fail(make())
    late.failure()
    assert one.state == "closed"


def test_rates_are_counted_over_all_processes(make):
    """Two halves of failures make one."""
    settings = {"failure_rate": 0.5, "minimum_calls": 4}
    one, other = make(100, **settings), make(100, **settings)
    with one, other:
        pass
    fail(one)
    assert other.state == "closed"
    fail(other)
    assert one.state == "open"


def test_slow_calls_are_counted_over_all_processes(make, clock):
    """Each process measures its own calls with its own clock."""
    settings = {"slow_call": 1.0, "minimum_calls": 2, "clock": clock}
    one, other = make(100, **settings), make(100, **settings)
    for breaker in (one, other):
        with breaker:
            clock.advance(5)
    assert one.state == "open"


def test_a_decision_holds_for_all_and_does_not_expire(make, client):
    """Until it is taken back."""
    one, other = make(), make()
    one.acquire()
    one.force_open()
    assert (other.state, other.retry_after) == ("forced_open", float("inf"))
    with pytest.raises(CircuitOpenError):
        other.acquire()
    one.open_for(5.0)
    assert [client.ttl(key) for key in client.keys(f"*{one._shared.circuit._store.key}*")] == [-1]
    one.force_closed()
    fail(other, times=5)
    assert other.state == "forced_closed"
    other.reset()
    assert one.state == "closed"
    with one:
        pass
    assert all(
        3500 < client.ttl(key) <= 3600 for key in client.keys(f"*{one._shared.circuit._store.key}*")
    )


def test_coroutines_and_async_streams_share_it(make):
    """With `async with`, as a decorator, and through permits."""

    async def run():
        one, other = make(), make()

        @one
        async def call(error=None):
            if error:
                raise error
            return 5

        @other
        async def stream():
            yield 1
            raise ConnectionError

        assert await call() == 5
        with pytest.raises(ConnectionError):
            await call(ConnectionError())
        with pytest.raises(ConnectionError):
            async for _ in stream():
                pass
        with pytest.raises(CircuitOpenError):
            async with one:
                pytest.fail("called")
        let_recover(other)
        permit = await one.aacquire()
        await permit.aabandon()
        await permit.asuccess()
        with pytest.raises(ConnectionError):
            async with one:
                raise ConnectionError
        assert other.state == "open"
        let_recover(other)
        async with one:
            pass
        assert other.state == "closed"
        await (await one.aacquire()).afailure()
        for breaker in (one, other):
            await breaker._shared.circuit._store.aclose()

    asyncio.run(run())


def test_events_are_told_where_they_are_caused(make):
    """Each change once, by the process whose call made it."""
    seen = []
    one = make(listener=lambda event: seen.append(("one", event.kind)))
    other = make(listener=lambda event: seen.append(("other", event.kind)))
    fail(one)
    fail(other)
    with pytest.raises(CircuitOpenError):
        one.acquire()
    let_recover(other)
    with one:
        pass
    assert seen == [
        ("other", "opened"),
        ("one", "refused"),
        ("other", "closed"),
        ("other", "opened"),
        ("one", "half_open"),
        ("one", "closed"),
    ]


def test_without_the_server_each_process_goes_alone_unless_it_is_told_to_refuse(make, nowhere):
    """A breaker is there to keep calls possible."""
    alone = make(client=nowhere)
    fail(alone, times=2)
    assert alone.state == "open"
    with pytest.raises(CircuitOpenError):
        alone.acquire()
    alone.reset()
    with alone:
        pass
    refusing = make(client=nowhere, when_down="refuse")
    with pytest.raises(StoreUnavailable):
        refusing.acquire()

    async def run():
        async with alone:
            pass
        with pytest.raises(StoreUnavailable):
            await refusing.aacquire()
        for breaker in (alone, refusing):
            await breaker._shared.circuit._store.aclose()

    asyncio.run(run())


class Breaking:
    """A client that fails while it is told to."""

    def __init__(self, client):
        self.client = client
        self.down = False

    def evalsha(self, *args):
        if self.down:
            raise redis.ConnectionError
        return self.client.evalsha(*args)

    def eval(self, *args):
        return self.client.eval(*args)


def test_a_result_that_the_server_misses_fails_no_call(make, client):
    """The lease of a probe frees it."""
    link, seen = Breaking(client), []
    one = make(client=link, probe_lease=1e-6, listener=lambda event: seen.append(event.kind))
    let_recover(one)
    seen.clear()
    with one:
        link.down = True
    link.down = False
    assert seen == ["half_open", "untold"]
    with one:
        pass
    assert one.state == "closed"


def test_a_router_passes_over_a_provider_whose_breaker_refuses_without_the_server(make, nowhere):
    """As over one whose circuit is open."""

    class Client:
        def __init__(self):
            self.messages = self

        def create(self, **_):
            pytest.fail("called")

    router = FallbackRouter(
        [ProviderConfig(name="a", model="claude-opus-4-8", client=Client())],
        breaker=lambda name: make(client=nowhere, when_down="refuse", name=name),
    )
    with pytest.raises(AllProvidersFailed, match="does not answer"):
        router.complete([{"role": "user", "content": "hi"}], max_tokens=10)
