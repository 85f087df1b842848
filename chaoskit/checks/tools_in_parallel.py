"""Tool calls that do not need each other are made at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, turns
from chaoskit.journal import Journal, RanTool
from chaoskit.settings import Share, settings

__all__ = ["ToolsInParallel"]

_TOLERANCE = 1e-6


@settings
class ToolsInParallel:
    """The tools that one answer of the model calls side by side run side by side.

    Calls that take no time say nothing.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "tools_in_parallel"
    slack = 0.25
    optional = true
    """

    outcome: ClassVar[bool] = False

    slack: Share = 0.5
    """How much of the time that could be saved may be lost: 0 for none, 1 for one after another."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "tools that the model calls together run at the same time"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged, findings = 0, []
        for turn in turns(journal):
            for runs in _together(turn):
                times = [run.seconds for run in runs]
                longest, whole = max(times), sum(times)
                if whole - longest <= _TOLERANCE:
                    continue
                judged += 1
                took = max(run.at for run in runs) - min(run.at - run.seconds for run in runs)
                if took > longest + self.slack * (whole - longest) + _TOLERANCE:
                    findings.append(
                        Finding(
                            message=f"{turn.name}: {len(runs)} tools that the model called "
                            f"together took {took:.3g} s; side by side {longest:.3g} s do",
                            at=runs[-1].at,
                            user=turn.user,
                            turn=turn.turn,
                            advice=advice.PARALLEL,
                        )
                    )
        return Judgement.of(judged, findings, nothing="no answer called several slow tools")


def _together(turn: Turn) -> Iterator[list[RanTool]]:
    """Yield the runs that belong to one answer with several calls."""
    for number, exchange in enumerate(turn.exchanges):
        asked = exchange.reply.tool_calls if exchange.complete and exchange.reply else ()
        if len(asked) < 2:
            continue
        later = turn.exchanges[number + 1 :]
        until = later[0].request.at if later else float("inf")
        runs = [run for run in turn.ran if exchange.request.at <= run.at <= until]
        if len(runs) > 1:
            yield runs
