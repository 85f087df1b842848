"""What a forked process starts with: locks that no thread of its parent holds.

A lock that is held while a process forks stays held in the child for ever, since its holder is not
there. Servers that fork their workers from a process with threads would hang on the first call.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["Forked", "after_fork"]


class Forked(Protocol):
    """Holds a lock, or remembers threads."""

    def forked(self) -> None:
        """Begin anew in the child: with a lock of its own, and without the parent's threads."""


_known: WeakSet[Forked] = WeakSet()


def after_fork(owner: Forked) -> None:
    """Have an object told when it finds itself in a forked process."""
    _known.add(owner)


def _tell() -> None:
    for owner in list(_known):
        owner.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_tell)
