"""Trouble does not multiply requests."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import chains, exchanges, lasting
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["BoundedAmplification"]


@settings
class BoundedAmplification:
    """Each step of the agent costs a bounded number of HTTP attempts.

    Attempts are grouped by the shape of the conversation: a storm whose body changes from one
    attempt to the next is still one storm.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "bounded_amplification"
    max_attempts = 4
    max_ratio = 1.5
    """

    outcome: ClassVar[bool] = False

    max_attempts: Annotated[int, Field(ge=1)] = 6
    """The most attempts at one step."""
    max_ratio: Annotated[float, Field(ge=1)] | None = None
    """The most attempts per step over the whole run; no limit when absent."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"no step takes more than {self.max_attempts} HTTP attempts" + (
            "" if self.max_ratio is None else f", and {self.max_ratio:g} on average"
        )

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = chains(exchanges(journal))
        findings = []
        for chain in found:
            if len(chain) <= self.max_attempts:
                continue
            first, last = chain[0].request, chain[-1].request
            nonce = "" if len({one.request.digest for one in chain}) == 1 else ", the body changing"
            findings.append(
                Finding(
                    message=f"{len(chain)} attempts at one step within "
                    f"{lasting(last.at - first.at)}{nonce}; {self.max_attempts} are allowed",
                    at=first.at,
                    user=first.user,
                    turn=first.turn,
                    call=last.call,
                    cost_usd=sum(one.cost_usd for one in chain),
                    advice=advice.ASK_LESS,
                )
            )
        attempts = sum(len(chain) for chain in found)
        if self.max_ratio is not None and attempts > self.max_ratio * len(found):
            findings.append(
                Finding(
                    message=f"{attempts} attempts at {len(found)} steps; on average "
                    f"{self.max_ratio:g} are allowed",
                    at=found[-1][-1].request.at,
                    advice=advice.ASK_LESS,
                )
            )
        return Judgement.of(len(found), findings, nothing="no request was made")
