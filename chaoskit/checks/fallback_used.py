"""A second provider helps out."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges, turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["FallbackUsed"]


@settings
class FallbackUsed:
    """While one provider fails, at least one turn is answered through another."""

    example: ClassVar[str] = """
    [[promises]]
    check = "fallback_used"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "another provider answers while one is down"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        down = [one for one in exchanges(journal) if one.down]
        broken = {one.request.provider for one in down}
        first = min((one.request.at for one in down), default=0.0)
        served = [
            exchange
            for turn in turns(journal)
            if turn.answered is not None and turn.answered.answer.strip()
            for exchange in turn.exchanges[-1:]
            if exchange.complete and exchange.request.at >= first
        ]
        primary = down[0].request.provider if down else ""
        helped = any(one.request.provider != primary for one in served)
        findings = []
        if down and not helped:
            findings.append(
                Finding(
                    message=f"{len(down)} calls to {', '.join(sorted(broken))} failed, and no turn "
                    "was answered through another provider",
                    at=first,
                    call=down[0].request.call,
                    advice=advice.FALL_BACK,
                )
            )
        return Judgement.of(len(down), findings, nothing="no provider was down")
