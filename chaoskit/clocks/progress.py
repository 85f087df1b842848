"""Tells a thread that computes from one that is blocked, from outside."""

from __future__ import annotations

import sys
import time

__all__ = ["Progress"]


class Progress:
    """Remembers what a thread had done by the last look.

    Processor time is the honest measure; where the platform does not tell it per thread, the
    innermost frame and its instruction have to do.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, object] = (0, None)

    def since(self, ident: int) -> bool:
        """Tell whether the thread got anywhere since the last call for the same thread."""
        now = (ident, _trace(ident))
        moved = now != self._seen
        self._seen = now
        return moved


def _trace(ident: int) -> object:
    clock = getattr(time, "pthread_getcpuclockid", None)
    used = 0.0
    if clock is not None:
        try:
            # Below a tenth of a millisecond lies the noise of a thread that polls in C.
            used = round(time.clock_gettime(clock(ident)), 4)
        except OSError:  # the thread has just ended
            return None
    frame = sys._current_frames().get(ident)  # noqa: SLF001 - the documented way to see a thread
    return used, id(frame), frame.f_lasti if frame is not None else -1
