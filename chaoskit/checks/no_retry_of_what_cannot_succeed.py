"""What was refused for good is not sent again."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Earlier, Exchange, exchanges
from chaoskit.journal import Journal, Refused
from chaoskit.settings import settings

__all__ = ["NoRetryOfWhatCannotSucceed"]

_FOR_GOOD = frozenset({400, 401, 402, 403, 404, 413, 422})
_KINDS = frozenset({"billing", "quota_exhausted", "context_overflow"})


@settings
class NoRetryOfWhatCannotSucceed:
    """A request refused as wrong, forbidden or too large is not repeated unmended."""

    example: ClassVar[str] = """
    [[promises]]
    check = "no_retry_of_what_cannot_succeed"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "what was refused for good is not sent again"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        hopeless = Earlier()
        for exchange in exchanges(journal):
            request, refusal = exchange.request, exchange.refusal
            for before in hopeless.repeated_by(request):
                if before.ended <= request.at and before.refusal is not None:
                    findings.append(_finding(exchange, before, before.refusal))
                    break
            if refusal and (refusal.status in _FOR_GOOD or refusal.kind in _KINDS):
                judged += 1
                hopeless.add(exchange)
        return Judgement.of(judged, findings, nothing="nothing was refused for good")


def _finding(exchange: Exchange, before: Exchange, why: Refused) -> Finding:
    request = exchange.request
    return Finding(
        message=f"call {request.call} repeats call {before.request.call}, which was refused with "
        f"{why.status} {why.kind}: {why.message}",
        at=request.at,
        user=request.user,
        turn=request.turn,
        call=request.call,
        cost_usd=exchange.cost_usd,
        advice=_advice(why),
    )


def _advice(refusal: Refused) -> str:
    if refusal.kind in ("context_overflow", "too_large"):
        return advice.FIT
    return "retry only what may pass: keep 4xx other than 408, 409, 429 out of RetryConfig's codes"
