"""Calls for the same thing at the same time: one does it, all get what it gives."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from chaoskit_guards.effect_store import own_copy
from chaoskit_guards.forks import after_fork

__all__ = ["Flight", "Flights"]


class Flight:
    """One call under way."""

    __slots__ = ("error", "landed", "result")

    def __init__(self) -> None:
        self.landed: Future[bool] | None = None  # made by the first one who waits
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

    def join(self, key: str) -> tuple[Flight, Future[bool] | None]:
        """Return the flight of a key, and what to wait for; None: it is the caller's to make.

        What is waited for gives True for a result or an error, and False when somebody else must
        go on.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                flight = self._flights[key] = Flight()
                return flight, None
            if flight.landed is None:
                flight.landed = Future()
                flight.landed.set_running_or_notify_cancel()  # who waits cancels for nobody else
            return flight, flight.landed

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
        if flight.landed is not None:
            flight.landed.set_result(landed)
