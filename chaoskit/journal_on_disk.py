"""A journal whose older events lie in a file, so that a server may run for days."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import weakref
from collections.abc import Container, Iterator
from dataclasses import asdict, fields
from operator import attrgetter
from typing import IO

import orjson

from chaoskit.journal import E_, KINDS, Event, Journal, Replied, Requested, of_record

__all__ = ["JournalOnDisk"]

_MOST = 4_096
_LINE = 256  # events that are written, and read again, at once
_HEAVY = 4 * 1024 * 1024  # characters
_PIECE = 256 * 1024
_SHORT = 64  # characters
_WORDS = 10_000


class JournalOnDisk(Journal):
    """Keeps the newest events in memory and the others in a file without a name.

    Whoever reads it gets them back one by one, up to the newest at that moment.

    Args:
        most: events in memory.
        heavy: characters in memory, of what tools and the model said.
    """

    def __init__(self, most: int = _MOST, *, heavy: int = _HEAVY) -> None:
        super().__init__()
        self._most = most
        self._heavy = heavy
        self._weight = 0
        self._lock = threading.Lock()  # one thread appends, others read
        self._file: IO[bytes] | None = None
        self._bytes = self._written = 0

    def append(self, event: Event) -> None:
        """Add one event."""
        events = self._events
        events.append(event)
        if isinstance(event, Requested):
            for result in event.results:
                self._weight += len(result.text)
        elif isinstance(event, Replied):
            self._weight += len(event.text)
        if len(events) >= self._most or self._weight >= self._heavy:
            with self._lock:
                self._write()

    def __iter__(self) -> Iterator[Event]:
        return self._read(KINDS)

    def of(self, *kinds: type[E_]) -> list[E_]:
        """Return the events of the given kinds, in order; the others are passed over unread."""
        wanted = frozenset([name for name, kind in KINDS.items() if issubclass(kind, kinds)])
        return [event for event in self._read(wanted) if isinstance(event, kinds)]

    def _read(self, wanted: Container[str]) -> Iterator[Event]:
        """Yield the events of some kinds from the file, and all of the newest."""
        with self._lock:
            end, newest = self._bytes, list(self._events)
        known: dict[str, str] = {}
        for line in self._lines(end):
            yield from _unpacked(line, wanted, known)
            if len(known) > _WORDS:
                known.clear()
        yield from newest

    def __len__(self) -> int:
        return self._written + len(self._events)

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by the next line
            weakref.finalize(self, self._file.close)
        events = self._events
        data = b"".join([_packed(events[at : at + _LINE]) for at in range(0, len(events), _LINE)])
        self._file.write(data)
        self._bytes += len(data)
        self._written += len(self._events)
        self._events = []
        self._weight = 0

    def _lines(self, end: int) -> Iterator[bytes]:
        """Yield the lines of the file up to a position, whoever writes to it meanwhile."""
        at, rest = 0, b""
        while self._file is not None and at < end:
            piece = os.pread(self._file.fileno(), min(_PIECE, end - at), at)
            at += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines


def _packed(events: list[Event]) -> bytes:
    """Return events as one line: of each its kind, and what is in its fields."""
    rows = [(type(event).__name__, *_VALUES[type(event)](event)) for event in events]
    try:
        return orjson.dumps(rows, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half of a surrogate pair, which only an escape can carry
        return json.dumps(rows, default=asdict).encode() + b"\n"


def _unpacked(line: bytes, wanted: Container[str], known: dict[str, str]) -> Iterator[Event]:
    """Yield events of some kinds; equal short texts, of which there are many, become one."""
    try:
        rows = orjson.loads(line)
    except ValueError:
        rows = json.loads(line)
    for name, *values in rows:
        if name in wanted:
            shared = [
                known.setdefault(value, value)
                if isinstance(value, str) and len(value) < _SHORT
                else value
                for value in values
            ]
            yield of_record(name, dict(zip(_NAMES[KINDS[name]], shared, strict=True)))


_NAMES = {kind: tuple([field.name for field in fields(kind)]) for kind in KINDS.values()}
_VALUES = {kind: attrgetter(*names) for kind, names in _NAMES.items()}
