"""A catalogue: names as they stand in scenario files, and the classes behind them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Generic, TypeVar

from chaoskit.errors import UsageError

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and classes of one kind of thing, in the order of registration."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._members: dict[str, type[T]] = {}

    def register(self, name: str, member: type[T]) -> None:
        """Add a class under its name in scenario files.

        Raises:
            UsageError: the name is taken by another class.
        """
        if self._members.setdefault(name, member) is not member:
            raise UsageError(f"there is a {self.kind} called {name!r} already; choose another name")

    def __getitem__(self, name: str) -> type[T]:
        try:
            return self._members[name]
        except KeyError:
            raise UsageError(
                f"there is no {self.kind} called {name!r}; {self.advice(name)}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def name_of(self, member: type[T]) -> str:
        """Return the name under which a class is registered."""
        return next(name for name, value in self._members.items() if value is member)

    def advice(self, name: str) -> str:
        """Return a hint for a misspelt name."""
        near = difflib.get_close_matches(name, self._members, n=1)
        known = ", ".join(sorted(self._members))
        return f"did you mean {near[0]!r}?" if near else f"known: {known}"
