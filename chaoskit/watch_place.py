"""What the parts of a watch share: who looks, and what the writing of a thread belongs to."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["Looking", "Place", "changed"]

_MISSING = object()


class Place(threading.local):
    """Inside of which handler or warning the thread is: what it writes belongs to that."""

    now: tuple[str, str] | None = None

    @contextmanager
    def at(self, channel: str, where: str) -> Iterator[None]:
        """Let what is written meanwhile belong there, unless it belongs somewhere already."""
        before = self.now
        self.now = before or (channel, where)
        try:
            yield
        finally:
            self.now = before


class Looking(Protocol):
    """Who looks at what is written."""

    @property
    def place(self) -> Place:
        """What the writing of the running thread belongs to."""
        ...

    @property
    def active(self) -> bool:
        """Whether there is anything to look for, and anybody who wants to know."""
        ...

    def seen(self, channel: str, text: str, where: str = "") -> None:
        """Look at a text that is whole."""
        ...

    def joined(self, channel: str, text: str, *stream: Hashable, where: str = "") -> None:
        """Look at a piece of a stream of text, joined to the pieces before it."""
        ...


@contextmanager
def changed(holder: Any, name: str, value: object) -> Iterator[None]:
    """Set an attribute for a while; whoever sets it anew in the meantime keeps what he set."""
    before = vars(holder).get(name, _MISSING)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if vars(holder).get(name) is value:
            if before is _MISSING:
                delattr(holder, name)
            else:
                setattr(holder, name, before)
