"""A selector whose waiting is the run's: how every asyncio loop of a run gets its time."""

from __future__ import annotations

import selectors
from typing import TYPE_CHECKING

from chaoskit.clocks.scheduler import RESOLUTION, current

__all__ = ["VirtualSelector"]

if TYPE_CHECKING:
    _Base = selectors.SelectSelector
else:
    _Base = selectors.DefaultSelector

_Events = list[tuple[selectors.SelectorKey, int]]


class VirtualSelector(_Base):
    """Waits on the run's time; real sockets are looked at before time jumps, and never waited for.

    Client and server that share a loop therefore talk over loopback sockets under virtual time.
    """

    def select(self, timeout: float | None = None) -> _Events:
        """Return the events that are ready, waiting for at most `timeout` seconds of the run."""
        worker = current()
        if worker is None:
            return super().select(timeout)
        scheduler = worker.scheduler
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            scheduler.give_way()
            return events
        # A loop made outside of a run believes in a finer clock: never let it spin.
        until = (
            None if timeout is None else scheduler.elapsed + max(RESOLUTION, round(timeout * 1e9))
        )
        found: _Events = []

        def arrived() -> bool:
            found.extend(super(VirtualSelector, self).select(0))
            return bool(found)

        scheduler.park(until=until, condition=arrived)
        return found
