"""Tools do not run on arguments that break their own schema."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["ToolBodyNotRunOnBadArguments"]


@settings
class ToolBodyNotRunOnBadArguments:
    """The body of a tool never sees arguments that its offered schema forbids."""

    example: ClassVar[str] = """
    [[promises]]
    check = "tool_body_not_run_on_bad_arguments"
    optional = true
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "no tool runs on bad arguments"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings: list[Finding] = []
        for turn in turns(journal):
            wrong = [ran for ran in turn.ran if ran.valid is False]
            called = sum(not call.valid for _, call in turn.tool_calls)
            judged += max(called, len(wrong))
            findings.extend(
                Finding(
                    message=f"{turn.name}: {ran.tool} ran with {ran.arguments[:200]}, "
                    "which its schema forbids",
                    at=ran.at,
                    user=turn.user,
                    turn=turn.turn,
                    advice=advice.VET,
                )
                for ran in wrong
            )
        return Judgement.of(judged, findings, nothing="the model made no bad tool call")
