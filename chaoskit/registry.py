"""A catalogue: names as they stand in scenario files, and the classes behind them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from chaoskit import installed
from chaoskit.errors import UsageError

__all__ = ["Registry", "title_of"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Names and classes of one kind of thing, in the order of registration.

    Those of installed extensions are there as soon as anybody looks for them.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._members: dict[str, type[T]] = {}

    def register(self, name: str, member: type[T]) -> None:
        """Add a class under its name in scenario files.

        A class takes the place of an earlier one of the same module and name, as when a module is
        imported again.

        Raises:
            UsageError: the name is taken by another class.
        """
        before = self._members.get(name, member)
        if title_of(before) != title_of(member):
            raise UsageError(
                f"there is a {self.kind} called {name!r} already ({title_of(before)}); choose "
                f"another name for {title_of(member)}"
            )
        self._members[name] = member

    def __getitem__(self, name: str) -> type[T]:
        if name in self:
            return self._members[name]
        raise UsageError(f"there is no {self.kind} called {name!r}; {self.advice(name)}")

    def __contains__(self, name: object) -> bool:
        if name not in self._members:
            installed.load()
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        installed.load()
        return iter(list(self._members))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def name_of(self, member: type[T]) -> str:
        """Return the name under which a class is registered."""
        title = title_of(member)
        return next(name for name, value in self._members.items() if title_of(value) == title)

    def advice(self, name: str) -> str:
        """Return a hint for a misspelt name."""
        near = difflib.get_close_matches(name, self._members, n=1)
        known = ", ".join(sorted(self._members))
        hint = f"did you mean {near[0]!r}?" if near else f"known: {known}"
        return "; ".join([hint, *map(str, installed.broken())])

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Forget afterwards what is registered in the meantime."""
        before = dict(self._members)
        try:
            yield
        finally:
            self._members = before


def title_of(member: type) -> str:
    """Return the module and the name of a class."""
    return f"{member.__module__}.{member.__qualname__}"
