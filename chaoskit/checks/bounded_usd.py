"""No turn, user or run costs more than so much."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Per, exchanges, gathered
from chaoskit.journal import Journal
from chaoskit.settings import Usd, settings

__all__ = ["BoundedUsd"]


@settings
class BoundedUsd:
    """What the provider would charge stays within a bound."""

    example: ClassVar[str] = """
    [[promises]]
    check = "bounded_usd"
    max_usd = 0.5
    per = "turn"
    """

    outcome: ClassVar[bool] = False

    max_usd: Usd = 1.5
    """The highest cost."""
    per: Per = "turn"
    """What the cost is counted over."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"no {self.per} costs more than ${self.max_usd:g}"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        groups = gathered((one for one in exchanges(journal) if one.reply), self.per)
        findings = [
            Finding(
                message=f"a {self.per} cost ${cost:.4f} in {len(found)} calls; "
                f"${self.max_usd:g} is allowed",
                at=found[-1].request.at,
                user=user,
                turn=turn,
                call=found[-1].request.call,
                cost_usd=cost,
                advice=advice.STOP,
            )
            for (user, turn), found in groups.items()
            if (cost := sum(one.cost_usd for one in found)) > self.max_usd
        ]
        return Judgement.of(len(groups), findings, nothing="the model never answered")
