"""A provider that is down is probed, not hammered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Exchange, exchanges, lasting
from chaoskit.journal import Journal
from chaoskit.settings import Duration, settings

__all__ = ["NoHammering"]


@settings
class NoHammering:
    """After a few failures in a row, a provider is asked only now and then until it answers again.

    Rate limits and refusals of a request as wrong are no sign of being down. Requests that were
    under way when the last of those few failures came back do not count.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "no_hammering"
    failures = 5
    max_requests = 6
    window = "1m"
    """

    outcome: ClassVar[bool] = False

    failures: Annotated[int, Field(ge=1)] = 10
    """How many failures in a row, over all users, show that a provider is down."""
    max_requests: Annotated[int, Field(ge=1)] = 10
    """The most requests to it afterwards within any `window`."""
    window: Duration = 60.0
    """The span over which requests are counted."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return (
            f"after {self.failures} failures in a row a provider gets no more than "
            f"{self.max_requests} requests in {lasting(self.window)}"
        )

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        found = exchanges(journal)
        judged = 0
        findings = []
        for provider in dict.fromkeys(one.request.provider for one in found):
            for spell in _spells([one for one in found if one.request.provider == provider]):
                judged += len(spell)
                worst = self._worst(spell)
                if len(worst) > self.max_requests:
                    findings.append(
                        Finding(
                            message=f"{len(worst)} requests to {provider} within "
                            f"{lasting(self.window)}, although it was down; "
                            f"{len(spell)} in all while it was",
                            at=worst[0].request.at,
                            user=worst[0].request.user,
                            turn=worst[0].request.turn,
                            call=worst[0].request.call,
                            cost_usd=sum(one.cost_usd for one in spell),
                            advice=advice.BREAK,
                        )
                    )
        return Judgement.of(judged, findings, nothing="no provider was down")

    def _worst(self, spell: list[Exchange]) -> list[Exchange]:
        """Return the largest number of requests within one window, once the outage was known."""
        if len(spell) <= self.failures:
            return []
        known = sorted(one.ended for one in spell)[self.failures - 1]
        after = [one for one in spell if one.request.at > known]
        worst: list[Exchange] = []
        first = 0
        for last, exchange in enumerate(after):
            while exchange.request.at - after[first].request.at >= self.window:
                first += 1
            if last - first + 1 > len(worst):
                worst = after[first : last + 1]
        return worst


def _spells(found: list[Exchange]) -> Iterator[list[Exchange]]:
    """Yield the failures between two answers of a provider, in the order of their requests."""
    successes = sorted(one.ended for one in found if one.complete)
    spells: dict[int, list[Exchange]] = {}
    for exchange in found:
        if exchange.down:
            before = bisect_right(successes, exchange.ended)
            spells.setdefault(before, []).append(exchange)
    yield from spells.values()
