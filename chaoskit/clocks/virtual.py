"""Virtual time: 45 minutes cost milliseconds and are exact."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator

from chaoskit.clocks.patches import Origin, installed
from chaoskit.clocks.scheduler import Scheduler, current

__all__ = ["VirtualClock"]

# A Monday morning, later than any time that a module of the agent can have read at import.
_EPOCH = 1_893_488_400 * 10**9  # 2030-01-01T09:00:00Z
_DAY = 86_400 * 10**9
# Readings are floats. Every run begins at a whole second, all of them between the same two powers
# of two, so that sums and differences of readings round alike in each.
_MONOTONIC = 2**26 * 10**9

_real_monotonic_ns = time.monotonic_ns


class VirtualClock:
    """The clock of one run. Enter `running` once; inside, everything agrees on its time.

    Args:
        real_limit: seconds of real time after which the run is stopped.
    """

    _next_wall = _EPOCH
    _next_monotonic = _MONOTONIC

    name = "virtual"
    scale = 1.0

    def __init__(self, *, real_limit: float = 600.0) -> None:
        self.scheduler = Scheduler(limit=real_limit)
        self._origin = Origin(wall=0, monotonic=0)

    @contextlib.contextmanager
    def running(self, rng: random.Random, *, immune: bool = True) -> Iterator[None]:
        """Run the body in virtual time; where it is `immune`, a stop of the run does not end it.

        Time never runs backwards in a process: each run begins a day after the one before, so
        that what a module keeps (an open breaker, a warm cache) has had time to recover.
        """
        cls = type(self)
        monotonic = cls._next_monotonic
        while monotonic <= _real_monotonic_ns():  # the machine has been up for years
            monotonic *= 2
        self._origin = Origin(wall=cls._next_wall, monotonic=monotonic)
        try:
            with installed(self.scheduler, self._origin, rng, immune=immune):
                yield
        finally:
            passed = -(-(self.scheduler.elapsed + _DAY) // _DAY) * _DAY
            cls._next_wall += passed
            cls._next_monotonic = monotonic + passed

    def now(self) -> float:
        """Return seconds since the run began."""
        return self.scheduler.elapsed / 1e9

    def wall(self) -> float:
        """Return unix seconds, as `time.time()` tells them inside the run."""
        return (self._origin.wall + self.scheduler.elapsed) / 1e9

    @property
    def stopped(self) -> str:
        """Why the run was stopped; empty while it goes on."""
        return self.scheduler.stopped

    def stop(self, reason: str) -> None:
        """End the run: whoever waits, and whoever waits next, gets `RunStopped`."""
        self.scheduler.stop(reason)

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the run is stopped, from whichever thread stops it."""
        self.scheduler.on_stop.append(callback)

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Let no time pass meanwhile: an answer from outside of the run is due."""
        return self.scheduler.held()

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread; for ever if `seconds` is infinite."""
        scheduler = self.scheduler
        scheduler.rejoin()
        if seconds == float("inf"):
            scheduler.park(condition=_never)
        elif seconds > 0:
            scheduler.park(until=scheduler.elapsed + round(seconds * 1e9))

    async def pause(self, seconds: float) -> None:
        """Let time pass for the calling task; for ever if `seconds` is infinite."""
        if current() is None or seconds == float("inf"):
            await asyncio.get_running_loop().create_future()
        elif seconds > 0:
            await asyncio.sleep(seconds)


def _never() -> bool:
    return False
