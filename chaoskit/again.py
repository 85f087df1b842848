"""Results of pure functions, kept for the latest values that they were asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from chaoskit.exchange import HttpRequest

__all__ = ["ByHead", "ByIdentity", "ByTwo"]

S = TypeVar("S")
T = TypeVar("T")
U = TypeVar("U")


class ByIdentity(Generic[S, T]):
    """Results for the latest of frozen values, by which object it is.

    Args:
        compute: a pure function.
        most: how many values are remembered.
    """

    __slots__ = ("_compute", "_known", "_most")

    def __init__(self, compute: Callable[[S], T], most: int = 64) -> None:
        self._compute = compute
        self._most = most
        self._known: dict[int, tuple[S, T]] = {}

    def __call__(self, value: S) -> T:
        """Return the result for a value, computed or remembered."""
        known = self._known.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        result = self._compute(value)
        self._known[id(value)] = (value, result)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return result


class ByHead(Generic[T]):
    """Results for requests, on which their bodies have no bearing.

    Args:
        compute: a pure function.
        most: how many heads are remembered.
    """

    __slots__ = ("_compute", "_known", "_most")

    def __init__(self, compute: Callable[[HttpRequest], T], most: int = 256) -> None:
        self._compute = compute
        self._most = most
        self._known: dict[object, T] = {}

    def __call__(self, request: HttpRequest) -> T:
        """Return the result for a request, computed, or remembered of one with the same head."""
        alike = request.alike
        if alike is None:
            return self._compute(request)
        if alike not in self._known:
            self._known[alike] = self._compute(request)
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return self._known[alike]


class ByTwo(Generic[S, U, T]):
    """Results for the latest of frozen values, each together with another one.

    Args:
        compute: a pure function.
        most: how many values are remembered.
    """

    __slots__ = ("_compute", "_known", "_most")

    def __init__(self, compute: Callable[[S, U], T], most: int = 64) -> None:
        self._compute = compute
        self._most = most
        self._known: dict[int, tuple[S, U, T]] = {}

    def __call__(self, value: S, other: U) -> T:
        """Return the result for a value and the other, computed or remembered."""
        known = self._known.get(id(value))
        if known is not None and known[0] is value and known[1] is other:
            return known[2]
        result = self._compute(value, other)
        self._known[id(value)] = (value, other, result)
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]
        return result
