"""What the service keeps for one API key: answers, conversations, files."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Room", "Shelf"]

_MOST = 10_000
_MOST_BYTES = 512 * 1024 * 1024  # as large as the largest file that a vendor takes

_Place: TypeAlias = "tuple[Shelf, str, str]"


class Room:
    """The bytes that several shelves have together; beyond them the oldest thing is forgotten.

    What is put last is kept in any case.
    """

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most = most
        self._taken = 0
        self._sizes: dict[_Place, int] = {}

    def take(self, place: _Place, size: int) -> None:
        """Give so many bytes to a thing, in place of those that it had."""
        self._taken += size - self._sizes.get(place, 0)
        self._sizes[place] = size
        while self._taken > self._most and len(self._sizes) > 1:
            shelf, kind, name = next(other for other in self._sizes if other != place)
            shelf.drop(kind, name)

    def leave(self, place: _Place) -> None:
        """Take back the bytes of a thing, if it had any."""
        self._taken -= self._sizes.pop(place, 0)


class Shelf:
    """Keeps things by kind and name; of too many things of a kind it forgets the oldest.

    Args:
        room: what limits their bytes, for other shelves as well.
    """

    def __init__(self, most: int = _MOST, room: Room | None = None) -> None:
        self._most = most
        self._room = room or Room()
        self._kinds: dict[str, dict[str, object]] = {}

    def get(self, kind: str, name: str) -> object | None:
        """Return what is kept under a name, or None."""
        return self._kinds.get(kind, {}).get(name)

    def put(self, kind: str, name: str, value: object, *, size: int = 0) -> None:
        """Keep something, in place of what the name stood for; `size` is in bytes."""
        things = self._kinds.setdefault(kind, {})
        things[name] = value
        if len(things) > self._most:
            self.drop(kind, next(iter(things)))
        if size:
            self._room.take((self, kind, name), size)
        else:
            self._room.leave((self, kind, name))

    def drop(self, kind: str, name: str) -> None:
        """Forget what is kept under a name, if anything."""
        self._kinds.get(kind, {}).pop(name, None)
        self._room.leave((self, kind, name))

    def all(self, kind: str) -> tuple[object, ...]:
        """Return everything of a kind, the oldest first."""
        return tuple(self._kinds.get(kind, {}).values())
