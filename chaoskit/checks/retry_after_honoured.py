"""Who is told to wait waits."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Exchange, exchanges, lasting
from chaoskit.journal import Journal, Refused
from chaoskit.settings import Duration, settings

__all__ = ["RetryAfterHonoured"]


@settings
class RetryAfterHonoured:
    """After a Retry-After, the user's next attempt at that provider and model comes no sooner.

    Another provider or another model may be asked at once. Waiting cannot be short of what was
    asked for by more than `tolerance`.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "retry_after_honoured"
    tolerance = "50ms"
    """

    outcome: ClassVar[bool] = False

    tolerance: Duration = 0.01
    """How much too early is still on time."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "Retry-After is honoured"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        told: dict[tuple[str, str, str, str], list[Refused]] = {}
        for exchange in exchanges(journal):
            request, refusal = exchange.request, exchange.refusal
            place = (request.user, request.provider, request.model, request.operation)
            known = told.setdefault(place, [])
            heard = [one for one in known if one.at <= request.at]
            if heard:
                strictest = max(heard, key=_due)
                known[:] = [strictest, *(one for one in known if one.at > request.at)]
                if request.at < _due(strictest) - self.tolerance:
                    findings.append(_finding(exchange, strictest))
            if refusal is not None and refusal.retry_after is not None:
                judged += 1
                known.append(refusal)
        return Judgement.of(judged, findings, nothing="no refusal carried Retry-After")


def _due(refusal: Refused) -> float:
    return refusal.at + (refusal.retry_after or 0.0)


def _finding(exchange: Exchange, told: Refused) -> Finding:
    request = exchange.request
    return Finding(
        message=f"call {request.call} came {lasting(request.at - told.at)} after call {told.call} "
        f"had been told to wait {lasting(told.retry_after or 0.0)}",
        at=request.at,
        user=request.user,
        turn=request.turn,
        call=request.call,
        cost_usd=exchange.cost_usd,
        advice=advice.RETRY,
    )
