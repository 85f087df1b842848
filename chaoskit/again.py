"""Results of pure functions, kept for the latest values that they were asked about."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from chaoskit.exchange import HttpRequest

__all__ = ["ByHead", "ByIdentity", "ByText", "ByTwo", "Latest"]

K = TypeVar("K", bound=Hashable)
S = TypeVar("S")
T = TypeVar("T")
U = TypeVar("U")

_ENTRY = 50  # characters that every text counts beyond its own


class Latest(OrderedDict[K, T]):
    """What was kept last, by key. A plain dict would look for its oldest ever longer.

    Args:
        most: how many there are at most.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, key: K, value: T) -> None:
        """Keep a value; when there are too many, the one that was there first is forgotten."""
        self[key] = value
        if len(self) > self._most:
            self.popitem(last=False)


class ByIdentity(Generic[S, T]):
    """Results for the latest of frozen values, by which object it is.

    Args:
        compute: a pure function.
        most: how many values are remembered.
    """

    __slots__ = ("_compute", "_known")

    def __init__(self, compute: Callable[[S], T], most: int = 64) -> None:
        self._compute = compute
        self._known: Latest[int, tuple[S, T]] = Latest(most)

    def __call__(self, value: S) -> T:
        """Return the result for a value, computed or remembered."""
        known = self._known.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        result = self._compute(value)
        self._known.keep(id(value), (value, result))
        return result


class ByTwo(Generic[S, U, T]):
    """Results for the latest of frozen values, each together with another one.

    Args:
        compute: a pure function.
        most: how many values are remembered.
    """

    __slots__ = ("_compute", "_known")

    def __init__(self, compute: Callable[[S, U], T], most: int = 64) -> None:
        self._compute = compute
        self._known: Latest[int, tuple[S, U, T]] = Latest(most)

    def __call__(self, value: S, other: U) -> T:
        """Return the result for a value and the other, computed or remembered."""
        known = self._known.get(id(value))
        if known is not None and known[0] is value and known[1] is other:
            return known[2]
        result = self._compute(value, other)
        self._known.keep(id(value), (value, other, result))
        return result


class ByHead(Generic[T]):
    """Results for requests, on which their bodies have no bearing.

    Args:
        compute: a pure function.
        most: how many heads are remembered.
    """

    __slots__ = ("_compute", "_known")

    def __init__(self, compute: Callable[[HttpRequest], T], most: int = 256) -> None:
        self._compute = compute
        self._known: Latest[object, tuple[T]] = Latest(most)

    def __call__(self, request: HttpRequest) -> T:
        """Return the result for a request, computed, or remembered of one with the same head."""
        alike = request.alike
        if alike is None:
            return self._compute(request)
        known = self._known.get(alike)
        if known is not None:
            return known[0]
        result = self._compute(request)
        self._known.keep(alike, (result,))
        return result


class ByText(Generic[T]):
    """Results for texts, of which the least recently asked for are forgotten.

    Args:
        compute: a pure function.
        limit: length of the texts that are remembered, in characters.
    """

    __slots__ = ("_compute", "_known", "_length", "_limit")

    def __init__(self, compute: Callable[[str], T], limit: int) -> None:
        self._compute = compute
        self._limit = limit
        self._length = 0
        self._known: OrderedDict[str, T] = OrderedDict()

    def __call__(self, text: str) -> T:
        """Return the result for a text, computed or remembered."""
        known = self._known
        try:
            result = known[text]
            known.move_to_end(text)
        except KeyError:  # unknown, or another thread has just forgotten it
            pass
        else:
            return result
        result = self._compute(text)
        if text not in known:
            self._length += len(text) + _ENTRY
        known[text] = result
        while self._length > self._limit and len(known) > 1:
            oldest, _ = known.popitem(last=False)
            self._length -= len(oldest) + _ENTRY
        return result

    def __len__(self) -> int:
        return len(self._known)
