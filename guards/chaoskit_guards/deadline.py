"""Until when the code under way has time; what it calls inherits that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

from chaoskit_guards.settings import seconds as check_seconds

__all__ = ["Deadline", "time_left"]


class Deadline:
    """A block of code that has so many seconds; a deadline around it that is earlier holds too.

    It stops nothing by itself: who waits for something asks `time_left`. `BoundedTools`,
    `Parallel` and `OutputParser` do.

    Args:
        seconds: from entering the block.
        clock: monotonic seconds; `time.monotonic` when it is None.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] | None = None) -> None:
        check_seconds(seconds=seconds)
        self.seconds = seconds
        self._clock = clock
        self._until = math.inf
        self._outer: Deadline | None = None
        self._token: Token[Deadline | None] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.seconds!r})"

    @property
    def left(self) -> float:
        """Seconds that are left, not below 0."""
        own = max(0.0, self._until - (self._clock or time.monotonic)())
        return own if self._outer is None else min(own, self._outer.left)

    def __enter__(self) -> Self:
        if self._token is not None:
            raise RuntimeError("a deadline is entered once")
        self._outer = _current.get()
        self._until = (self._clock or time.monotonic)() + self.seconds
        self._token = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._token is not None  # noqa: S101 - it was entered
        _current.reset(self._token)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)


_current: ContextVar[Deadline | None] = ContextVar("chaoskit_guards_deadline", default=None)


def time_left(seconds: float | None = None) -> float | None:
    """Return the seconds until the deadline around this code, at most `seconds`; None: no end."""
    deadline = _current.get()
    if deadline is None:
        return seconds
    left = deadline.left
    return left if seconds is None else min(left, seconds)
