"""What decides whether a result opens or closes a breaker, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit_guards.permit import Verdict
from chaoskit_guards.settings import Random, at_least_one, seconds

__all__ = ["CircuitSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitSettings:
    """The settings that `CircuitBreaker` documents; durations in seconds."""

    failure_threshold: int
    recovery_timeout: float
    max_recovery_timeout: float | None
    jitter: float
    probe_successes: int
    probe_lease: float
    failure_rate: float | None
    minimum_calls: int
    window: float
    slow_call: float | None
    slow_first_item: float | None
    slow_rate: float

    def __post_init__(self) -> None:
        at_least_one(
            failure_threshold=self.failure_threshold,
            probe_successes=self.probe_successes,
            minimum_calls=self.minimum_calls,
        )
        seconds(
            recovery_timeout=self.recovery_timeout,
            max_recovery_timeout=self.max_recovery_timeout,
            probe_lease=self.probe_lease,
            window=self.window,
            slow_call=self.slow_call,
            slow_first_item=self.slow_first_item,
        )
        if self.max_recovery_timeout and self.max_recovery_timeout < self.recovery_timeout:
            raise ValueError("max_recovery_timeout is at least recovery_timeout")
        for rate in (self.failure_rate, self.slow_rate):
            if rate is not None and not 0 < rate <= 1:
                raise ValueError("failure_rate and slow_rate are above 0 and at most 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter is a share, between 0 and 1")

    @property
    def rated(self) -> bool:
        """Whether a share of the calls can open it."""
        return self.failure_rate is not None or self.timed

    @property
    def timed(self) -> bool:
        """Whether a call can be slow."""
        return self.slow_call is not None or self.slow_first_item is not None

    def exceeded(self, calls: int, failures: int, slows: int) -> bool:
        """Return whether so many calls of the window open it."""
        if calls < self.minimum_calls:
            return False
        failing = self.failure_rate is not None and failures / calls >= self.failure_rate
        return failing or (self.timed and slows / calls >= self.slow_rate)

    def opening(self, verdict: Verdict, asked: float, openings: int, rng: Random) -> float:
        """Return for how long it opens, having opened so often since it was closed."""
        if verdict == "limited" and asked:
            return asked  # it is not down, and says itself when it has room
        low = high = self.recovery_timeout
        if self.max_recovery_timeout is not None:
            high = min(self.max_recovery_timeout, low * 2.0 ** min(openings, 64))
        high = max(high, low * (1 + self.jitter))
        return max(rng.uniform(low, high) if high > low else low, asked)
