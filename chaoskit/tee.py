"""Standing in for the standard streams, so that what is written to them can be looked at.

The stand-in of a stream is the same object in every run: what an agent saved of it while it was
imported keeps being looked at in later runs, and writes straight through between them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

from chaoskit.watch_place import changed

__all__ = ["Onlooker", "Tee", "seen_directly", "swap_streams", "tee"]


class Onlooker(Protocol):
    """Who looks at what is written."""

    def written(self, channel: str, text: str) -> bool:
        """Look at a piece of text; return whether it is held back from the stream."""
        ...


class Tee:
    """Stands for a standard stream: shows what is written to the onlooker, then writes it."""

    def __init__(self, original: Any, channel: str) -> None:
        self.original = original
        self.channel = channel
        self.onlooker: Onlooker | None = None

    def write(self, text: str) -> int:
        """Write a text."""
        onlooker = self.onlooker
        if onlooker is not None and onlooker.written(self.channel, text):
            return len(text)
        with _PASSING.on():
            return cast("int", self.original.write(text))

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """The binary side, where the stream has one."""
        return _Bytes(self, self.original.buffer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _Passing(threading.local):
    """Whether the thread writes to an original what its stand-in has shown already."""

    now = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Say so for a while."""
        before, self.now = self.now, True
        try:
            yield
        finally:
            self.now = before


_PASSING = _Passing()


@contextmanager
def seen_directly(stand_in: Tee) -> Iterator[None]:
    """Show what is written to the original itself too, by whoever saved it before it had a tee.

    That takes a class that can be changed, as those of pytest's captured streams can. The class of
    a plain stream cannot; what is written to one ends in a file descriptor.
    """
    kind, original = type(stand_in.original), stand_in.original
    write: Any = getattr(kind, "write", None)

    def watched_write(stream: Any, text: str) -> int:
        if stream is original and stand_in.onlooker is not None and not _PASSING.now:
            return stand_in.write(text)
        return cast("int", write(stream, text))

    with ExitStack() as stack:
        with suppress(TypeError):
            stack.enter_context(changed(kind, "write", watched_write))
        yield


class _Bytes:
    def __init__(self, text_side: Tee, original: Any) -> None:
        self._text_side = text_side
        self._original = original

    def write(self, data: bytes) -> int:
        text, onlooker = bytes(data).decode("utf-8", "replace"), self._text_side.onlooker
        if onlooker is not None and onlooker.written(self._text_side.channel, text):
            return len(data)
        return cast("int", self._original.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


_TEES: WeakValueDictionary[int, Tee] = WeakValueDictionary()


def tee(original: Any, channel: str) -> Tee:
    """Return the stand-in of a stream."""
    found = _TEES.get(id(original))
    if found is None or found.original is not original:
        found = _TEES[id(original)] = Tee(original, channel)
    return found


def swap_streams(old: object, new: object) -> None:
    """Give every logging handler that writes to one stream another in its place."""
    handlers = logging._handlerList  # type: ignore[attr-defined]  # noqa: SLF001 - the only list of all handlers
    for reference in list(handlers):
        handler = reference()
        if isinstance(handler, logging.StreamHandler) and handler.stream is old:
            with suppress(AttributeError):  # a stream that is a property follows `sys` by itself
                handler.stream = new
