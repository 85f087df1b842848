"""After an outage the provider is used again."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges, lasting, turns
from chaoskit.journal import Happened, Journal
from chaoskit.settings import Duration, settings

__all__ = ["TrafficResumes"]


@settings
class TrafficResumes:
    """Once its last failure is past, the provider answers calls again within a bounded time.

    Time counts from the end of the outage, where the scenario tells it, and from the last failure
    otherwise. When nobody asked anything for that long, nothing is known.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "traffic_resumes"
    within = "3m"
    provider = "anthropic"
    """

    outcome: ClassVar[bool] = False

    within: Duration = 300.0
    """How long it may take."""
    provider: str = ""
    """Which provider; the one that the run asked first when empty."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        whose = f"{self.provider}'s" if self.provider else "primary"
        return f"{whose} traffic resumes within {lasting(self.within)} of its recovery"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = [one for one in exchanges(journal) if one.request.operation == "generate"]
        provider = self.provider or (found[0].request.provider if found else "")
        mine = [one for one in found if one.request.provider == provider]
        failures = [one for one in mine if one.down]
        if not failures:
            return Judgement.of(
                0, [], nothing=f"{provider} was never down" if found else "no request was made"
            )
        ends = [event.at for event in journal.of(Happened) if event.what == "outage ended"]
        recovered = max(*ends, *(one.ended for one in failures), 0.0)
        asked = [turn.started.at for turn in turns(journal) if turn.started]
        later = [at for at in asked if at >= recovered]
        if not later:
            return Judgement.of(0, [], nothing=f"nobody asked after {provider} had recovered")
        deadline = max(recovered, min(later)) + self.within
        if any(one.complete and recovered <= one.request.at <= deadline for one in mine):
            return Judgement.of(len(later), [], nothing="")
        if not any(at >= deadline for at in later):
            return Judgement.of(
                0, [], nothing=f"the run ended within {lasting(self.within)} of the recovery"
            )
        elsewhere = [one for one in found if one.complete and one.request.at > recovered]
        finding = Finding(
            message=f"{provider} was asked for no answer in the {lasting(self.within)} after its "
            f"recovery; {len(elsewhere)} calls went elsewhere",
            at=deadline,
            cost_usd=sum(one.cost_usd for one in elsewhere),
            advice="let the CircuitBreaker probe again after its recovery_timeout, and have the "
            "FallbackRouter prefer the first provider once it is closed",
        )
        return Judgement.of(len(later), [finding], nothing="")
