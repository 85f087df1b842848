"""One run at a time in a process, in a thread without an event loop.

A run exchanges what the whole process shares (clocks, transports, output), so two at once would
spoil each other; and its own loop cannot run inside of another.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from chaoskit.clocks.scheduler import current
from chaoskit.errors import UsageError

__all__ = ["alone", "having_the_process"]

T = TypeVar("T")
_turn = threading.Lock()


def alone(function: Callable[[], T]) -> T:
    """Call a function when no other run is active, in another thread where a loop is running.

    Raises:
        UsageError: an agent under test tries to start a run.
    """
    if current() is None and _in_a_loop():
        return _elsewhere(function)
    with having_the_process():
        return function()


@contextmanager
def having_the_process() -> Iterator[None]:
    """Keep other runs waiting while the body runs.

    Raises:
        UsageError: an agent under test tries to start a run.
    """
    if current() is not None:
        raise UsageError("an agent under test cannot start a run of its own")
    with _turn:
        yield


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _elsewhere(function: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            with _turn:
                results.append(function())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
            errors.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(body,))
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
