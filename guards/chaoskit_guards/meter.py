"""Exact sliding windows over several amounts at once, in constant memory and time.

Time is cut into buckets whose width is rounded up, and a bucket leaves the window only when its
youngest entry is too old: the sums are never too low, so that no span of the window's length can
hold more than the limit. The caller holds the lock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from chaoskit_guards.amounts import Amounts, Used

__all__ = ["Meter"]


class Meter:
    """Sums amounts over the last `seconds`.

    Args:
        limits: the most that a window may hold of each thing; None for no limit.
        seconds: length of the window.
        buckets: number of cuts; more of them give room back sooner.
    """

    def __init__(
        self, limits: Sequence[int | None], *, seconds: float = 60.0, buckets: int = 60
    ) -> None:
        self.limits = list(limits)
        self._limited = _given(self.limits)
        # Whole nanoseconds, rounded up: a width that is a little too small would shorten the
        # window, and two full bursts could meet in it.
        self._width = -(-round(seconds * 1e9) // buckets)
        self._count = buckets + 1  # the oldest one is only partly in the window; it counts whole
        self._buckets = [[0] * len(self.limits) for _ in range(self._count)]
        self._totals = [0] * len(self.limits)
        self._current: int | None = None
        self._until = -math.inf
        """Before this the current bucket certainly stays the current one."""

    def lower(self, place: int, limit: int) -> None:
        """Set a limit that somebody else has told."""
        self.limits[place] = limit
        self._limited = _given(self.limits)

    def advance(self, now: float) -> int:
        """Forget what is too old at `now` seconds and return the number of the current bucket."""
        current = self._current
        if current is not None and now < self._until:
            return current
        index = int(now * 1e9) // self._width
        if current is None:
            self._current = current = index
        if index > current:  # else the clock was set back: nothing leaves before its time
            for number in range(max(current + 1, index - self._count + 1), index + 1):
                self._forget(number % self._count)
            self._current = current = index
        # A microsecond less, so that rounding never keeps a bucket for longer than its time.
        self._until = (current + 1) * self._width / 1e9 - 1e-6
        return current

    def book(self, amounts: Amounts, now: float) -> int | None:
        """Book amounts now and return the number of their bucket; None: they have no room."""
        bucket = self._current
        if bucket is None or now >= self._until:
            bucket = self.advance(now)
        kept, totals = self._buckets[bucket % self._count], self._totals
        for place, limit in self._limited:
            if totals[place] + amounts[place] > limit:
                return None
        for place, amount in enumerate(amounts):
            if amount:
                kept[place] += amount
                totals[place] += amount
        return bucket

    def fits(self, amounts: Amounts) -> bool:
        """Return whether the amounts have room now; call `advance` before."""
        totals = self._totals
        return all(totals[place] + amounts[place] <= limit for place, limit in self._limited)

    def exceeded(self, amounts: Amounts) -> int | None:
        """Return what an empty window has no room for; None: it has room for all."""
        for place, limit in self._limited:
            if amounts[place] > limit:
                return place
        return None

    def add(self, bucket: int, amounts: Amounts) -> None:
        """Book amounts in a bucket that is still known."""
        kept, totals = self._buckets[bucket % self._count], self._totals
        for place, amount in enumerate(amounts):
            if amount:
                kept[place] += amount
                totals[place] += amount

    def replace(self, bucket: int, booked: Amounts, used: Used) -> None:
        """Put what was used in place of what is booked in a bucket; the rest is left as it is.

        Room comes back where it was taken; an overrun counts from now. What has left the window no
        longer counts, so that all of the use is booked now.
        """
        known = self.knows(bucket)
        kept, totals = self._buckets[bucket % self._count], self._totals
        for place, actual in used:
            change = actual - booked[place] if known else actual
            if change < 0:
                kept[place] += change
            elif change > 0:
                self._newest()[place] += change
            totals[place] += change

    def recount(self) -> None:
        """Sum the buckets anew, after somebody was stopped between two steps."""
        self._totals = [sum(amounts) for amounts in zip(*self._buckets, strict=True)]

    def knows(self, bucket: int) -> bool:
        """Return whether a bucket is still in the window."""
        return self._current is not None and bucket > self._current - self._count

    def free(self) -> Amounts:
        """Return what a window may still hold; without a limit, nothing is said: -1."""
        return tuple(
            -1 if limit is None else max(0, limit - total)
            for limit, total in zip(self.limits, self._totals, strict=True)
        )

    def used(self) -> Amounts:
        """Return what the window holds."""
        return tuple(self._totals)

    def wait(self, amounts: Amounts, now: float) -> float:
        """Return the seconds until the amounts fit if nothing else is booked; 0 for now.

        More than a whole window never fits; it is treated as a whole window.
        """
        current = self.advance(now)
        missing = [
            0 if limit is None else total + min(amount, limit) - limit
            for limit, total, amount in zip(self.limits, self._totals, amounts, strict=True)
        ]
        if max(missing) <= 0:
            return 0.0
        for number in range(current - self._count + 1, current + 1):
            for place, amount in enumerate(self._buckets[number % self._count]):
                missing[place] -= amount
            if max(missing) <= 0:
                until = (number + self._count) * self._width
                return max(0.0, until / 1e9 - now) + 1e-6  # rounding must not wake it early
        return self._count * self._width / 1e9

    def _newest(self) -> list[int]:
        return self._buckets[(self._current or 0) % self._count]

    def _forget(self, slot: int) -> None:
        kept = self._buckets[slot]
        for place, amount in enumerate(kept):
            self._totals[place] -= amount
            kept[place] = 0


def _given(limits: Sequence[int | None]) -> list[tuple[int, int]]:
    return [(place, limit) for place, limit in enumerate(limits) if limit is not None]
