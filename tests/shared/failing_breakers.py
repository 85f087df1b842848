"""Breakers whose calls fail."""

import pytest

from chaoskit_guards.breaker import CircuitBreaker


def fail(breaker, error=None, times=1):
    """Let calls under the breaker fail."""
    error = error or ConnectionError("down")
    for _ in range(times):
        with pytest.raises(type(error)), breaker:
            raise error


def opened(clock, **settings):
    """A breaker that has just opened."""
    breaker = CircuitBreaker(failure_threshold=2, recovery_timeout=60, clock=clock, **settings)
    fail(breaker, times=2)
    return breaker
