"""The records of a scenario, as a handler of the scenario's author sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaoskit.records import Change, Record, Records

__all__ = ["RecordsView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsView:
    """What a handler works with; the run knows what it changes.

    Attributes:
        records: the records themselves.
        now: seconds since the run began.
        age: reads see the records as they were so many seconds ago.
        owner: number of the user on whose behalf it runs.
        changed: told of each change.
    """

    records: Records
    now: float
    changed: Callable[[Change], None]
    age: float = 0.0
    owner: int = 0

    def read(self, collection: str, key: object) -> Record:
        """Return a record.

        Raises:
            RecordError: there is none; the tool then fails with that text.
        """
        return self.records.read(collection, key, at=self._seen)

    def search(
        self,
        collection: str,
        text: str = "",
        *,
        where: Mapping[str, object] | None = None,
        limit: int | None = None,
    ) -> list[Record]:
        """Return the records with the given fields that share a word with the text."""
        return self.records.search(collection, text, where=where, limit=limit, at=self._seen)

    def create(self, collection: str, fields: Mapping[str, object]) -> Record:
        """Add a record and return it; one without a key gets one.

        Raises:
            RecordError: there is one with that key already, or a field is wrong.
        """
        change = self.records.create(collection, fields, now=self.now, owner=self.owner)
        return self._told(change).after or {}

    def update(self, collection: str, key: object, fields: Mapping[str, object]) -> Record:
        """Change fields of a record and return it.

        Raises:
            RecordError: there is none, or a field is wrong.
        """
        return self._told(self.records.update(collection, key, fields, now=self.now)).after or {}

    def delete(self, collection: str, key: object) -> Record:
        """Remove a record and return what it was.

        Raises:
            RecordError: there is none.
        """
        return self._told(self.records.delete(collection, key, now=self.now)).before or {}

    def _told(self, change: Change) -> Change:
        self.changed(change)
        return change

    @property
    def _seen(self) -> float:
        return self.now - self.age if self.age else float("inf")
