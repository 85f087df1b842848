"""Locks and queues whose waiting passes the baton on; outside of a run they are ordinary ones."""

from __future__ import annotations

import _thread
from types import TracebackType

from chaoskit.clocks.scheduler import current

__all__ = ["Lock"]


class Lock:
    """A `threading.Lock` that a worker of a run waits for on the run's own time.

    Conditions, events, semaphores, queues and futures of the standard library wait on a lock that
    they allocate for the purpose, so this one class covers them all.
    """

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT002 - stdlib's signature
        """Take the lock; return whether it was taken."""
        if self._lock.acquire(blocking=False):
            return True
        worker = current()
        if not blocking or worker is None or worker.waits_for_real:
            return self._lock.acquire(blocking, timeout)
        scheduler = worker.scheduler
        until = None if timeout < 0 else scheduler.after(timeout)
        while not self._lock.acquire(blocking=False):
            if until is not None and scheduler.elapsed >= until:
                return False
            scheduler.park(until=until, condition=self._is_free)
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def locked(self) -> bool:
        """Tell whether somebody holds the lock."""
        return self._lock.locked()

    def _is_free(self) -> bool:
        return not self._lock.locked()

    def _at_fork_reinit(self) -> None:
        self._lock = _thread.allocate_lock()

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'locked' if self.locked() else 'unlocked'} chaoskit Lock at {id(self):#x}>"
