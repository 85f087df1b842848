"""Whose turn the running code belongs to.

The answer travels with the context: into tasks, and inside a run also into the threads and
executor jobs that an agent starts by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["WHO", "in_a_tool", "over_a_wire", "running_tool", "standing_in", "who", "wire"]

WHO: ContextVar[tuple[str, int]] = ContextVar("chaoskit_who", default=("", 0))
"""User and number of the turn, from 1; ("", 0) outside of any turn."""


_nobody = [("", 0)]


def who() -> tuple[str, int]:
    """Return user and turn of the running code."""
    found = WHO.get()
    return found if found[0] else _nobody[-1]


@contextmanager
def standing_in(user: str) -> Iterator[None]:
    """Let what runs outside of any turn count as the first turn of a user, whatever its context."""
    _nobody.append((user, 1))
    try:
        yield
    finally:
        _nobody.pop()


_IN_A_TOOL: ContextVar[bool] = ContextVar("chaoskit_in_a_tool", default=False)


@contextmanager
def running_tool() -> Iterator[None]:
    """Let the running code count as that of a tool."""
    before = _IN_A_TOOL.set(True)
    try:
        yield
    finally:
        _IN_A_TOOL.reset(before)


def in_a_tool() -> bool:
    """Tell whether the running code is that of one of the agent's tools."""
    return _IN_A_TOOL.get()


_WIRE: ContextVar[str] = ContextVar("chaoskit_wire", default="")


@contextmanager
def over_a_wire(dialect: str) -> Iterator[None]:
    """Let the tools that run meanwhile count as reached by a wire protocol."""
    before = _WIRE.set(dialect)
    try:
        yield
    finally:
        _WIRE.reset(before)


def wire() -> str:
    """Return the wire protocol by which the running tool was reached; empty for a function."""
    return _WIRE.get()
