"""Real time, or real time that passes faster: for agents that are other processes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

from chaoskit.errors import RunStopped

__all__ = ["RealClock"]


class RealClock:
    """The clock of a run that happens on the machine's own time.

    Args:
        scale: how many seconds of the run pass in one second of the machine. What the world does
            (waits, outages, lifetimes, rate limits) shrinks by it; what an agent in another
            process does on its own timers does not.

    Raises:
        ValueError: the scale is not a positive number.
    """

    def __init__(self, *, scale: float = 1.0) -> None:
        if not 0 < scale < float("inf"):
            raise ValueError(f"a time scale is a positive number such as 60, not {scale!r}")
        self.scale = scale
        self._began = time.monotonic()
        self._wall = time.time()
        self._stopped = ""
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], object]] = []

    @property
    def name(self) -> str:
        """`real`, or `scaled ×N`."""
        return "real" if self.scale == 1 else f"scaled ×{self.scale:g}"

    def now(self) -> float:
        """Return seconds since the run began."""
        return (time.monotonic() - self._began) * self.scale

    def wall(self) -> float:
        """Return unix seconds: real ones, since other processes compare them with their own."""
        return self._wall + time.monotonic() - self._began

    @property
    def stopped(self) -> str:
        """Why the run was stopped; empty while it goes on."""
        return self._stopped

    def stop(self, reason: str) -> None:
        """End the run: whoever waits, and whoever waits next, gets `RunStopped`."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = reason
            callbacks = list(self._callbacks)
        self._ended.set()
        for callback in callbacks:
            callback()

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the run is stopped, from whichever thread stops it."""
        with self._lock:
            self._callbacks.append(callback)

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: the machine's time passes whatever is due."""
        return contextlib.nullcontext()

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread.

        Raises:
            RunStopped: the run was stopped before or meanwhile.
        """
        wait = None if seconds == float("inf") else max(0.0, seconds) / self.scale
        if self._ended.wait(wait):
            raise RunStopped(self._stopped)

    async def pause(self, seconds: float) -> None:
        """Let time pass for the calling task."""
        if seconds == float("inf"):
            await asyncio.get_running_loop().create_future()
        elif seconds > 0:
            await asyncio.sleep(seconds / self.scale)
