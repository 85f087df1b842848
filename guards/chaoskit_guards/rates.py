"""How many of the latest calls failed or were slow, in constant memory and time."""

from __future__ import annotations

__all__ = ["RateWindow"]

_BUCKETS = 10


class RateWindow:
    """Counts calls over the last `seconds`, in ten buckets; the caller holds the lock."""

    __slots__ = ("_calls", "_failures", "_last", "_slows", "_width")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / _BUCKETS
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._slows = [0] * _BUCKETS
        self._last: int | None = None

    def add(self, now: float, *, failed: bool, slow: bool) -> None:
        """Count one call that ended at `now` seconds."""
        current = int(now / self._width)
        slot = (current if current == self._last else self._turn(current)) % _BUCKETS
        self._calls[slot] += 1
        if failed:
            self._failures[slot] += 1
        if slow:
            self._slows[slot] += 1

    def totals(self, now: float) -> tuple[int, int, int]:
        """Return calls, failures and slow calls."""
        self._turn(int(now / self._width))
        return sum(self._calls), sum(self._failures), sum(self._slows)

    def _turn(self, current: int) -> int:
        """Empty the buckets that have become too old and return the number of the current one."""
        last = current if self._last is None else self._last
        for index in range(max(last + 1, current - _BUCKETS + 1), current + 1):
            slot = index % _BUCKETS
            self._calls[slot] = self._failures[slot] = self._slows[slot] = 0
        self._last = max(last, current)
        return self._last
