"""Puts the run's time and the run's waiting in place of the process's, for the run's own threads.

Every replacement looks up whether the calling thread is a worker and behaves as the original for
any other. Nothing stays patched after the run. Modules that took a function by name
(`from time import sleep`) are patched too, wherever that name stands in a module.

`datetime` cannot be replaced by a class of ours without breaking identity (`isinstance`, pydantic
fields, pickles), so its two clock-reading methods are exchanged inside the type itself.
"""

from __future__ import annotations

import concurrent.futures.thread as pool
import contextlib
import contextvars
import ctypes
import datetime as datetimes
import gc
import logging
import queue
import random
import selectors
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from chaoskit.clocks.locks import Lock
from chaoskit.clocks.scheduler import RESOLUTION, Scheduler, Worker, current
from chaoskit.clocks.selector import VirtualSelector
from chaoskit.errors import RunStopped

__all__ = ["Origin", "installed"]

# Modules that wait for real things (child processes, other machines, terminals) or keep time for
# the process rather than for the agent.
_KEEP = (
    "chaoskit",
    "subprocess",
    "multiprocessing",
    "pytest",
    "_pytest",
    "hypothesis",
    "rich",
    "coverage",
    "pip",
    "IPython",
    "pydevd",
    "pdb",
    "pluggy",
    "xdist",
    "execnet",
    "faulthandler",
)
_HELD: dict[str, list[tuple[str, str]]] = {}
_SEEN: set[str] = set()


class Origin:
    """Where the run's time stands at its first nanosecond, for each of the process's clocks."""

    def __init__(self, *, wall: int, monotonic: int) -> None:
        self.wall = wall
        self.monotonic = monotonic


def _clock_functions(origin: Origin) -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return the replacement of every function of `time` that reads or spends time."""
    real = {
        name: getattr(time, name)
        for name in (
            "sleep",
            "time",
            "time_ns",
            "monotonic",
            "monotonic_ns",
            "perf_counter",
            "perf_counter_ns",
            "localtime",
            "gmtime",
            "ctime",
            "strftime",
            "get_clock_info",
        )
    }

    def reader(name: str, start: int, *, nanoseconds: bool) -> Callable[[], float]:
        original = real[name]

        def read() -> float:
            worker = current()
            if worker is None:
                return original()  # type: ignore[no-any-return]  # it is the standard library's
            value = start + worker.scheduler.read()
            return value if nanoseconds else value / 1e9

        return read

    def sleep(seconds: float) -> None:
        worker = current()
        if worker is None:
            real["sleep"](seconds)
            return
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        scheduler = worker.scheduler
        if seconds == 0:
            scheduler.give_way()
        else:
            scheduler.park(until=scheduler.elapsed + round(seconds * 1e9))

    def of_now(name: str) -> Callable[..., Any]:
        original = real[name]
        position = 1 if name == "strftime" else 0

        def convert(*args: Any) -> Any:
            worker = current()
            if worker is None or (len(args) > position and args[position] is not None):
                return original(*args)
            now = (origin.wall + worker.scheduler.read()) / 1e9
            if name == "strftime":
                return original(*args[:1], real["localtime"](now))
            return original(now)

        return convert

    def get_clock_info(name: str) -> Any:
        info = real["get_clock_info"](name)
        if current() is not None:
            # Event loops ask once how exact their clock is and treat earlier deadlines as due.
            info.resolution = RESOLUTION / 1e9
        return info

    replaced: dict[Callable[..., Any], Callable[..., Any]] = {
        real["sleep"]: sleep,
        real["get_clock_info"]: get_clock_info,
    }
    for name, start, nanoseconds in (
        ("time", origin.wall, False),
        ("time_ns", origin.wall, True),
        ("monotonic", origin.monotonic, False),
        ("monotonic_ns", origin.monotonic, True),
        ("perf_counter", origin.monotonic, False),
        ("perf_counter_ns", origin.monotonic, True),
    ):
        replaced[real[name]] = reader(name, start, nanoseconds=nanoseconds)
    for name in ("localtime", "gmtime", "ctime", "strftime"):
        replaced[real[name]] = of_now(name)
    for original, replacement in replaced.items():
        replacement.__name__ = replacement.__qualname__ = original.__name__
        replacement.__doc__ = original.__doc__
    return replaced


def _uuid4(rng: random.Random) -> dict[Callable[..., Any], Callable[..., Any]]:
    original = uuid.uuid4

    def uuid4() -> uuid.UUID:
        if current() is None:
            return original()
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    return {original: uuid4}


@contextlib.contextmanager
def _everywhere(replaced: dict[Callable[..., Any], Callable[..., Any]]) -> Iterator[None]:
    """Replace functions in every module that holds them by name."""
    by_id = {id(original): replacement for original, replacement in replaced.items()}
    names = {id(original): original.__name__ for original in replaced}
    wanted = {original.__name__: original for original in replaced}
    for module_name, module in list(sys.modules.items()):
        if module_name in _SEEN or module_name.split(".", 1)[0] in _KEEP:
            continue
        _SEEN.add(module_name)
        space = getattr(module, "__dict__", None)
        if isinstance(space, dict):
            held = [
                (name, names[id(value)])
                for name, value in list(space.items())
                if id(value) in by_id
            ]
            if held:
                _HELD[module_name] = held
    undo: list[tuple[dict[str, Any], str, Any]] = []
    for module_name, held in list(_HELD.items()):
        space = getattr(sys.modules.get(module_name), "__dict__", None)
        for name, function in held if isinstance(space, dict) else ():
            original = wanted.get(function)
            if original is not None and space.get(name) is original:
                undo.append((space, name, original))
                space[name] = replaced[original]
    try:
        yield
    finally:
        for space, name, original in reversed(undo):
            space[name] = original


@contextlib.contextmanager
def _datetime(origin: Origin) -> Iterator[None]:
    """Exchange `datetime.now` and `datetime.utcnow`; `today` and `date.today` ask `time.time`."""
    cls = datetimes.datetime
    methods = gc.get_referents(cls.__dict__)[0]
    originals = {name: methods[name] for name in ("now", "utcnow")}
    real_now, real_utcnow = cls.now, cls.utcnow

    def moment() -> float | None:
        worker = current()
        return None if worker is None else (origin.wall + worker.scheduler.read()) / 1e9

    def now(kind: type[datetimes.datetime], tz: datetimes.tzinfo | None = None) -> Any:
        seconds = moment()
        if seconds is None:
            return real_now(tz) if kind is cls else originals["now"].__get__(None, kind)(tz)
        return kind.fromtimestamp(seconds, tz)

    def utcnow(kind: type[datetimes.datetime]) -> Any:
        seconds = moment()
        if seconds is None:
            return real_utcnow() if kind is cls else originals["utcnow"].__get__(None, kind)()
        utc = kind.fromtimestamp(seconds, datetimes.timezone.utc)
        return utc.replace(tzinfo=None)

    methods["now"], methods["utcnow"] = classmethod(now), classmethod(utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))
    try:
        yield
    finally:
        methods.update(originals)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


@contextlib.contextmanager
def _threads(scheduler: Scheduler) -> Iterator[None]:
    """Make threads that workers start into workers, and their waiting cooperative."""
    real_start, real_join = threading.Thread.start, threading.Thread.join
    real_submit = pool.ThreadPoolExecutor.submit
    children: weakref.WeakKeyDictionary[threading.Thread, Worker] = weakref.WeakKeyDictionary()
    renewed: weakref.WeakSet[pool.ThreadPoolExecutor] = weakref.WeakSet()

    def start(thread: threading.Thread) -> None:
        parent = current()
        if parent is None or parent.scheduler is not scheduler:
            real_start(thread)
            return
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

        thread.run = body  # type: ignore[method-assign]  # undone by the thread's end
        thread.daemon = True  # an agent's forgotten thread must not keep the process alive
        children[thread] = worker
        parent.waits_for_real = True
        try:
            real_start(thread)
        finally:
            parent.waits_for_real = False

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        worker, child = current(), children.get(thread)
        if worker is not None and child is not None and worker is not child:
            until = None if timeout is None else scheduler.elapsed + round(max(timeout, 0) * 1e9)
            while child.alive and not (until is not None and scheduler.elapsed >= until):
                scheduler.park(until=until, condition=lambda: not child.alive)
                if scheduler.stopped and worker.immune:
                    return
            if child.alive:
                return
            timeout = None
        if worker is None:
            real_join(thread, timeout)
            return
        worker.waits_for_real = True
        try:
            real_join(thread, timeout)
        finally:
            worker.waits_for_real = False

    def submit(executor: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if current() is None:
            return real_submit(executor, function, *args, **kwargs)
        if executor not in renewed:
            renewed.add(executor)
            _renew(executor)
        context = contextvars.copy_context()
        return real_submit(executor, context.run, function, *args, **kwargs)

    with contextlib.ExitStack() as undo:
        for owner, name, value in (
            (threading.Thread, "start", start),
            (threading.Thread, "join", join),
            (pool.ThreadPoolExecutor, "submit", submit),
            (threading, "Lock", Lock),
            (threading, "_allocate_lock", Lock),
            (threading, "_CRLock", None),
            (queue, "SimpleQueue", queue._PySimpleQueue),  # type: ignore[attr-defined]  # noqa: SLF001 - the standard library's own equivalent
            (selectors, "DefaultSelector", VirtualSelector),
        ):
            undo.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        try:
            yield
        finally:
            for executor in renewed:
                _renew(executor)


def _renew(executor: Any) -> None:
    """Give a pool fresh threads: those of an earlier run, or of before it, cannot serve this one."""
    if executor._work_queue.empty():  # noqa: SLF001 - there is no public way
        executor._threads = set()  # noqa: SLF001 - as above
        executor._work_queue = queue.SimpleQueue()  # noqa: SLF001 - as above
        executor._idle_semaphore = threading.Semaphore(0)  # noqa: SLF001 - as above


@contextlib.contextmanager
def installed(scheduler: Scheduler, origin: Origin, rng: random.Random) -> Iterator[None]:
    """Run the body as the first worker of the scheduler, on its time.

    The global random generator and `uuid.uuid4` are seeded from `rng`, so that what an agent
    draws is the same in every run.
    """
    state = random.getstate()
    random.seed(rng.getrandbits(64))
    identifiers = random.Random(rng.getrandbits(64))  # noqa: S311 - simulation, not cryptography
    complaints = logging.getLogger("concurrent.futures")
    with contextlib.ExitStack() as stack:
        stack.callback(random.setstate, state)
        replaced = _clock_functions(origin) | _uuid4(identifiers)
        stack.enter_context(_everywhere(replaced))
        stack.enter_context(_datetime(origin))
        stack.enter_context(_threads(scheduler))
        scheduler.begin()
        try:
            yield
        finally:
            # A pool's idle thread reports the exception that ends it as if it were a bug.
            silent, complaints.disabled = complaints.disabled, True
            try:
                scheduler.end()
            finally:
                complaints.disabled = silent
