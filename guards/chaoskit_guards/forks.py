"""What a forked process starts with: locks that no thread of its parent holds.

A lock that is held while a process forks stays held in the child for ever, since its holder is not
there. Servers that fork their workers from a process with threads would hang on the first call.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet

__all__ = ["Forked", "Locked", "after_fork", "own_lock"]


class Forked(Protocol):
    """Remembers threads, or more than its lock."""

    def forked(self) -> None:
        """Begin anew in the child: with a lock of its own, and without the parent's threads."""


class Locked(Protocol):
    """Has nothing to begin anew with but its lock."""

    _lock: threading.Lock


_told: WeakSet[Forked] = WeakSet()
_locked: WeakSet[Locked] = WeakSet()


def after_fork(owner: Forked) -> None:
    """Have an object told when it finds itself in a forked process."""
    _told.add(owner)


def own_lock(owner: Locked) -> threading.Lock:
    """Return a lock for `owner._lock`, which is another one in a forked process."""
    _locked.add(owner)
    return threading.Lock()


def _in_child() -> None:
    for locked in list(_locked):
        locked._lock = threading.Lock()  # noqa: SLF001 - what the protocol is about
    for told in list(_told):
        told.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_in_child)
