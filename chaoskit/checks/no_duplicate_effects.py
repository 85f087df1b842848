"""What was asked once happens once."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.journal import Changed, Journal
from chaoskit.settings import settings

__all__ = ["NoDuplicateEffects"]


@settings
class NoDuplicateEffects:
    """No user gets the same record twice: the same tool creates no two with the same content.

    The keys of the records do not count, nor does an argument by which the tool recognises
    repeated calls. Questions that ask for two of a kind want a promise on the end state instead.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "no_duplicate_effects"
    optional = true
    """

    outcome: ClassVar[bool] = True

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "what was asked once happens once"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        made: defaultdict[tuple[str, str, str, str], list[Changed]] = defaultdict(list)
        for event in journal.of(Changed):
            if event.action == "create":
                made[event.user, event.tool, event.collection, _content(event)].append(event)
        findings = [
            Finding(
                message=f"{event.user or 'somebody'}: {event.tool} created {event.key} in "
                f"{collection}, the same as {first.key} {event.at - first.at:g} s before",
                at=event.at,
                user=event.user,
                turn=event.turn,
                advice=advice.RUN_ONCE,
            )
            for (_, _, collection, _), (first, *more) in made.items()
            for event in more
        ]
        return Judgement.of(len(made), findings, nothing="no tool created anything")


def _content(event: Changed) -> str:
    record = json.loads(event.record)
    key = next((name for name, value in record.items() if str(value) == event.key), None)
    record.pop(key, None)
    return json.dumps(record, sort_keys=True)
