"""The bill of the run stays within what was planned."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges
from chaoskit.journal import Journal
from chaoskit.settings import Duration, Usd, settings

__all__ = ["BillWithin"]


@settings
class BillWithin:
    """All that the run is charged, warm-up included, adds up to no more than a sum."""

    example: ClassVar[str] = """
    [[promises]]
    check = "bill_within"
    max_usd = 2.5
    after = "10m"
    """

    outcome: ClassVar[bool] = False

    max_usd: Usd
    """The highest bill."""
    after: Duration = 0.0
    """Calls before this time are not counted."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"the bill is no more than ${self.max_usd:g}"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = [one for one in exchanges(journal) if one.reply and one.request.at >= self.after]
        bill = sum(one.cost_usd for one in found)
        findings = []
        if bill > self.max_usd:
            cold = sum(one.reply is not None and not one.reply.cache_read_tokens for one in found)
            findings.append(
                Finding(
                    message=f"{len(found)} calls cost ${bill:.4f}, more than ${self.max_usd:g}; "
                    f"{cold} of them read nothing from the prompt cache",
                    at=found[-1].request.at,
                    call=found[-1].request.call,
                    cost_usd=bill,
                    advice=f"{advice.WARM}; {advice.MEASURE_CACHE}",
                )
            )
        return Judgement.of(len(found), findings, nothing="the model never answered")
