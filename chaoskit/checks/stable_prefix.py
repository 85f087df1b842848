"""All users share one cacheable prefix."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges
from chaoskit.journal import Journal, Requested
from chaoskit.settings import Share, settings

__all__ = ["StablePrefix"]


@settings
class StablePrefix:
    """Tools and system prompt do not change from user to user, or from turn to turn.

    An agent may have several prefixes, one for each kind of call, as long as its users share them.
    With one user only, turns are compared instead.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "stable_prefix"
    share = 0.1
    """

    outcome: ClassVar[bool] = False

    share: Share = 0.2
    """The largest part of users that may have a prefix of their own."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "tools and system prompt are the same for all users"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        requests = [
            one.request
            for one in exchanges(journal)
            if one.request.user and one.request.operation == "generate"
        ]
        users = {request.user for request in requests}
        what = "users" if len(users) > 1 else "turns"
        sharers: dict[tuple[str, str, str], dict[str, Requested]] = {}
        askers: dict[tuple[str, str], dict[str, None]] = {}
        for request in requests:
            one = request.user if len(users) > 1 else f"{request.user}, turn {request.turn}"
            service = (request.provider, request.model)
            sharers.setdefault((*service, request.prefix), {}).setdefault(one, request)
            askers.setdefault(service, {})[one] = None
        compared = {service: known for service, known in askers.items() if len(known) > 1}
        findings = []
        for service, known in compared.items():
            lonely: dict[str, Requested] = {}
            for (*where, _), by in sharers.items():
                if tuple(where) == service and len(by) == 1:
                    lonely.update(by)
            if len(lonely) > max(1.0, self.share * len(known)):
                first = min(lonely.values(), key=lambda request: request.call)
                findings.append(
                    Finding(
                        message=f"{len(lonely)} of {len(known)} {what} sent {service[1]} a prefix "
                        "that no other had",
                        at=first.at,
                        user=first.user,
                        turn=first.turn,
                        call=first.call,
                        advice=advice.MEASURE_CACHE,
                    )
                )
        judged = sum(len(known) for known in compared.values())
        return Judgement.of(
            judged, findings, nothing="there were no two users or turns whose calls to compare"
        )
