"""Where time comes from. A run has one clock; everything in it agrees on the time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """Tells the time of a run and lets it pass."""

    @property
    def name(self) -> str:
        """`virtual`, `real`, or `scaled ×N`."""
        ...

    @property
    def scale(self) -> float:
        """How many seconds of the run pass in one of a thread that waits on it."""
        ...

    def now(self) -> float:
        """Return seconds since the run began."""
        ...

    def wall(self) -> float:
        """Return unix seconds, as `time.time()` tells them inside the run."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Let no simulated time pass meanwhile: an answer from outside of the run is due."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread."""
        ...

    @property
    def stopped(self) -> str:
        """Why the run was stopped; empty while it goes on."""
        ...

    def stop(self, reason: str) -> None:
        """End the run: whoever waits, and whoever waits next, gets `RunStopped`."""
        ...

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the run is stopped, from whichever thread stops it."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let time pass for the calling task."""
        ...
