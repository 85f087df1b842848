"""A call whose outcome is unknown is not made again blindly."""

from __future__ import annotations

import json
from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.journal import Journal, RanTool
from chaoskit.settings import settings

__all__ = ["LooksBeforeRepeating"]


@settings
class LooksBeforeRepeating:
    """After the answer to a tool call got lost, the same call is not simply made again.

    Fine are: calling another tool in between, which may look; a call that the tool recognises as a
    repetition by its idempotency key; and leaving it at that.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "looks_before_repeating"
    optional = true
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "no call whose outcome is unknown is repeated blindly"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        unknown: dict[tuple[str, str, str], RanTool] = {}
        judged, findings = 0, []
        for event in journal.of(RanTool):
            key = (event.user, event.tool, _canonical(event.arguments))
            if (lost := unknown.pop(key, None)) is not None and not event.recognised:
                findings.append(
                    Finding(
                        message=f"{event.user or 'somebody'}: {event.tool} was called again "
                        f"{event.at - lost.at:g} s after its answer got lost; whether the first "
                        "call had done its work was not looked up",
                        at=event.at,
                        user=event.user,
                        turn=event.turn,
                        advice=advice.RUN_ONCE,
                    )
                )
            unknown = {
                one: run
                for one, run in unknown.items()
                if one[0] != event.user or one[1] == event.tool
            }
            if event.outcome == "lost":
                judged += 1
                unknown[key] = event
        return Judgement.of(judged, findings, nothing="no answer of a tool got lost")


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments
