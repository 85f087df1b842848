"""A tool that failed is an error to the model, not a result."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, turns
from chaoskit.journal import GotResult, Journal, RanTool
from chaoskit.saying import says_error
from chaoskit.settings import settings

__all__ = ["ToolFailuresReported"]


@settings
class ToolFailuresReported:
    """Where a tool failed, the model is given an error in the place of its result.

    A failure that the agent made good by itself, so that the tool ran with success before the model
    was asked again, needs no telling. An agent that breaks off is the business of other promises.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "tool_failures_reported"
    optional = true
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "the model is told when a tool failed"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged, findings = 0, []
        for turn in turns(journal):
            for run in turn.ran:
                given = _given(turn, run) if run.outcome != "result" else None
                if given is None:
                    continue
                judged += 1
                if not any(map(says_error, given)):
                    findings.append(
                        Finding(
                            message=f"{turn.name}: {run.tool} failed ({run.outcome}: "
                            f"{run.result[:120]}), and the model was given {given[0].text[:120]!r}",
                            at=run.at,
                            user=turn.user,
                            turn=turn.turn,
                            advice=advice.VET,
                        )
                    )
        return Judgement.of(judged, findings, nothing="no tool failed")


def _given(turn: Turn, failed: RanTool) -> list[GotResult] | None:
    """Return what the model was given of the tool next; None for nothing, or after a success."""
    for exchange in turn.exchanges:
        request = exchange.request
        results = [result for result in request.results if result.tool == failed.tool]
        if request.at < failed.at or not results:
            continue
        later = (run for run in turn.ran if failed.at <= run.at <= request.at and run is not failed)
        if any(run.tool == failed.tool and run.outcome == "result" for run in later):
            return None
        return results
    return None
