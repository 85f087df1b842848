"""What the settings of all guards share: chance, and numbers that are refused when written.

A wrong number would switch a guard off without a word.
"""

from __future__ import annotations

import math
from typing import Protocol

__all__ = ["Random", "at_least_one", "seconds"]


class Random(Protocol):
    """The part of `random.Random` that jitter needs."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between `a` and `b`."""


def at_least_one(**counts: object) -> None:
    """Check counts. Not a number compares false with everything, and would never be reached.

    Raises:
        ValueError: one is no whole number, or less than 1.
    """
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"{name} is a whole number, at least 1")


def seconds(*, zero: bool = False, **durations: float | None) -> None:
    """Check durations; None is one that is not given.

    Raises:
        ValueError: one is infinite, negative, or no number; or 0 where that has no meaning.
    """
    for name, duration in durations.items():
        if duration is None or 0 < duration < math.inf or (zero and duration == 0):
            continue
        raise ValueError(
            f"{name} is a finite number of seconds, {'not negative' if zero else 'more than 0'}"
        )
