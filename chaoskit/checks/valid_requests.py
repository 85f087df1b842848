"""The provider finds nothing wrong with any request."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["ValidRequests"]


@settings
class ValidRequests:
    """No request is refused as invalid by the provider's own rules; injected refusals do not count.

    A prompt that is merely too long is valid; other promises look at that.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "valid_requests"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "every request is valid"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = [one for one in exchanges(journal) if one.refusal or one.reply]
        findings = [
            Finding(
                message=f"call {exchange.request.call} was invalid: {refusal.message}",
                at=exchange.request.at,
                user=exchange.request.user,
                turn=exchange.request.turn,
                call=exchange.request.call,
                advice=advice.TRIM,
            )
            for exchange in found
            if (refusal := exchange.refusal)
            and not refusal.injected
            and refusal.kind == "invalid_request"
        ]
        return Judgement.of(len(found), findings, nothing="no request was answered or refused")
