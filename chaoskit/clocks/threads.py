"""Makes threads that a run's workers start into workers, and their waiting the run's."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread as pool
import contextlib
import contextvars
import queue
import selectors
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from chaoskit.clocks.locks import Lock
from chaoskit.clocks.revived import revived_when_needed
from chaoskit.clocks.scheduler import Scheduler, Worker, current
from chaoskit.clocks.selector import knowing_the_clock, waiting_on_the_run
from chaoskit.errors import RunStopped

__all__ = ["threads_joined_to"]

_real_start = threading.Thread.start
_real_join = threading.Thread.join
_real_submit = pool.ThreadPoolExecutor.submit


@contextlib.contextmanager
def threads_joined_to(scheduler: Scheduler) -> Iterator[None]:
    """Let threads, pools, locks, queues and event loops of the run's workers share its time."""
    crew = _Crew(scheduler)
    patches: tuple[tuple[Any, str, Any], ...] = (
        (threading.Thread, "start", lambda thread: crew.start(thread)),  # noqa: PLW0108 - binds the thread
        (threading.Thread, "join", lambda thread, timeout=None: crew.join(thread, timeout)),
        (
            pool.ThreadPoolExecutor,
            "submit",
            lambda executor, function, /, *args, **kwargs: crew.submit(
                executor, function, *args, **kwargs
            ),
        ),
        (threading, "Lock", Lock),
        (threading, "_allocate_lock", Lock),
        (threading, "_CRLock", None),  # RLock() then is the one written in Python, on our lock
        (queue, "SimpleQueue", queue._PySimpleQueue),  # type: ignore[attr-defined]  # noqa: SLF001 - the library's own equivalent
        (
            asyncio.BaseEventLoop,
            "run_forever",
            knowing_the_clock(asyncio.BaseEventLoop.run_forever, crew.left),
        ),
        (selectors.DefaultSelector, "select", waiting_on_the_run(selectors.DefaultSelector.select)),
    )
    with contextlib.ExitStack() as undo:
        for owner, name, value in patches:
            undo.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        try:
            yield
        finally:
            crew.disband()


class _Crew:
    """The threads and pools that the workers of one run have started."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._children: weakref.WeakKeyDictionary[threading.Thread, Worker]
        self._children = weakref.WeakKeyDictionary()
        self._pools: weakref.WeakSet[pool.ThreadPoolExecutor] = weakref.WeakSet()
        self._loops: weakref.WeakKeyDictionary[asyncio.BaseEventLoop, threading.Thread]
        self._loops = weakref.WeakKeyDictionary()

    def start(self, thread: threading.Thread) -> None:
        """Start a thread; it waits for the baton and keeps the context of whoever started it."""
        parent = current()
        if parent is None or parent.scheduler is not self._scheduler:
            _real_start(thread)
            return
        scheduler = self._scheduler
        worker = scheduler.adopt(thread.name)
        context, run = contextvars.copy_context(), thread.run

        def body() -> None:
            try:
                scheduler.enter(worker)
                context.run(run)
            except RunStopped:
                pass
            finally:
                scheduler.leave(worker)

        thread.run = body  # type: ignore[method-assign]  # a thread runs once
        thread.daemon = True  # an agent's forgotten thread must not keep the process alive
        self._children[thread] = worker
        with _waiting_for_real(parent, meets=True):
            _real_start(thread)

    def join(self, thread: threading.Thread, timeout: float | None) -> None:
        """Wait for a thread on the run's time."""
        worker, child = current(), self._children.get(thread)
        if worker is None:
            _real_join(thread, timeout)
            return
        if child is not None and child is not worker:
            scheduler = self._scheduler
            until = None if timeout is None else scheduler.after(timeout)
            while child.alive:
                if until is not None and scheduler.elapsed >= until:
                    return
                if scheduler.stopped and worker.immune:
                    return
                scheduler.park(until=until, condition=lambda: not child.alive)
            timeout = None
        ending = child is not None and not child.alive
        with _waiting_for_real(worker, meets=ending):
            _real_join(thread, timeout)

    def submit(self, executor: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Hand a job to a pool, in the context of whoever hands it over."""
        if current() is None:
            return _real_submit(executor, function, *args, **kwargs)
        if executor not in self._pools:
            self._pools.add(executor)
            _renew(executor)
        return _real_submit(executor, contextvars.copy_context().run, function, *args, **kwargs)

    def left(self, loop: asyncio.BaseEventLoop) -> None:
        """Remember a loop whose thread the end of the run has ended."""
        self._loops[loop] = threading.current_thread()

    def disband(self) -> None:
        """Give pools and loops fresh threads; those of the run end with it."""
        for executor in self._pools:
            _renew(executor)
        for loop, thread in self._loops.items():
            if not loop.is_closed() and not loop.is_running():
                revived_when_needed(loop, thread)


@contextlib.contextmanager
def _waiting_for_real(worker: Worker, *, meets: bool) -> Iterator[None]:
    """Let a worker wait as the standard library does.

    A thread that starts or ends meets its partner within microseconds, outside of any order. On a
    busy machine it takes longer, and the worker keeps the baton nevertheless.
    """
    worker.waits_for_real, worker.meets = True, meets
    try:
        yield
    finally:
        worker.waits_for_real = worker.meets = False


def _renew(executor: Any) -> None:
    # Threads of an earlier run, or of before it, cannot serve this one. There is no public way.
    if executor._work_queue.empty():  # noqa: SLF001 - see above
        executor._threads = set()  # noqa: SLF001 - see above
        executor._work_queue = queue.SimpleQueue()  # noqa: SLF001 - see above
        executor._idle_semaphore = threading.Semaphore(0)  # noqa: SLF001 - see above
