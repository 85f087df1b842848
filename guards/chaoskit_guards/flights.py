"""Calls for the same thing at the same time: one does it, all get what it gives."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from chaoskit_guards.effect_store import own_copy
from chaoskit_guards.forks import after_fork

__all__ = ["Flight", "Flights"]


class Flight:
    """One call under way.

    Attributes:
        landed: how it ended; True for a result or an error, False when somebody else must go on.
    """

    __slots__ = ("error", "landed", "result")

    def __init__(self) -> None:
        self.landed: Future[bool] = Future()
        self.landed.set_running_or_notify_cancel()  # nobody who waits can cancel it for the others
        self.result: Any = None
        self.error: BaseException | None = None

    def outcome(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return own_copy(self.result)


class Flights:
    """The calls under way, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._lock = threading.Lock()
        after_fork(self)

    def forked(self) -> None:
        """Know of no call: those of the parent end there."""
        self._lock, self._flights = threading.Lock(), {}

    def join(self, key: str) -> tuple[Flight, bool]:
        """Return the flight of a key, and whether the caller is the one to make it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight()
            return flight, True

    def land(
        self, key: str, flight: Flight, *, result: Any = None, error: BaseException | None = None
    ) -> None:
        """End a flight; those who wait get the result, or the error."""
        flight.result, flight.error = result, error
        self._end(key, flight, landed=True)

    def abort(self, key: str, flight: Flight) -> None:
        """End a flight without an outcome; those who wait begin anew."""
        self._end(key, flight, landed=False)

    def _end(self, key: str, flight: Flight, *, landed: bool) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
        flight.landed.set_result(landed)
