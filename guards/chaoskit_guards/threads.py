"""Calls that somebody waits for in another thread, with the context of whoever started them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

__all__ = ["started"]

T = TypeVar("T")


def started(function: Callable[[], T], name: str) -> Future[T]:
    """Run a function in a thread of its own, which does not keep the process alive."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # from here on nobody can take it back
    context = copy_context()

    def body() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=body, name=name, daemon=True).start()
    return future
