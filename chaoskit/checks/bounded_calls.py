"""No turn, user or run makes more than so many requests."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Per, exchanges, gathered
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["BoundedCalls"]


@settings
class BoundedCalls:
    """The number of requests for an answer of the model stays within a bound, retries included."""

    example: ClassVar[str] = """
    [[promises]]
    check = "bounded_calls"
    max_calls = 12
    per = "turn"
    """

    outcome: ClassVar[bool] = False

    max_calls: Annotated[int, Field(ge=1)] = 25
    """The most requests."""
    per: Per = "turn"
    """What the requests are counted over."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"no {self.per} takes more than {self.max_calls} model calls"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        generating = [one for one in exchanges(journal) if one.request.operation == "generate"]
        groups = gathered(generating, self.per)
        findings = [
            Finding(
                message=f"{len(found)} model calls in a {self.per}; {self.max_calls} are allowed",
                at=found[self.max_calls].request.at,
                user=user,
                turn=turn,
                call=found[self.max_calls].request.call,
                cost_usd=sum(one.cost_usd for one in found),
                advice=advice.STOP,
            )
            for (user, turn), found in groups.items()
            if len(found) > self.max_calls
        ]
        return Judgement.of(len(groups), findings, nothing="the model was never asked")
