"""No user pays for a cold cache."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Exchange, exchanges
from chaoskit.journal import Happened, Journal, Replied, Requested, TurnStarted
from chaoskit.settings import settings

__all__ = ["WarmedBeforeTraffic"]

_COLD_AFTER = ("deploy", "startup")


@settings
class WarmedBeforeTraffic:
    """In turns that begin after a start-up or a deploy, users' calls find the prompt cache warm.

    Turns that were under way when it happened are not judged.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "warmed_before_traffic"
    max_cold = 1
    """

    outcome: ClassVar[bool] = False

    max_cold: Annotated[int, Field(ge=0)] = 0
    """How many users' calls may find it cold each time."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        few = f"at most {self.max_cold}" if self.max_cold else "no"
        return f"{few} user calls find a cold cache after a deploy"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        traffic = _since_each(journal)
        findings = []
        for mark, found in traffic:
            cold = [one for one, reply in found if not reply.cache_read_tokens]
            if len(cold) > self.max_cold:
                first = cold[0].request
                findings.append(
                    Finding(
                        message=f"{len(cold)} of {len(found)} user calls after the {mark.what} "
                        f"found the cache cold; the first was call {first.call}",
                        at=first.at,
                        user=first.user,
                        turn=first.turn,
                        call=first.call,
                        cost_usd=sum(one.cost_usd for one in cold),
                        advice=advice.WARM,
                    )
                )
        judged = sum(len(found) for _, found in traffic)
        return Judgement.of(
            judged, findings, nothing="no user's call was answered after a deploy or a start-up"
        )


def _since_each(journal: Journal) -> list[tuple[Happened, list[tuple[Exchange, Replied]]]]:
    """Return each start-up and deploy with the answered calls of turns that began after it."""
    calls = {one.request.call: one for one in exchanges(journal)}
    since: list[tuple[Happened, list[tuple[Exchange, Replied]]]] = []
    began: dict[tuple[str, int], int] = {}
    for event in journal:
        match event:
            case Happened() if event.what in _COLD_AFTER:
                since.append((event, []))
            case TurnStarted():
                began[event.user, event.turn] = len(since)
            case Requested() if since and began.get((event.user, event.turn)) == len(since):
                exchange = calls[event.call]
                if exchange.answer is not None:
                    since[-1][1].append((exchange, exchange.answer))
            case _:
                pass
    return since
