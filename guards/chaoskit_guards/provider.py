"""What a router knows about one of its providers, shared by all requests."""

from __future__ import annotations

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.clients import Caller
from chaoskit_guards.failures import Kind
from chaoskit_guards.forks import own_lock

__all__ = ["Provider"]


class Provider:
    """One provider: how it is called, its breaker, and how long it is left alone."""

    def __init__(self, caller: Caller, breaker: CircuitBreaker) -> None:
        self.caller = caller
        self.config = caller.config
        self.breaker = breaker
        self._lock = own_lock(self)
        self._away: tuple[float, Kind] = (0.0, "rate_limited")
        self._out = False  # its breaker has refused a call since the last answer
        self._back: float | None = None  # when it answered again

    def refused(self) -> None:
        """Note that its breaker admits nothing."""
        self._out, self._back = True, None

    def came_back(self, now: float) -> None:
        """Note an answer."""
        if self._out:
            self._out, self._back = False, now

    def share(self, now: float, ramp: float) -> float:
        """Return the share of the requests that it may get first, 0 to 1."""
        if not ramp or self._back is None:
            return 1.0
        return min(1.0, (now - self._back) / ramp)

    def rest(self, until: float, why: Kind) -> None:
        """Ask it no more before `until`."""
        with self._lock:
            self._away = max(self._away, (until, why))

    def resting(self, now: float) -> tuple[float, Kind]:
        """Return for how many seconds it is left alone, 0 for none, and why."""
        until, why = self._away
        return (until - now if until > now else 0.0), why

    def reinstate(self) -> None:
        """Ask it again at once."""
        with self._lock:
            self._away = (0.0, "rate_limited")
            self._out, self._back = False, None
        self.breaker.reset()
