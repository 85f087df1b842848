"""The provider refuses the same oversized request once at most."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Earlier, exchanges
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["NoOversizedRequestTwice"]


@settings
class NoOversizedRequestTwice:
    """A request that did not fit the window is made smaller before it is sent again.

    Requests that fit were measured too: an agent that trims in time keeps this promise.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "no_oversized_request_twice"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "no oversized request is sent twice"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = [one for one in exchanges(journal) if one.refusal or one.reply]
        refused = Earlier()
        findings = []
        for exchange in found:
            request, refusal = exchange.request, exchange.refusal
            if refusal is None or refusal.kind not in ("context_overflow", "too_large"):
                continue
            before = next(refused.repeated_by(request), None)
            if before is not None:
                findings.append(
                    Finding(
                        message=f"call {request.call} with {request.prompt_tokens} tokens was too "
                        f"large, as call {before.request.call} with "
                        f"{before.request.prompt_tokens} had been",
                        at=request.at,
                        user=request.user,
                        turn=request.turn,
                        call=request.call,
                        advice=advice.FIT,
                    )
                )
            refused.add(exchange)
        return Judgement.of(len(found), findings, nothing="no request was answered or refused")
