"""Watching the file descriptors 1 and 2: what child processes, C code and `os.write` put out.

While a run lasts, each of the two leads into a file without a name, which is read whenever a turn
ends and at the end of the run; what is not held back then goes where it would have gone. Who wrote
it is not known, and when is known only roughly. What a child process writes after the run is lost.

A descriptor is left alone where the agent's own output has to pass through it at once, as when a
debugger or `pytest -s` shows it on the terminal, and on systems without `pread` (Windows).
"""

from __future__ import annotations

import codecs
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["Descriptor", "watched_descriptor"]

_CHUNK = 1 << 16


class Descriptor:
    """One descriptor that leads into a file for a while.

    Args:
        show: takes each piece of text; returns whether it is held back.
    """

    def __init__(self, number: int, show: Callable[[str], bool]) -> None:
        self._number = number
        self._show = show
        self._before = os.dup(number)
        self._read = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `close` does
        os.dup2(self._file.fileno(), number)

    def look(self) -> None:
        """Look at what has been written since the last time."""
        while data := os.pread(self._file.fileno(), _CHUNK, self._read):
            self._read += len(data)
            if not self._show(self._decode(data)):
                _write(self._before, data)

    def written(self, channel: str, text: str) -> bool:  # noqa: ARG002 - an onlooker's
        """Write what a forked process prints; return that it is done."""
        _write(self._number, text.encode("utf-8", "replace"))
        return True

    def close(self) -> None:
        """Look for the last time, and let the descriptor lead where it led before."""
        self.look()
        os.dup2(self._before, self._number)
        os.close(self._before)
        self._file.close()


@contextmanager
def watched_descriptor(
    number: int, stream: Any, show: Callable[[str], bool], *, quiet: bool
) -> Iterator[Descriptor | None]:
    """Let a descriptor lead into a file, unless `stream` has to write through it at once."""
    if not hasattr(os, "pread") or (not quiet and _leads_to(stream, number)):
        yield None
        return
    _flush(stream)
    try:
        descriptor = Descriptor(number, show)
    except OSError:  # it is closed, as a daemon's are
        yield None
        return
    try:
        yield descriptor
    finally:
        _flush(stream)
        descriptor.close()


def _leads_to(stream: Any, number: int) -> bool:
    try:
        return bool(stream.fileno() == number)
    except (AttributeError, OSError, ValueError):  # a stream in memory, or a closed one
        return False


def _flush(stream: Any) -> None:
    for one in (stream, sys.__stdout__, sys.__stderr__):
        with suppress(Exception):  # it may be closed, or missing
            one.flush()  # type: ignore[union-attr]  # as above


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]
