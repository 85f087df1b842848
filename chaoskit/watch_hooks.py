"""Watching what Python itself reports: warnings, and exceptions that nobody caught."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePath
from typing import Any, TextIO

from chaoskit import failure
from chaoskit.watch_place import Looking, changed

__all__ = ["watched_hooks"]


@contextmanager
def watched_hooks(watch: Looking) -> Iterator[None]:
    """Show warnings, and exceptions that end a thread or a finaliser, to the watch."""
    show = warnings.showwarning

    def watched_show(  # noqa: PLR0917 - the signature is that of the standard library
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        where = f"{PurePath(filename).name}:{lineno}"
        if watch.active:
            watch.seen("warning", str(message), where)
        with watch.place.at("warning", where):
            show(message, category, filename, lineno, file, line)

    with ExitStack() as stack:
        stack.enter_context(changed(warnings, "showwarning", watched_show))
        for holder, name in ((threading, "excepthook"), (sys, "unraisablehook")):
            hook = _watched(getattr(holder, name), watch)
            stack.enter_context(changed(holder, name, hook))
        yield


def _watched(hook: Any, watch: Looking) -> Any:
    def watched_hook(told: Any, /) -> None:
        error = told.exc_value
        place = "" if error is None else failure.where(error)
        if watch.active and error is not None:
            watch.seen("exception", failure.chain_of(error), place)
        with watch.place.at("exception", place):
            hook(told)

    return watched_hook
