"""Effects that are remembered for all processes that share a key."""

import asyncio
import socket
import uuid

import pytest

from chaoskit_guards import (
    IdempotentTools,
    OutcomeUnknown,
    RedisStore,
    SessionError,
    SessionScope,
    StoreUnavailable,
    Vet,
)
from chaoskit_guards.shared_effects import SharedEffects


@pytest.fixture
def make(redis_url):
    """Makes guards like one process each, all on one fresh key."""
    key, stores = uuid.uuid4().hex, []

    def guarded(refund, client=redis_url, when_down=None, **settings):
        vet = Vet()
        vet.guard(name="refund")(refund)
        store = RedisStore(client, key, when_down=when_down)
        stores.append(store)
        return IdempotentTools(vet, ["refund"], store=store, session="s", **settings)

    yield guarded
    for store in stores:
        store.close()


@pytest.fixture
def store(redis_url):
    """The memory alone."""
    redis = RedisStore(redis_url, uuid.uuid4().hex)
    yield SharedEffects(redis, lifetime=60)
    redis.close()


@pytest.fixture(params=["sync", "async"])
def call(request):
    """Dispatches in either form."""

    def go(guarded, order):
        if request.param == "sync":
            return guarded.dispatch("refund", {"order": order})

        async def main():
            store = guarded._store._store
            try:
                return await guarded.adispatch("refund", {"order": order})
            finally:
                for used in {store, guarded._store._store}:
                    await used.aclose()

        return asyncio.run(main())

    return go


def nowhere():
    """A URL on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{probe.getsockname()[1]}/0"


class Bank:
    def __init__(self, *script):
        self.script, self.paid = list(script), []

    def __call__(self, order: str):
        self.paid.append(order)
        step = self.script.pop(0) if self.script else "paid"
        if isinstance(step, Exception):
            raise step
        return step


@pytest.mark.parametrize(
    "result", ["paid", {"n": [1, 2.5, None, True], "é": "€ 😀"}, "", None, "x" * 60_000]
)
def test_another_process_gets_the_result(make, call, result):
    """As it was."""
    bank = Bank(result)
    assert call(make(bank), "A1") == result
    assert call(make(bank), "A1") == result
    assert bank.paid == ["A1"]


def test_what_is_unknown_to_one_is_unknown_to_all(make, call):
    """Until somebody settles it."""
    bank = Bank(TimeoutError())
    with pytest.raises(OutcomeUnknown) as caught:
        call(make(bank), "A1")
    with pytest.raises(OutcomeUnknown):
        call(make(bank), "A1")
    assert make(bank).settle(caught.value.key, happened=False)
    assert call(make(bank), "A1") == "paid"


@pytest.mark.parametrize("result", [object(), "x" * 70_000, float("nan")], ids=type)
def test_a_result_that_cannot_be_kept_is_not_repeated_either(make, call, result):
    """Those who ask again hear that it is done."""
    bank = Bank(result)
    assert call(make(bank), "A1") is result
    assert "done already" in call(make(bank), "A1")
    assert bank.paid == ["A1"]


def test_a_running_call_is_waited_for(store):
    """Others are told how long."""
    assert store.begin("k", "me", lease=30).state == "begun"
    record = store.begin("k", "other", lease=30)
    assert record.state == "running"
    assert 0 < record.wait <= 30
    store.end("k", "other", "failed", None, lifetime=60)  # it is not theirs to end
    assert store.begin("k", "other", lease=30).state == "running"
    store.end("k", "me", "failed", None, lifetime=60)
    assert store.begin("k", "other", lease=30).state == "begun"


def test_a_lost_call_becomes_unknown(store):
    """When its lease has run out by the server's clock."""
    store.begin("k", "me", lease=0.001)
    while (record := store.begin("k", "other", lease=60)).state == "running":
        pass
    assert record.state == "unknown"


def test_what_is_remembered_expires(store):
    """Every key has an end."""
    store.begin("k", "me", lease=30)
    for ending in (None, "done", "unknown"):
        if ending:
            store.end("k", "me", ending, 1, lifetime=60)
        key = store._keys("k")[0]
        assert 0 < store._store._blocking.pttl(key) <= 90_000
        if ending == "done":
            store._store._blocking.delete(key)
            store.begin("k", "me", lease=30)


def test_without_the_store_nothing_begins(make, call):
    """An effect that cannot be remembered is not made."""
    bank = Bank()
    with pytest.raises(StoreUnavailable):
        call(make(bank, nowhere()), "A1")
    assert bank.paid == []


def test_alone_each_process_goes_by_its_own_memory(make, call):
    """Where it was told to."""
    bank = Bank()
    guarded = make(bank, nowhere(), when_down="alone")
    assert call(guarded, "A1") == call(guarded, "A1") == "paid"
    assert bank.paid == ["A1"]


def test_how_it_ended_is_remembered_here_when_the_store_cannot_be_told(make, call):
    """The answer is given all the same, and an equal call does not run again."""
    seen = []

    def refund(order: str) -> str:
        guarded._store._store = gone  # the server goes while the effect runs
        bank(order)
        return "paid"

    bank = Bank()
    gone = RedisStore(nowhere(), "gone")
    guarded = make(refund, listener=seen.append)
    assert call(guarded, "A1") == "paid"
    assert call(guarded, "A1") == "paid"
    assert bank.paid == ["A1"]
    assert [event.kind for event in seen] == ["untold", "replayed"]


def test_a_shared_memory_needs_a_session(redis_url):
    """Without one, equal calls of all users would be one."""
    vet, bank = Vet(), Bank()
    vet.guard(name="refund")(bank)
    redis = RedisStore(redis_url, uuid.uuid4().hex)
    guarded = IdempotentTools(vet, ["refund"], store=redis)
    with pytest.raises(SessionError):
        guarded.dispatch("refund", {"order": "A1"})
    with SessionScope("alice"):
        assert guarded.dispatch("refund", {"order": "A1"}) == "paid"
    redis.close()
