"""Puts the run's time in place of the process's, for the run's own threads.

Every replacement looks up whether the calling thread is a worker of a run and behaves as the
original for any other. Nothing stays patched after the run.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from chaoskit.clocks.datetimes import datetime_reading
from chaoskit.clocks.everywhere import replaced_everywhere
from chaoskit.clocks.scheduler import RESOLUTION, Scheduler, current
from chaoskit.clocks.threads import threads_joined_to

__all__ = ["Origin", "installed"]

_Function = Callable[..., Any]


class Origin:
    """Where the process's clocks stand at the first nanosecond of a run, in nanoseconds."""

    def __init__(self, *, wall: int, monotonic: int) -> None:
        self.wall = wall
        self.monotonic = monotonic


@contextlib.contextmanager
def installed(
    scheduler: Scheduler, origin: Origin, rng: random.Random, *, immune: bool = True
) -> Iterator[None]:
    """Run the body as the first worker of the scheduler, on its time.

    The global random generator and `uuid.uuid4` are seeded from `rng`, so that what an agent
    draws is the same in every run.
    """

    def wall() -> float | None:
        worker = current()
        return None if worker is None else (origin.wall + worker.scheduler.read()) / 1e9

    complaints = logging.getLogger("concurrent.futures")
    with contextlib.ExitStack() as stack:
        stack.callback(random.setstate, random.getstate())
        random.seed(rng.getrandbits(64))
        functions: dict[_Function, _Function] = {
            **_readers(origin),
            **_converters(wall),
            time.sleep: _sleep(time.sleep),
            time.get_clock_info: _clock_info(time.get_clock_info),
            uuid.uuid4: _uuid4(uuid.uuid4, random.Random(rng.getrandbits(64))),  # noqa: S311 - simulation, not cryptography
        }
        stack.enter_context(replaced_everywhere(functions))
        stack.enter_context(datetime_reading(wall))
        stack.enter_context(threads_joined_to(scheduler))
        scheduler.begin(immune=immune)
        try:
            yield
        finally:
            # A pool's idle thread reports the exception that ends it as if it were a bug.
            silent, complaints.disabled = complaints.disabled, True
            try:
                scheduler.end()
            finally:
                complaints.disabled = silent


def _readers(origin: Origin) -> dict[_Function, _Function]:
    def reader(original: _Function, start: int, *, nanoseconds: bool) -> _Function:
        def read() -> float:
            worker = current()
            if worker is None:
                return original()  # type: ignore[no-any-return]  # the library's own
            value = start + worker.scheduler.read()
            return value if nanoseconds else value / 1e9

        return _named(read, original)

    return {
        original: reader(original, start, nanoseconds=original.__name__.endswith("_ns"))
        for original, start in (
            (time.time, origin.wall),
            (time.time_ns, origin.wall),
            (time.monotonic, origin.monotonic),
            (time.monotonic_ns, origin.monotonic),
            (time.perf_counter, origin.monotonic),
            (time.perf_counter_ns, origin.monotonic),
        )
    }


def _converters(wall: Callable[[], float | None]) -> dict[_Function, _Function]:
    """Functions that take the present when they are given no time."""
    real_localtime, real_strftime = time.localtime, time.strftime

    def converter(original: _Function) -> _Function:
        def convert(seconds: float | None = None, /) -> Any:
            return original(wall() if seconds is None else seconds)

        return _named(convert, original)

    def strftime(pattern: str, moment: Any = None, /) -> str:
        return real_strftime(pattern, real_localtime(wall()) if moment is None else moment)

    return {
        **{original: converter(original) for original in (time.localtime, time.gmtime, time.ctime)},
        real_strftime: _named(strftime, real_strftime),
    }


def _sleep(original: _Function) -> _Function:
    def sleep(seconds: float, /) -> None:
        worker = current()
        if worker is None:
            original(seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        elif seconds == 0:
            worker.scheduler.give_way()
        else:
            worker.scheduler.park(until=worker.scheduler.elapsed + round(seconds * 1e9))

    return _named(sleep, original)


def _clock_info(original: _Function) -> _Function:
    def get_clock_info(name: str, /) -> Any:
        info = original(name)
        if current() is not None:
            # Event loops ask once how exact their clock is and treat earlier deadlines as due.
            info.resolution = RESOLUTION / 1e9
        return info

    return _named(get_clock_info, original)


def _uuid4(original: Callable[[], uuid.UUID], rng: random.Random) -> _Function:
    def uuid4() -> uuid.UUID:
        if current() is None or _importing():
            return original()
        return uuid.UUID(int=rng.getrandbits(128), version=4)

    return _named(uuid4, original)


def _importing() -> bool:
    """Tell whether a module's own code asks: it runs in the first run of a process only."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - inspect.stack() reads source files
    for _ in range(8):
        if frame is None:
            return False
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _named(replacement: _Function, original: _Function) -> _Function:
    replacement.__name__ = replacement.__qualname__ = original.__name__
    replacement.__doc__ = original.__doc__
    return replacement
