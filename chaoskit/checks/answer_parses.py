"""An answer that a program reads can be read by it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.arguments import violations
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import turns
from chaoskit.journal import Journal
from chaoskit.schema.short import check_short, expanded
from chaoskit.settings import settings

__all__ = ["AnswerParses"]


@settings
class AnswerParses:
    """Every answer is JSON, and of the promised structure, without anything around it."""

    example: ClassVar[str] = """
    [[promises]]
    check = "answer_parses"
    structure = { summary = "string", severity = "integer?" }
    optional = true
    """

    outcome: ClassVar[bool] = True

    structure: dict[str, Any] = Field(default_factory=dict)
    """What an answer contains, written like the `input` of a tool; any JSON unless set."""

    def __post_init__(self) -> None:
        check_short(self.structure, "parts of the answer")

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "every answer is JSON" + (" of the promised structure" if self.structure else "")

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged, findings = 0, []
        for turn in turns(journal):
            if turn.answered is None:
                continue
            judged += 1
            if wrong := self._wrong(turn.answered.answer):
                findings.append(
                    Finding(
                        message=f"{turn.name}: {wrong}: {turn.answered.answer[:120]!r}",
                        at=turn.ended,
                        user=turn.user,
                        turn=turn.turn,
                        cost_usd=turn.cost_usd,
                        advice=advice.PARSE,
                    )
                )
        return Judgement.of(judged, findings, nothing="no user was answered")

    def _wrong(self, answer: str) -> str:
        try:
            value = json.loads(answer, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            return f"the answer is not JSON ({error})"
        wrong = violations(expanded(self.structure), value) if self.structure else ()
        return f"the answer has another structure ({'; '.join(wrong)})" if wrong else ""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
