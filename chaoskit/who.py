"""Whose turn the running code belongs to.

The answer travels with the context: into tasks, and inside a run also into the threads and
executor jobs that an agent starts by itself.
"""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["WHO", "who"]

WHO: ContextVar[tuple[str, int]] = ContextVar("chaoskit_who", default=("", 0))
"""User and number of the turn, from 1; ("", 0) outside of any turn."""


def who() -> tuple[str, int]:
    """Return user and turn of the running code."""
    return WHO.get()
