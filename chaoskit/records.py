"""The records of a scenario's world, which its tools read and change.

They are what a run leaves behind: whatever the agent says, the end state tells what it did. Every
version of a record is kept, so that a stale read can be answered from an earlier moment.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from chaoskit.arguments import violations
from chaoskit.errors import UsageError
from chaoskit.exchange import RefusalKind
from chaoskit.fakes import provided
from chaoskit.schema.short import check_short, expanded
from chaoskit.seed import derive
from chaoskit.settings import settings

__all__ = ["Action", "Change", "CollectionSettings", "Record", "RecordError", "Records"]

Record: TypeAlias = dict[str, Any]
Action: TypeAlias = Literal["create", "update", "delete"]


class RecordError(LookupError):
    """The records do not allow it: there is no such record, there is one already, a field is wrong.

    A tool that meets it fails with its text, as a service would answer. `kind` says which it is.
    """

    def __init__(self, told: str, *, kind: RefusalKind = "not_found") -> None:
        super().__init__(told)
        self.kind = kind


@settings
class CollectionSettings:
    """Records of one kind, which the tools of the scenario read and change."""

    example: ClassVar[str] = """
    [records.orders]
    types = { total = "number", status = "string" }
    rows = [{ id = "A-1", total = 80.0, status = "paid" }]
    count = 20
    fields = { customer = "name", total = { provider = "random_int", max = 99 }, status = "word" }
    # or
    [records.refunds]
    key = "refund_id"
    """

    key: Annotated[str, Field(min_length=1)] = "id"
    """The field by which a record is found."""

    rows: tuple[dict[str, Any], ...] = ()
    """Records that are there from the start; one without a key gets one."""

    count: Annotated[int, Field(ge=0)] = 0
    """How many more there are, made of `fields`. The same seed gives the same records."""

    fields: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    """What such a record contains: names, and for each a provider of Faker such as `city`, or a
    table with `provider` and its arguments."""

    types: dict[str, Any] = Field(default_factory=dict)
    """Types of fields: `{ total = "number", note = "string?" }`, or a full JSON Schema. A write
    that violates them fails. Without it anything may be written."""

    def __post_init__(self) -> None:
        check_short(self.types, "types")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one record. `before` is None where it was created, `after` where deleted."""

    action: Action
    collection: str
    key: str
    before: Record | None
    after: Record | None


class Records:
    """All collections of one run. What is returned belongs to the caller; changing it is harmless.

    Raises:
        UsageError: a collection cannot be filled as its settings say.
    """

    def __init__(self, collections: Mapping[str, CollectionSettings], *, seed: int) -> None:
        self._seed = seed
        self._settings: dict[str, CollectionSettings] = {}
        self._schemas: dict[str, dict[str, Any]] = {}
        self._made: dict[tuple[str, int], int] = {}
        self._names: dict[str, set[str]] = {}
        # Of each record every version, the oldest first, with the time since which it holds.
        self._versions: dict[str, dict[str, list[tuple[float, Record | None]]]] = {}
        for name, collection in collections.items():
            self.declare(name, collection)

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def declare(self, name: str, collection: CollectionSettings) -> None:
        """Add a collection, in place of the one of that name.

        Raises:
            UsageError: it cannot be filled as its settings say.
        """
        self._settings[name] = collection
        self._schemas[name] = expanded(collection.types) if collection.types else {}
        self._versions[name] = {}
        self._names[name] = {*collection.fields, *self._schemas[name].get("properties", ())}
        for row in (*collection.rows, *_invented(name, collection, self._seed)):
            self._put(name, self._with_key(name, copy.deepcopy(dict(row)), owner=-1))

    def key_of(self, collection: str) -> str:
        """Return the name of the field by which records of a collection are found.

        Raises:
            UsageError: there is no such collection.
        """
        return self._collection(collection).key

    def has(self, collection: str, name: str) -> bool:
        """Tell whether a field of that name is declared, or any record has or had one.

        Raises:
            UsageError: there is no such collection.
        """
        self._collection(collection)
        return name in self._names[collection]

    def all(self, collection: str, *, at: float = float("inf")) -> list[Record]:
        """Return the records of a collection as they were at a time, in seconds of the run.

        Raises:
            UsageError: there is no such collection.
        """
        self._collection(collection)
        found = (_at(versions, at) for versions in self._versions[collection].values())
        return [copy.deepcopy(record) for record in found if record is not None]

    def read(self, collection: str, key: object, *, at: float = float("inf")) -> Record:
        """Return a record as it was at a time, in seconds of the run.

        Raises:
            RecordError: there is none.
            UsageError: there is no such collection.
        """
        self._collection(collection)
        record = _at(self._versions[collection].get(str(key), []), at)
        if record is None:
            raise RecordError(f"there is no record {str(key)!r} in {collection}")
        return copy.deepcopy(record)

    def search(
        self,
        collection: str,
        text: str = "",
        *,
        where: Mapping[str, object] | None = None,
        limit: int | None = None,
        at: float = float("inf"),
    ) -> list[Record]:
        """Return the records that have the given fields and share a word with the text.

        Those that share more words come first. An empty text fits every record.
        """
        wanted = {name: value for name, value in (where or {}).items() if value is not None}
        fits = [
            record
            for record in self.all(collection, at=at)
            if all(record.get(name) == value for name, value in wanted.items())
        ]
        if words := set(text.casefold().split()):
            shared = [(len(words & _words(record)), record) for record in fits]
            shared.sort(key=lambda pair: -pair[0])
            fits = [record for count, record in shared if count]
        return fits[:limit]

    def create(
        self, collection: str, fields: Mapping[str, object], *, now: float, owner: int = 0
    ) -> Change:
        """Add a record; one without a key gets one.

        Args:
            now: seconds since the run began.
            owner: number of the user for whom it is made; new keys contain it.

        Raises:
            RecordError: there is one with that key, or a field is wrong.
            UsageError: there is no such collection.
        """
        self._collection(collection)
        record = self._with_key(collection, copy.deepcopy(dict(fields)), owner=owner)
        key = self._key(collection, record)
        if _at(self._versions[collection].get(key, []), now) is not None:
            told = f"there is a record {key!r} in {collection} already"
            raise RecordError(told, kind="conflict")
        self._checked(collection, record)
        return self._write(collection, key, record, now, "create")

    def update(
        self, collection: str, key: object, fields: Mapping[str, object], *, now: float
    ) -> Change:
        """Change fields of a record; its key stays.

        Raises:
            RecordError: there is none with that key, or a field is wrong.
            UsageError: there is no such collection.
        """
        before, field = self.read(collection, key), self.key_of(collection)
        record = {**before, **copy.deepcopy(dict(fields)), field: before[field]}
        self._checked(collection, record)
        return self._write(collection, str(key), record, now, "update")

    def delete(self, collection: str, key: object, *, now: float) -> Change:
        """Remove a record.

        Raises:
            RecordError: there is none with that key.
            UsageError: there is no such collection.
        """
        self.read(collection, key)
        return self._write(collection, str(key), None, now, "delete")

    def _write(
        self, collection: str, key: str, record: Record | None, now: float, action: Action
    ) -> Change:
        versions = self._versions[collection].setdefault(key, [])
        change = Change(
            action=action,
            collection=collection,
            key=key,
            before=_at(versions, now),
            after=copy.deepcopy(record),
        )
        versions.append((now, record))
        self._names[collection].update(record or ())
        return change

    def _put(self, collection: str, record: Record) -> None:
        key = self._key(collection, record)
        if key in self._versions[collection]:
            raise UsageError(f"records.{collection}: two records have the key {key!r}")
        try:
            self._checked(collection, record)
        except RecordError as problem:
            raise UsageError(f"records.{collection}: {problem}") from None
        self._versions[collection][key] = [(float("-inf"), record)]
        self._names[collection].update(record)

    def _collection(self, name: str) -> CollectionSettings:
        try:
            return self._settings[name]
        except KeyError:
            known = ", ".join(self._settings) or "none"
            raise UsageError(f"there are no records called {name!r}; there are {known}") from None

    def _key(self, collection: str, record: Record) -> str:
        return str(record[self._settings[collection].key])

    def _with_key(self, collection: str, record: Record, *, owner: int) -> Record:
        field = self._settings[collection].key
        if record.get(field) is not None:
            return record
        stem = collection.removesuffix("s")
        while True:
            count = self._made[collection, owner] = self._made.get((collection, owner), 0) + 1
            key = f"{stem}-{count}" if owner < 0 else f"{stem}-{owner}-{count}"
            if key not in self._versions[collection]:
                return {field: key, **{k: v for k, v in record.items() if k != field}}

    def _checked(self, collection: str, record: Record) -> None:
        schema = self._schemas[collection]
        if schema and (wrong := violations(schema, record)):
            raise RecordError(f"{collection}: {'; '.join(wrong)}", kind="invalid_request")


def _at(versions: Sequence[tuple[float, Record | None]], at: float) -> Record | None:
    return next((record for since, record in reversed(versions) if since <= at), None)


def _words(record: Record) -> set[str]:
    return {word for value in record.values() for word in str(value).casefold().split()}


def _invented(name: str, collection: CollectionSettings, seed: int) -> Iterator[Record]:
    rng = derive(seed, "records", name)
    for _ in range(collection.count):
        yield {field: provided(how, rng) for field, how in collection.fields.items()}
