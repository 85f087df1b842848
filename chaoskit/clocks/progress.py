"""Tells a thread that computes, or wants to, from one that is blocked; from outside."""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path
from types import FrameType

__all__ = ["Progress", "frame_of"]

_TASKS = Path("/proc/self/task")


class Progress:
    """Remembers what a thread had done by the last look.

    Processor time is the honest measure, but on a busy machine a thread may get none for a while:
    where the system tells that a thread is runnable, it counts as getting on. Where neither is
    told, the innermost frame and its instruction have to do.
    """

    def __init__(self) -> None:
        self._seen: tuple[int, object] = (0, None)

    def since(self, ident: int, native: int) -> bool:
        """Tell whether the thread got anywhere since the last call for the same thread.

        Args:
            ident: Python's number of the thread.
            native: the system's number of it.
        """
        now = (ident, _trace(ident))
        moved = now != self._seen
        self._seen = now
        return moved or _runnable(native)


def _trace(ident: int) -> object:
    clock = getattr(time, "pthread_getcpuclockid", None)
    used = 0.0
    if clock is not None:
        try:
            # Below a tenth of a millisecond lies the noise of a thread that polls in C.
            used = round(time.clock_gettime(clock(ident)), 4)
        except OSError:  # the thread has just ended
            return None
    frame = frame_of(ident)
    return used, id(frame), frame.f_lasti if frame is not None else -1


def frame_of(ident: int) -> FrameType | None:
    """Return where a thread is; None when it has ended.

    CPython holds a lock of the interpreter while it collects the frames. Should that set off the
    garbage collector, and a finaliser let another thread run, both may wait for ever
    (python/cpython#106883); so nothing is collected meanwhile.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(ident)  # noqa: SLF001 - the documented way to see a thread
    finally:
        if collects:
            gc.enable()


def _runnable(native: int) -> bool:
    """Tell whether the system would run the thread if it had a processor, or waits for its disk."""
    try:
        status = (_TASKS / str(native) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:  # another system, or the thread has just ended
        return False
    return status.rpartition(")")[2].split()[0] in ("R", "D")
