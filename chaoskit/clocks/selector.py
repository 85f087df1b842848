"""The waiting of selectors, made the run's: how every asyncio loop of a run gets its time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any, TypeAlias

from chaoskit.clocks.scheduler import RESOLUTION, current
from chaoskit.errors import RunStopped

__all__ = ["knowing_the_clock", "waiting_on_the_run"]

_Events: TypeAlias = list[tuple[selectors.SelectorKey, int]]
_Select: TypeAlias = Callable[[Any, float | None], _Events]


def waiting_on_the_run(original: _Select) -> _Select:
    """Return a `select` that waits on the run's time, also for loops made before the run.

    Real sockets are looked at before time jumps, and never waited for. Client and server that
    share a loop therefore talk over loopback sockets under virtual time.
    """

    def select(selector: Any, timeout: float | None = None) -> _Events:
        worker = current()
        if worker is None:
            return original(selector, timeout)
        scheduler = worker.scheduler
        events = original(selector, 0)
        if events or (timeout is not None and timeout <= 0):
            scheduler.give_way()
            return events
        # A timeout is a difference of floats and may be shorter than any step of time.
        until = (
            None if timeout is None else scheduler.elapsed + max(RESOLUTION, round(timeout * 1e9))
        )
        found: _Events = []

        def arrived() -> bool:
            found.extend(original(selector, 0))
            return bool(found)

        scheduler.park(until=until, condition=arrived)
        return found

    return select


def knowing_the_clock(
    original: Callable[[asyncio.BaseEventLoop], None],
    left: Callable[[asyncio.BaseEventLoop], object],
) -> Callable[[asyncio.BaseEventLoop], None]:
    """Return a `run_forever` for loops made before the run, which believe in a finer clock.

    A loop looks at its timers until their time is over by the clock's resolution; by a resolution
    that readings of the run's clock do not have, it would look for ever. A loop that the end of
    the run left without a thread is told to `left`.
    """

    def run_forever(loop: Any) -> None:
        believed = loop._clock_resolution  # noqa: SLF001 - there is no public way
        if current() is not None:
            loop._clock_resolution = max(believed, RESOLUTION / 1e9)  # noqa: SLF001 - see above
        try:
            original(loop)
        except RunStopped:
            left(loop)
            raise
        finally:
            loop._clock_resolution = believed  # noqa: SLF001 - see above

    return run_forever
