"""State of one session is not touched in another one."""

import asyncio
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards import (
    MessageWindow,
    SessionBound,
    SessionError,
    SessionScope,
    SessionStore,
    current_session,
)
from chaoskit_guards.threads import started


def test_code_within_a_scope_belongs_to_its_session():
    """Sync and async, and not afterwards."""
    assert current_session() is None
    with SessionScope("alice"):
        assert current_session() == "alice"

    async def main():
        async with SessionScope("bob"):
            return current_session()

    assert asyncio.run(main()) == "bob"
    assert current_session() is None


def test_a_session_within_another_one_is_a_mistake():
    """Unless it is meant; the same one again is fine."""
    with SessionScope("alice") as scope:
        with scope, SessionScope("alice"):
            assert current_session() == "alice"
        with pytest.raises(SessionError, match="within another one"), SessionScope("bob"):
            pass
        with SessionScope("bob", switch=True):
            assert current_session() == "bob"
        assert current_session() == "alice"
    assert current_session() is None


def test_tasks_and_threads_started_within_belong_to_it():
    """asyncio and the guards' own threads; each task keeps its own."""

    async def main():
        async def inner():
            await asyncio.sleep(0)
            return current_session(), await asyncio.to_thread(current_session)

        with SessionScope("alice"):
            alice = asyncio.ensure_future(inner())
            assert started(current_session, "t").result(20) == "alice"
        with SessionScope("bob"):
            bob = asyncio.ensure_future(inner())
        return await asyncio.gather(alice, bob, inner())

    assert asyncio.run(main()) == [("alice", "alice"), ("bob", "bob"), (None, None)]


def test_what_is_bound_belongs_to_it_wherever_it_runs():
    """In executors and plain threads, which know no session by themselves."""
    scope = SessionScope("alice")
    with ThreadPoolExecutor(1) as pool:
        with scope:
            assert pool.submit(current_session).result(20) is None
            assert pool.submit(scope.bind(current_session)).result(20) == "alice"
        assert pool.submit(current_session).result(20) is None
        with SessionScope("bob"):
            assert pool.submit(scope.bind(current_session)).result(20) == "alice"
    found = []
    thread = threading.Thread(target=scope.bind(lambda: found.append(current_session())))
    thread.start()
    thread.join(20)
    assert found == ["alice"]

    async def who(prefix):
        await asyncio.sleep(0)
        return prefix + current_session()

    assert asyncio.run(scope.bind(who)("I am ")) == "I am alice"
    assert scope.bind(who).__name__ == "who"

    def items():
        yield current_session()

    with pytest.raises(TypeError, match="where it is read"):
        scope.bind(items)


def test_bound_state_is_not_handed_out_elsewhere():
    """Neither to another session nor outside of any."""
    with SessionScope("alice"):
        bound = SessionBound(MessageWindow(100))
        assert len(bound.value) == 0
    with pytest.raises(SessionError, match=r"a MessageWindow .* outside of any session"):
        bound.value  # noqa: B018 - reading it is the test
    with SessionScope("bob"), pytest.raises(SessionError, match="in another session") as caught:
        bound.value  # noqa: B018 - reading it is the test
    with SessionScope("alice"):
        assert len(bound.value) == 0
    with pytest.raises(SessionError, match="none is under way"):
        SessionBound([])
    assert "alice" not in repr(bound) + str(caught.value) + repr(SessionScope("alice"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_each_session_has_a_value_of_its_own():
    """The same one each time."""
    store = SessionStore(list)
    for session in ("alice", "bob", "alice"):
        with SessionScope(session):
            store.get().append(session)
    with SessionScope("alice"):
        assert store.get() == ["alice", "alice"]
        assert store.get("alice") is store.get()
        with pytest.raises(SessionError, match="in another one"):
            store.get("bob")
        with pytest.raises(SessionError):
            store.drop("bob")
    assert store.get("bob") == ["bob"]
    assert (store.drop("bob"), store.drop("bob"), len(store)) == (True, False, 1)
    with pytest.raises(SessionError, match="enter a SessionScope"):
        store.get()


def test_values_have_a_lifetime_from_when_they_were_last_asked_for(clock):
    """And a bound in number: who was asked for longest ago goes."""
    seen = []
    store = SessionStore(list, max_sessions=2, lifetime=60, clock=clock, listener=seen.append)
    first = store.get("alice")
    clock.advance(59)
    assert store.get("alice") is first
    clock.advance(59)
    store.get("bob")
    store.get("alice")
    store.get("carol")
    assert len(store) == 2
    assert store.get("alice") is first
    assert [event.kind for event in seen] == ["evicted"]
    clock.advance(60)
    assert store.get("alice") is not first
    assert len(store) == 1


def test_threads_that_come_first_together_get_the_same_value():
    """No lock is held while it is made."""
    together = threading.Barrier(4)

    def make():
        together.wait(20)
        return []

    store = SessionStore(make)
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda _: store.get("alice"), range(4)))
    assert all(value is values[0] for value in values)


def test_none_is_a_value():
    """It is made once."""
    made = []
    store = SessionStore(lambda: made.append(1))
    assert (store.get("a"), store.get("a"), len(made)) == (None, None, 1)


def test_wrong_settings_are_refused():
    """When they are written."""
    for wrong in ("", None, 7):
        with pytest.raises(ValueError, match="a session is a text"):
            SessionScope(wrong)
    with pytest.raises(ValueError, match="max_sessions"):
        SessionStore(list, max_sessions=0)
    with pytest.raises(ValueError, match="lifetime"):
        SessionStore(list, lifetime=0)


@given(st.lists(st.sampled_from(["alice", "bob", "carol"]), max_size=40))
def test_no_interleaving_mixes_sessions(turns):
    """The law: whatever the order of tasks, each session sees only what it wrote itself."""
    store, history = SessionStore(list, max_sessions=3), {}

    async def turn(number, session):
        with SessionScope(session):
            mine = store.get()
            await asyncio.sleep(0)
            mine.append(number)
            await asyncio.sleep(0)
            assert store.get() is mine

    async def main():
        await asyncio.gather(*(turn(number, session) for number, session in enumerate(turns)))

    asyncio.run(main())
    for number, session in enumerate(turns):
        history.setdefault(session, []).append(number)
    assert {session: sorted(store.get(session)) for session in history} == history
