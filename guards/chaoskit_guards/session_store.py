"""State for each session: made when it is first asked for, bounded in number and in lifetime."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from chaoskit_guards.errors import SessionError
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.session import current_session
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.settings import seconds as check_seconds

__all__ = ["SessionStore"]

T = TypeVar("T")


class SessionStore(Generic[T]):
    """Gives each session a value of its own: a window, a loop guard, a cart.

    Args:
        make: makes the value of a new session. When two threads of one session come first at the
            same time it may be called twice; both get the same value.
        max_sessions: values to keep; beyond that the one that was asked for longest ago goes.
        lifetime: seconds after which a value that nobody asked for is gone; None: never.
        clock: monotonic seconds; `time.monotonic` when it is None.
        listener: told when a value goes before its time is over.
    """

    def __init__(
        self,
        make: Callable[[], T],
        *,
        max_sessions: int = 10_000,
        lifetime: float | None = 3600.0,
        clock: Callable[[], float] | None = None,
        listener: Listener | None = None,
    ) -> None:
        at_least_one(max_sessions=max_sessions)
        check_seconds(lifetime=lifetime)
        self._make = make
        self._most = max_sessions
        self._lifetime = float("inf") if lifetime is None else lifetime
        self._clock = clock
        self._listener = listener
        self._lock = own_lock(self)
        self._kept: OrderedDict[str, tuple[T, float]] = OrderedDict()  # by when it was asked for

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, session: str | None = None) -> T:
        """Return the value of a session, by default of the one under way.

        Raises:
            SessionError: no session is under way, or another one than is asked for.
        """
        owner = self._owner(session)
        now = (self._clock or time.monotonic)()
        with self._lock:
            found = self._find(owner, now)
        if found is not None:
            return found[0]
        made = self._make()
        evicted = 0
        with self._lock:
            found = self._find(owner, now)  # somebody else may have been faster
            if found is not None:
                return found[0]
            self._kept[owner] = (made, now)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
                evicted += 1
        if evicted:
            emit(self._listener, "evicted", "sessions", sessions=self._most)
        return made

    def drop(self, session: str | None = None) -> bool:
        """Forget the value of a session, and return whether there was one.

        Raises:
            SessionError: no session is under way, or another one than is asked for.
        """
        owner = self._owner(session)
        with self._lock:
            return self._kept.pop(owner, None) is not None

    def _find(self, owner: str, now: float) -> tuple[T, float] | None:
        while self._kept and next(iter(self._kept.values()))[1] + self._lifetime <= now:
            self._kept.popitem(last=False)
        found = self._kept.get(owner)
        if found is not None:
            self._kept[owner] = (found[0], now)
            self._kept.move_to_end(owner)
        return found

    def _owner(self, session: str | None) -> str:
        around = current_session()
        if session is None:
            if around is None:
                raise SessionError(
                    "the state of a session was asked for, but none is under way: "
                    "enter a SessionScope first"
                )
            return around
        if around not in (None, session):
            raise SessionError("the state of one session was asked for in another one")
        return session
