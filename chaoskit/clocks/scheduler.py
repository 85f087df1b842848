"""One baton, many threads: exactly one runs at a time, and time jumps when all of them wait.

A *worker* is a thread of the run. The one that holds the baton runs; every other waits at its
own gate. A worker that has to wait says until when, or for what, and passes the baton on.

`park` is the only way to wait. The parking thread itself picks who is next: first whoever is
ready, in order; then whoever's condition has come true; and when nobody is either, time jumps
to the earliest deadline. No thread schedules the others, so an event loop is one worker among
many: its selector parks like anything else.

A condition is a function without side effects on the order of events; it is asked with the
baton held, in the order in which the workers parked. Same program, same order, every time.

A worker may block on something real (a C lock, a pipe) without telling. A monitor notices that
it neither ran nor parked for a while and takes the baton away from it. From then on the order
depends on the machine; `strays` counts how often that happened.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator

from chaoskit.clocks.progress import Progress, frame_of
from chaoskit.errors import RunStopped

__all__ = ["RESOLUTION", "Scheduler", "Worker", "current"]

RESOLUTION = 1_000
"""Nanoseconds of one step of virtual time."""

_WORKERS: dict[int, Worker] = {}
_real_sleep = time.sleep
_real_monotonic = time.monotonic

_ATTENTION = 0.5  # seconds after which a waiting thread looks whether a signal has come
_TICK = 0.02  # seconds between two looks of the monitor; shorter costs more, longer delays escapes
_STUCK = 6  # looks without progress before the baton is taken away
_GRACE = 1.0  # seconds that time stands still after a baton was taken away
_DEADLOCK = 1.0  # seconds without anything that could wake anybody
_BUSY_READS = 500  # clock readings in a row that count as a busy wait
_BUSY_STEP = 1_000_000  # nanoseconds that pass then


def current() -> Worker | None:
    """Return the worker that the calling thread is, or None outside of any run."""
    return _WORKERS.get(_thread.get_ident())


class Worker:
    """A thread of the run."""

    __slots__ = (
        "alive",
        "gate",
        "ident",
        "immune",
        "meets",
        "name",
        "native",
        "number",
        "reads",
        "scheduler",
        "stray",
        "ticket",
        "waits_for_real",
    )

    def __init__(
        self, scheduler: Scheduler, number: int, name: str, *, immune: bool = False
    ) -> None:
        self.scheduler = scheduler
        self.number = number
        self.name = name
        self.immune = immune
        self.gate = _thread.allocate_lock()
        self.gate.acquire()
        self.ident = 0
        self.native = 0
        self.ticket = 0
        self.reads = 0
        self.alive = True
        self.stray = False
        self.meets = False  # set while a thread that it starts or ends is only waiting to be run
        self.waits_for_real = False  # set while the standard library does a hand-over of its own

    def __repr__(self) -> str:
        return f"<Worker {self.name}>"

    def wait(self) -> None:
        """Wait for the baton.

        A signal that comes between Python's last look and the sleep in the kernel wakes nobody, so
        the main thread must look again by itself.
        """
        while not self.gate.acquire(timeout=_ATTENTION):
            pass


class Scheduler:
    """Passes the baton among the workers of one run and keeps its time.

    Time is kept in nanoseconds but moves in whole microseconds (`RESOLUTION`), so that the noise
    of floating-point deadlines cannot change the order of events.

    Args:
        limit: real seconds after which the run is stopped.
    """

    def __init__(self, *, limit: float = 600.0) -> None:
        self.elapsed = 0
        self.strays: list[str] = []
        self.abandoned: list[str] = []
        self.stopped = ""
        self.on_stop: list[Callable[[], object]] = []
        self._limit = limit
        self._mutex = _thread.allocate_lock()
        self._holder: Worker | None = None
        self._ready: deque[Worker] = deque()
        self._timers: list[tuple[int, int, Worker, int]] = []
        self._conditions: dict[Worker, Callable[[], bool]] = {}
        self._parked: set[Worker] = set()
        self._count = 0
        self._sequence = 0
        self._switches = 0
        self._ended = False
        self._still_until = 0.0  # on the machine's clock
        self._held = 0
        self._lost: tuple[Worker, int] | None = None
        self._main: Worker | None = None

    # -- life of a run ---------------------------------------------------------------------------

    def begin(self, *, immune: bool = True) -> None:
        """Make the calling thread the first worker; bounds of the run stop it unless `immune`."""
        self._main = self._holder = self.adopt("main", immune=immune)
        self.enter(self._main)
        _thread.start_new_thread(self._watch, ())

    def end(self, *, patience: float = 2.0) -> None:
        """Stop every worker but the first; `abandoned` names those that did not stop in time."""
        self.stopped = self.stopped or "the run is over"
        self._ended = True
        deadline = _real_monotonic() + patience
        while True:
            with self._mutex:
                alive = [worker for worker in _WORKERS.values() if worker.scheduler is self]
                alive += [worker for worker in self._ready if worker not in alive]
                rest = [worker for worker in alive if worker is not self._main and worker.alive]
                for worker in rest:
                    self._wake(worker)
                    if worker.gate.locked():
                        worker.gate.release()
            if not rest or _real_monotonic() > deadline:
                break
            _real_sleep(0.001)
        if self._main is not None:
            _WORKERS.pop(self._main.ident, None)
            self._main.alive = False
        self.abandoned = [worker.name for worker in rest]

    def stop(self, reason: str) -> None:
        """Raise `RunStopped` in every worker but the first, as soon as it waits or wakes."""
        with self._mutex:
            self.stopped = self.stopped or reason
            for worker in sorted(self._parked, key=lambda worker: worker.number):
                if not worker.immune:
                    self._wake(worker)
        for callback in self.on_stop:
            callback()

    def adopt(self, name: str, *, immune: bool = False) -> Worker:
        """Return a new worker for a thread that is about to start; it is last in the queue."""
        self._count += 1
        worker = Worker(self, self._count, name, immune=immune)
        if self._main is not None:
            with self._mutex:
                self._ready.append(worker)
        return worker

    def enter(self, worker: Worker) -> None:
        """Make the calling thread that worker and wait for the baton."""
        worker.ident = _thread.get_ident()
        worker.native = _thread.get_native_id()
        _WORKERS[worker.ident] = worker
        if worker is not self._holder:
            worker.wait()
            self._check(worker)

    def leave(self, worker: Worker) -> None:
        """End the worker and pass the baton on."""
        worker.alive = False
        _WORKERS.pop(worker.ident, None)
        with self._mutex:
            self._forget(worker)
            if self._holder is worker:
                self._pass_on()

    # -- waiting ---------------------------------------------------------------------------------

    def park(
        self, *, until: int | None = None, condition: Callable[[], bool] | None = None
    ) -> None:
        """Wait until a time (nanoseconds of the run), for a condition, or both; never without.

        Raises:
            RunStopped: the run is over or exceeded its bounds.
        """
        worker = _WORKERS[_thread.get_ident()]
        if (self.stopped and not worker.immune) or (self._ended and worker is not self._main):
            raise RunStopped(self.stopped)
        with self._mutex:
            worker.reads = 0
            if until is not None:
                until = max((until + RESOLUTION // 2) // RESOLUTION * RESOLUTION, self.elapsed)
                if condition is None and self._holder is worker and self._alone_until(until):
                    self.elapsed = until
                    self._switches += 1
                    return
                self._sequence += 1
                heapq.heappush(self._timers, (until, self._sequence, worker, worker.ticket + 1))
            worker.ticket += 1
            self._parked.add(worker)
            if condition is not None:
                self._conditions[worker] = condition
            owned = self._holder is worker
            worker.stray = False
            if owned or self._holder is None:
                self._pass_on()
            mine = self._holder is worker
        if not mine:
            worker.wait()
        else:
            worker.gate.acquire(blocking=False)
        self._check(worker)

    def after(self, seconds: float) -> int:
        """Return the time so long from now, in whole steps: one at least, unless it is now."""
        steps = max(1, round(seconds * 1e9 / RESOLUTION)) if seconds > 0 else 0
        return self.elapsed + steps * RESOLUTION

    def give_way(self) -> None:
        """Let every worker that can run do so before the caller goes on."""
        worker = _WORKERS[_thread.get_ident()]
        with self._mutex:
            if not self._ready and not self._ask():
                worker.reads = 0
                return
        self.park(until=self.elapsed)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let no time pass meanwhile, whoever waits: an answer from outside of the run is due."""
        with self._mutex:
            self._held += 1
        try:
            yield
        finally:
            with self._mutex:
                self._held -= 1

    def rejoin(self) -> None:
        """Wait for the baton if it was taken away from the calling worker."""
        worker = _WORKERS[_thread.get_ident()]
        if worker.stray:
            self.park(until=self.elapsed)

    def read(self) -> int:
        """Return nanoseconds since the run began; a busy wait for the clock makes time pass."""
        worker = _WORKERS.get(_thread.get_ident())
        if worker is not None:
            worker.reads += 1
            if worker.reads > _BUSY_READS:
                self.park(until=self.elapsed + _BUSY_STEP)
        return self.elapsed

    # -- who is next (all with the mutex held) ---------------------------------------------------

    def _alone_until(self, until: int) -> bool:
        """Tell whether nobody would run before a holder that waits for that time."""
        if self._held or self._still_until or self._ready or self._ask():
            return False
        return not self._timers or self._timers[0][0] > until

    def _pass_on(self) -> Worker | None:
        following = self._next()
        self._holder = following
        if following is not None:
            self._switches += 1
            self._parked.discard(following)
            self._conditions.pop(following, None)
            if following.gate.locked():
                following.gate.release()
        return following

    def _next(self) -> Worker | None:
        while True:
            while self._ready:
                worker = self._ready.popleft()
                if worker.alive:
                    return worker
            if self._ask():
                continue
            if self._held or (self._still_until and _real_monotonic() < self._still_until):
                return None
            while self._timers:
                when, _, worker, ticket = heapq.heappop(self._timers)
                if worker.ticket == ticket and worker in self._parked and worker.alive:
                    self.elapsed = max(self.elapsed, when)
                    self._wake(worker)
                    break
            else:
                return None

    def _ask(self) -> bool:
        true = [worker for worker, condition in self._conditions.items() if condition()]
        for worker in true:
            self._wake(worker)
        return bool(true)

    def _wake(self, worker: Worker) -> None:
        if worker in self._parked:
            self._parked.discard(worker)
            self._conditions.pop(worker, None)
            worker.ticket += 1
            self._ready.append(worker)

    def _forget(self, worker: Worker) -> None:
        self._parked.discard(worker)
        self._conditions.pop(worker, None)

    def _check(self, worker: Worker) -> None:
        if self.stopped and not worker.immune:
            raise RunStopped(self.stopped)
        if self._ended and worker is not self._main:
            raise RunStopped(self.stopped)

    # -- what nobody inside can notice -----------------------------------------------------------

    def _watch(self) -> None:
        """Run in a thread of its own: free a baton that is stuck, end what does not end."""
        began = idle_since = _real_monotonic()
        progress = Progress()
        seen, still = -1, 0
        tick = _TICK
        while not self._ended:
            _real_sleep(tick)
            now = _real_monotonic()
            holder = self._holder
            tick = _TICK
            if holder is None:
                tick = 0.001
                idle_since = idle_since or now
                with self._mutex:
                    if self._holder is None and not self._taken_back(progress):
                        self._pass_on()
                    waiting = self._holder is None and not any(
                        worker.stray for worker in _WORKERS.values() if worker.scheduler is self
                    )
                nothing = waiting and not self._timers and not self._held
                if nothing and now - idle_since > _DEADLOCK:
                    self._deadlock()
            else:
                idle_since = 0.0
                moved = self._switches != seen or progress.since(holder.ident, holder.native)
                moved = moved or holder.meets
                still = 0 if moved else still + 1
                seen = self._switches
                if still >= _STUCK and holder.ident:
                    still = 0
                    self._take_from(holder)
            if now - began > self._limit:
                self._stop_by_force()
                began = now - self._limit + 1.0

    def _take_from(self, holder: Worker) -> None:
        with self._mutex:
            if self._holder is not holder:
                return
            others = self._ready or self._timers or self._conditions
            if not others:
                return
            holder.stray = True
            # Often it is back at once; if time jumped now, it would be back hours later.
            self._still_until = _real_monotonic() + _GRACE
            self.strays.append(f"{holder.name} {_place(holder.ident)}")
            self._lost = None if self._pass_on() else (holder, self._switches)

    def _taken_back(self, progress: Progress) -> bool:
        """Return the baton to whom it was taken from, if that goes on and nobody ran meanwhile."""
        if self._lost is None or self._lost[1] != self._switches:
            return False
        worker = self._lost[0]
        if not (worker.alive and worker.stray and progress.since(worker.ident, worker.native)):
            return False
        worker.stray = False
        self._holder, self._lost, self._still_until = worker, None, 0.0
        self.strays.pop()
        return True

    def _deadlock(self) -> None:
        waiting = "; ".join(
            f"{worker.name} {_place(worker.ident)}"
            for worker in _WORKERS.values()
            if worker.scheduler is self and worker is not self._main
        )
        self.stop(f"deadlock: nothing can wake {waiting or 'the run'}")
        with self._mutex:
            if self._main is not None:
                self._wake(self._main)

    def _stop_by_force(self) -> None:
        self.stop(f"real time: more than {self._limit:g} s")
        holder = self._holder
        if holder is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(holder.ident), ctypes.py_object(RunStopped)
            )


def _place(ident: int) -> str:
    """Return where a thread is, leaving out the standard library's and our own frames."""
    frame = frame_of(ident)
    while frame is not None:
        name = frame.f_code.co_filename
        if "chaoskit/clocks" not in name and "/threading.py" not in name and "<" not in name:
            return f"at {name.rsplit('/', 1)[-1]}:{frame.f_lineno}"
        frame = frame.f_back
    return "at an unknown place"
