"""No turn ends in an exception."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["NoCrash"]


@settings
class NoCrash:
    """The agent never raises out of a turn, and never has to be stopped."""

    example: ClassVar[str] = """
    [[promises]]
    check = "no_crash"
    """

    outcome: ClassVar[bool] = True

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "no turn ends in an exception"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        for turn in turns(journal):
            judged += turn.answered is not None or turn.failed is not None
            failed = turn.failed
            if failed is None:
                continue
            how = "was stopped by" if failed.stopped else "raised"
            place = f" at {failed.where}" if failed.where else ""
            findings.append(
                Finding(
                    message=f"{turn.name}: the agent {how} {failed.error}{place}: {failed.message}",
                    at=failed.at,
                    user=turn.user,
                    turn=turn.turn,
                    call=turn.exchanges[-1].request.call if turn.exchanges else 0,
                    cost_usd=turn.cost_usd,
                    advice=advice.for_turn(turn),
                )
            )
        return Judgement.of(judged, findings, nothing="no turn came to an end")
