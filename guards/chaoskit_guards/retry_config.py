"""What a retry may do: attempts, waits, statuses, and a budget that callers share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from chaoskit_guards.forks import own_lock
from chaoskit_guards.settings import at_least_one, seconds

__all__ = ["RETRYABLE_STATUS_CODES", "RetryBudget", "RetryConfig"]

RETRYABLE_STATUS_CODES = frozenset({408, 409, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses of a provider that is busy or broken. 529 is Anthropic's word for overloaded."""


class RetryBudget:
    """Bounds retries to a share of the traffic, over all callers that share the object.

    Every first attempt earns `ratio` of a retry, every retry spends one, and at most `burst` are
    kept. In an outage this sends `1 + ratio` times the traffic instead of `max_attempts` times.
    """

    def __init__(self, *, ratio: float = 0.2, burst: float = 10.0) -> None:
        if not (0 <= ratio <= 1 and burst >= 1):
            raise ValueError("ratio is between 0 and 1, burst is at least 1")
        self.ratio = ratio
        self.burst = burst
        self._left = float(burst)
        self._lock = own_lock(self)

    @property
    def left(self) -> float:
        """Retries that may be spent now."""
        return self._left

    def earn(self) -> None:
        """Count a first attempt."""
        with self._lock:
            self._left = min(self.burst, self._left + self.ratio)

    def spend(self) -> bool:
        """Return whether a retry may be made, and count it."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """When to repeat, and how long to wait before. Durations are seconds.

    Attributes:
        max_attempts: attempts in total, the first included.
        base_delay: backoff before the first retry; it doubles with each one.
        max_delay: upper bound of the backoff.
        jitter: True or "full" draws the wait between 0 and the backoff, "equal" from its upper
            half, "decorrelated" between `base_delay` and three times the wait before.
            Waits that the provider asks for get jitter on top, never below.
        retryable_status_codes: exactly these are repeated. Dropped connections and timeouts have
            no status and are always repeated.
        max_retry_after: a longer wait asked for by the provider is raised, not slept.
        deadline: no attempt begins later than this after the first one. An attempt under way is
            not cut off; that is the timeout of the client.
        budget: shared bound of retries.
        retry_on: asked first about each exception: True or False decide, None leaves it here.
        wrap_exhausted: raise `RetryExhausted` instead of the last failure itself.
    """

    max_attempts: int = 4
    base_delay: float = 1.0
    max_delay: float = 30.0
    jitter: bool | Literal["full", "equal", "decorrelated"] = True
    retryable_status_codes: Collection[int] = RETRYABLE_STATUS_CODES
    max_retry_after: float = 120.0
    deadline: float | None = None
    budget: RetryBudget | None = None
    retry_on: Callable[[Exception], bool | None] | None = None
    wrap_exhausted: bool = False

    def __post_init__(self) -> None:
        at_least_one(max_attempts=self.max_attempts)
        seconds(
            zero=True,
            base_delay=self.base_delay,
            max_delay=self.max_delay,
            max_retry_after=self.max_retry_after,
        )
        if self.deadline is not None and not self.deadline > 0:
            raise ValueError("deadline is more than 0 seconds")
        if self.jitter not in (True, False, "full", "equal", "decorrelated"):
            raise ValueError("jitter is True, False, 'full', 'equal' or 'decorrelated'")
        codes = frozenset(self.retryable_status_codes)
        at_least_one(**{f"each of retryable_status_codes ({c!r})": c for c in codes})
        object.__setattr__(self, "retryable_status_codes", codes)
