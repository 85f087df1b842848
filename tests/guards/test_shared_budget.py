"""A window shared through Redis: what all processes together may use."""

import asyncio
import logging
import socket
import uuid

import pytest
import redis
import redis.asyncio

from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetTimeout, BudgetTooLarge, StoreUnavailable
from chaoskit_guards.redis_store import RedisStore


@pytest.fixture
def make(redis_url):
    """Makes windows like one process each, all on one fresh key."""
    key = uuid.uuid4().hex
    stores = []

    def window(tokens=1000, usd=None, *, client=redis_url, store_settings=None, **settings):
        store = RedisStore(client, key, **(store_settings or {}))
        stores.append(store)
        return BudgetWindow(tokens, usd, store=store, **settings)

    yield window
    for store in stores:
        store.close()


@pytest.fixture
def client(redis_url):
    """A client of the user's own."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


def nowhere():
    """A URL on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


def test_two_processes_share_one_limit(make):
    """What the one has booked, the other one cannot."""
    one, other = make(), make()
    one.reserve(600, timeout=0)
    with pytest.raises(BudgetTimeout) as caught:
        other.reserve(500, timeout=0)
    assert 0 < caught.value.retry_after <= 61.1
    other.reserve(400, timeout=0)
    assert one.snapshot() == other.snapshot()
    assert one.snapshot()["tokens"] == 1000


def test_all_amounts_are_booked_or_none(make):
    """A request that has no room for its money takes no tokens either."""
    one = make(usd=1.0, requests_per_minute=3)
    one.reserve(100, usd=0.7, timeout=0)
    with pytest.raises(BudgetTimeout):
        one.reserve(100, usd=0.4, timeout=0)
    assert one.snapshot() == {
        "requests": 1,
        "tokens": 100,
        "input tokens": 0,
        "output tokens": 0,
        "USD": 0.7,
    }
    one.reserve(1, usd=0.3, timeout=0)
    one.reserve(1, usd=0.0, timeout=0)
    with pytest.raises(BudgetTimeout):
        one.reserve(1, usd=0.0, timeout=0)


def test_what_is_settled_by_one_is_room_for_all(make):
    """Less than the estimate comes back; more is booked."""
    one, other = make(), make()
    one.reserve(1000, timeout=0).settle(300)
    second = other.reserve(700, timeout=0)
    second.settle(900)
    assert one.snapshot()["tokens"] == 1200


def test_cancelling_gives_back_what_was_not_sent(make):
    """And a failed block gives back all but the request."""
    one, other = make(), make()
    one.reserve(1000, timeout=0).cancel()
    assert (other.snapshot()["tokens"], other.snapshot()["requests"]) == (0, 0)
    with pytest.raises(ConnectionError), one.reserve(1000, timeout=0):
        raise ConnectionError
    assert (other.snapshot()["tokens"], other.snapshot()["requests"]) == (0, 1)


def test_a_request_larger_than_the_window_is_refused_at_once(make):
    """No process needs to ask the server for that."""
    with pytest.raises(BudgetTooLarge):
        make(client=nowhere()).reserve(1001)


def test_what_is_recorded_without_a_reservation_counts(make):
    """For all."""
    one, other = make(), make()
    one.record(600)
    with pytest.raises(BudgetTimeout):
        other.reserve(500, timeout=0)


def test_what_a_provider_tells_one_process_holds_for_all(make):
    """Tokens that somebody else has spent, and a time in which nothing is granted."""
    one, other = make(), make()
    one.learn({"x-ratelimit-remaining-tokens": "300"})
    assert other.snapshot()["tokens"] == 700
    with pytest.raises(BudgetTimeout):
        other.reserve(301, timeout=0)
    other.reserve(300, timeout=0)


def test_coroutines_wait_without_blocking_and_settle(make):
    """Each blocking method has a twin, and `async with` gives back."""

    async def run():
        one, other = make(), make()
        async with await one.areserve(600, timeout=0) as reservation:
            with pytest.raises(BudgetTimeout):
                await other.areserve(500, timeout=0)
            await reservation.asettle(100)
        with pytest.raises(ConnectionError):
            async with await other.areserve(900, timeout=0):
                raise ConnectionError
        await (await other.areserve(800, timeout=0)).acancel()
        await one.arecord(50)
        await one.alearn({"x-ratelimit-remaining-tokens": "0"})
        snapshot = await other.asnapshot()
        for window in (one, other):
            await window._shared.meter._store.aclose()
        return snapshot

    snapshot = asyncio.run(run())
    assert (snapshot["tokens"], snapshot["requests"]) == (1000, 3)


def test_clients_of_the_user_serve_their_own_world(make, client, redis_url):
    """A blocking client has no async calls, and an async one no blocking ones."""
    blocking = make(client=client)
    blocking.reserve(100, timeout=0)

    async def run():
        async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as own:
            window = make(client=own)
            await window.areserve(100, timeout=0)
            with pytest.raises(TypeError, match="give the store a URL"):
                window.reserve(1, timeout=0)
        with pytest.raises(TypeError, match="give the store a URL"):
            await blocking.areserve(1, timeout=0)

    asyncio.run(run())
    assert blocking.snapshot()["tokens"] == 200


def test_a_waiting_caller_gets_what_another_process_gives_back(make):
    """It looks again several times in a window."""
    one = make()
    first = one.reserve(1000, timeout=0)
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        first.cancel()

    assert make(sleep=sleep).reserve(1000).waited >= 0
    assert waits == [5.0]


def test_nobody_of_a_process_is_overtaken_while_waiting(make):
    """What would fit is refused while an earlier caller waits for more."""
    refused = []

    def sleep(seconds):
        with pytest.raises(BudgetTimeout) as caught:
            one.reserve(100, timeout=0)
        refused.append(caught.value)
        first.cancel()

    one = make(sleep=sleep)
    first = one.reserve(500, timeout=0)
    one.reserve(1000)
    assert len(refused) == 1


def test_every_key_expires(make, client):
    """The window a little after it is empty, and a lease with it."""
    one = make()
    reservation = one.reserve(100, timeout=0)
    keys = client.keys(f"*{one._shared.meter._store.key}*")
    assert len(keys) == 2
    assert all(60_000 < client.pttl(key) <= 62_000 for key in keys)
    reservation.settle(100)
    assert len(client.keys(f"*{one._shared.meter._store.key}*")) == 1


def test_the_size_of_the_window_does_not_depend_on_the_amounts(make, client):
    """A hundred reservations of much or of little are as large."""
    sizes = []
    for tokens in (1, 1_000_000):
        client.flushdb()
        one = make(10**12)
        for _ in range(100):
            one.reserve(tokens, timeout=0).settle(tokens)
        sizes.append(client.memory_usage(client.keys("*:budget")[0]))
    assert max(sizes) - min(sizes) < 100
    assert max(sizes) < 10_000


def test_windows_of_different_shapes_do_not_mix(make):
    """It is a mistake of the settings, not a state of the budget."""
    make().reserve(1, timeout=0)
    with pytest.raises(ValueError, match="same seconds and buckets"):
        make(buckets=30).reserve(1, timeout=0)
    with pytest.raises(ValueError, match="at most 1000 buckets"):
        make(buckets=1001)


@pytest.mark.parametrize("booked_first", [True, False])
def test_a_caller_that_is_cancelled_while_it_asks_books_nothing(make, client, booked_first):
    """Whether the server hears of the question or of its withdrawal first."""
    budget, other = make(1000), make(1000)
    meter = budget._shared.meter
    asked = asyncio.Event()
    late = []

    async def aask(question):
        if booked_first:
            meter.send(question)
        else:
            late.append(question)
        asked.set()
        await asyncio.get_running_loop().create_future()

    meter.aask = aask

    async def main():
        task = asyncio.create_task(budget.areserve(900))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await meter._store.aclose()

    asyncio.run(main())
    for question in late:
        assert meter.send(question)[0] == -1
    assert other.snapshot()["tokens"] == 0
    assert other.reserve(1000, timeout=0)
    assert not budget._book._queue


class Stammering:
    """A client whose every command is sent again, as after a lost reply."""

    def __init__(self, client):
        self.client = client

    def evalsha(self, *args):
        self.client.evalsha(*args)
        return self.client.evalsha(*args)

    def eval(self, *args):
        return self.client.eval(*args)


def test_a_command_that_is_sent_again_counts_once(make, client):
    """A reservation books once, and settling it gives back once."""
    kept = make()
    kept.reserve(500, timeout=0)
    one = make(client=Stammering(client))
    reservation = one.reserve(400, timeout=0)
    assert kept.snapshot()["tokens"] == 900
    reservation.settle(100)
    assert kept.snapshot()["tokens"] == 600


def test_a_server_that_has_lost_its_scripts_is_given_them(make, client):
    """As after a restart."""
    one = make()
    one.reserve(1, timeout=0)
    client.script_flush()
    one.reserve(1, timeout=0)
    client.script_flush()

    async def run():
        await one.areserve(1, timeout=0)
        await one._shared.meter._store.aclose()

    asyncio.run(run())
    assert one.snapshot()["tokens"] == 3


def test_a_connection_that_the_server_has_closed_is_made_anew(make, client):
    """As after an idle time, in both worlds."""
    one = make()

    async def run():
        await one.areserve(1, timeout=0)
        client.client_kill_filter(_type="normal", skipme=True)
        await one.areserve(1, timeout=0)
        await one._shared.meter._store.aclose()

    one.reserve(1, timeout=0)
    client.client_kill_filter(_type="normal", skipme=True)
    one.reserve(1, timeout=0)
    asyncio.run(run())
    assert one.snapshot()["tokens"] == 4


def test_a_server_that_says_nothing_is_not_waited_for(make):
    """The operation ends after its time, and is not tried again."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        one = make(client=url, store_settings={"timeout": 0.02})
        with pytest.raises(StoreUnavailable) as caught:
            one.reserve(1, timeout=0)
        silent.setblocking(False)
        accepted = [silent.accept()[0]]
        with pytest.raises(BlockingIOError):
            accepted.append(silent.accept())
    accepted[0].close()
    assert isinstance(caught.value.__cause__, redis.TimeoutError)


def test_without_the_server_a_budget_refuses_unless_it_is_told_to_go_alone(make, caplog):
    """Alone it still holds its own limit; nothing that was sent fails to settle."""
    refusing = make(client=nowhere())
    with pytest.raises(StoreUnavailable):
        refusing.reserve(1, timeout=0)
    with pytest.raises(StoreUnavailable):
        refusing.snapshot()
    refusing.record(5)

    events = []
    alone = make(client=nowhere(), store_settings={"when_down": "alone"}, listener=events.append)
    with caplog.at_level(logging.WARNING):
        reservation = alone.reserve(900, timeout=0)
    assert "does not answer: ConnectionError" in caplog.text
    with pytest.raises(BudgetTimeout):
        alone.reserve(200, timeout=0)
    reservation.settle(800)
    alone.reserve(200, timeout=0)
    alone.record(200)
    assert alone.snapshot()["tokens"] == 1000
    assert {event.kind for event in events} == {"alone"}

    async def run():
        with pytest.raises(StoreUnavailable):
            await refusing.areserve(1, timeout=0)
        with pytest.raises(StoreUnavailable):
            await refusing.asnapshot()
        await refusing.arecord(5)
        with pytest.raises(BudgetTimeout):
            await alone.areserve(1, timeout=0)
        assert (await alone.asnapshot())["tokens"] == 1000
        for window in (alone, refusing):
            await window._shared.meter._store.aclose()

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


def test_what_was_granted_before_the_outage_counts_when_a_process_goes_alone(make, client, caplog):
    """And when the server is back its counts hold again."""
    link = Breaking(client)
    events = []
    one = make(client=link, store_settings={"when_down": "alone"}, listener=events.append)
    first = one.reserve(600, timeout=0)
    link.down = True
    with pytest.raises(BudgetTimeout):
        one.reserve(500, timeout=0)
    first.settle(100)
    assert [event.kind for event in events] == ["alone", "untold"]
    one.reserve(500, timeout=0)
    link.down = False
    with caplog.at_level(logging.WARNING):
        assert one.snapshot()["tokens"] == 600
    assert "answers again" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("redis://x", ""), ValueError),
        (("redis://x", "a{b}"), ValueError),
        ((object(), "k"), TypeError),
    ],
)
def test_a_store_is_made_of_a_url_or_a_client_and_a_key(arguments, error):
    """Anything else is refused at once."""
    with pytest.raises(error):
        RedisStore(*arguments)


def test_a_store_says_what_it_is_without_the_password_of_its_url():
    """A URL may hold one."""
    store = RedisStore("redis://user:word@x/0", "org-1", when_down="alone")
    assert repr(store) == "RedisStore(key='org-1', when_down='alone')"
    with pytest.raises(ValueError, match="when_down"):
        RedisStore("redis://x", "k", when_down="open")
