"""What the service keeps for one API key: answers, conversations, files."""

from __future__ import annotations

__all__ = ["Shelf"]

_MOST = 10_000


class Shelf:
    """Keeps things by kind and name; of too many things of a kind it forgets the oldest."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kinds: dict[str, dict[str, object]] = {}

    def get(self, kind: str, name: str) -> object | None:
        """Return what is kept under a name, or None."""
        return self._kinds.get(kind, {}).get(name)

    def put(self, kind: str, name: str, value: object) -> None:
        """Keep something, in place of what the name stood for."""
        things = self._kinds.setdefault(kind, {})
        things[name] = value
        if len(things) > self._most:
            del things[next(iter(things))]

    def drop(self, kind: str, name: str) -> None:
        """Forget what is kept under a name, if anything."""
        self._kinds.get(kind, {}).pop(name, None)

    def all(self, kind: str) -> tuple[object, ...]:
        """Return everything of a kind, the oldest first."""
        return tuple(self._kinds.get(kind, {}).values())
