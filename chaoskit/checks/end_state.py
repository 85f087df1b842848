"""The records are in the end as they should be, whatever the agent said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.journal import Journal, Remained, TurnStarted
from chaoskit.settings import settings

__all__ = ["EndState"]


@settings
class EndState:
    """So many records of a collection match in the end, and each of them has the given fields.

    Where a value says `{user}`, the promise holds for each user who asked anything, with the user's
    name in its place.
    """

    example: ClassVar[str] = """
    [records.refunds]

    [[promises]]
    check = "end_state"
    records = "refunds"
    where = { customer = "{user}" }
    count = 1
    fields = { amount = 80.0 }
    # or
    [records.refunds]

    [[promises]]
    check = "end_state"
    records = "refunds"
    most = 20
    """

    outcome: ClassVar[bool] = True

    records: Annotated[str, Field(min_length=1)]
    """The collection."""

    where: dict[str, Any] = Field(default_factory=dict)
    """Which of its records: those whose fields have these values; all of them unless set."""

    count: Annotated[int, Field(ge=0)] | None = None
    """So many there are, exactly."""

    most: Annotated[int, Field(ge=0)] | None = None
    """So many there are at most."""

    fields: dict[str, Any] = Field(default_factory=dict)
    """Values that each of them has."""

    def __post_init__(self) -> None:
        if self.count is None and self.most is None and not self.fields:
            raise ValueError("say what must hold: `count`, `most`, or `fields`")

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        which = f" with {_written(self.where)}" if self.where else ""
        if self.count is not None:
            wanted = f"exactly {self.count} in {self.records}{which}"
        elif self.most is not None:
            wanted = f"at most {self.most} in {self.records}{which}"
        else:
            wanted = f"those in {self.records}{which}"
        return f"in the end: {wanted}" + (f" with {_written(self.fields)}" if self.fields else "")

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        remained = [event for event in journal.of(Remained) if event.collection == self.records]
        if not remained:
            return Judgement.of(0, [], nothing=f"there are no records {self.records!r}")
        last = remained[-1]
        records = json.loads(last.records)
        users = dict.fromkeys(event.user for event in journal.of(TurnStarted) if event.user)
        judged, findings = 0, []
        for user in users if self._is_of_users else ("",):
            judged += 1
            where, fields = _for(user, self.where), _for(user, self.fields)
            findings += [
                Finding(message=message, at=last.at, user=user, advice=remedy)
                for message, remedy in self._wrong(_matching(records, where), where, fields)
            ]
        return Judgement.of(judged, findings, nothing="no user asked anything")

    @property
    def _is_of_users(self) -> bool:
        return "{user}" in json.dumps([self.where, self.fields])

    def _wrong(
        self, found: list[dict[str, Any]], where: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> Iterator[tuple[str, str]]:
        of = f"{self.records} with {_written(where)}" if where else self.records
        if self.count is not None and len(found) != self.count:
            remedy = advice.RUN_ONCE if len(found) > self.count else advice.HANDLE
            yield f"there are {len(found)} {of} in the end; {self.count} should be", remedy
        if self.most is not None and len(found) > self.most:
            yield (
                f"there are {len(found)} {of} in the end; {self.most} are allowed",
                advice.RUN_ONCE,
            )
        for record in found:
            for name, value in fields.items():
                if not _equal(record.get(name), value):
                    told = f"{of}: {name} is {record.get(name)!r} in the end, not {value!r}"
                    yield told, advice.HANDLE


def _matching(records: list[dict[str, Any]], where: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        record
        for record in records
        if all(_equal(record.get(name), value) for name, value in where.items())
    ]


def _equal(found: object, wanted: object) -> bool:
    """Compare as a person reads a file: 80 is 80.0, and true is not 1."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _for(user: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.replace("{user}", user) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _written(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in values.items())
