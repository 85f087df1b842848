"""Users who were refused together do not come back together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges, lasting
from chaoskit.journal import Journal
from chaoskit.settings import Duration, Share, settings

__all__ = ["NoSynchronisedRetries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retry:
    refused: float
    at: float
    user: str
    provider: str
    turn: int
    call: int


@settings
class NoSynchronisedRetries:
    """Of the users who are waiting at the same time, no large part retries within one moment.

    A bunch is compared with everyone whose wait overlapped with that of its members. Retries that
    are as far apart as the Retry-After values were, or as the refusals were, make no bunch.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "no_synchronised_retries"
    window = "250ms"
    share = 0.5
    users = 8
    """

    outcome: ClassVar[bool] = False

    window: Duration = 0.1
    """How long a moment is."""
    share: Share = 0.6
    """The largest part of the waiting users that may retry within a moment."""
    users: Annotated[int, Field(ge=2)] = 5
    """The smallest number of users that is a bunch at all."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return (
            f"of the users who wait to retry, no more than {self.share:.0%} "
            f"come back within {lasting(self.window)}"
        )

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        by_provider: dict[str, list[_Retry]] = {}
        for retry in _retries(journal):
            by_provider.setdefault(retry.provider, []).append(retry)
        for provider, found in by_provider.items():
            found.sort(key=lambda one: one.at)
            if _most_waiting(found) >= self.users:
                judged += len(found)
            times = [one.at for one in found]
            longest = max(one.at - one.refused for one in found)
            start = 0
            while start < len(found):
                end = bisect_right(times, times[start] + self.window + 1e-9)
                bunch = found[start:end]
                users = len({one.user for one in bunch})
                together = _waiting(found, times, bunch, longest) if users >= self.users else users
                if users >= self.users and users > self.share * together:
                    findings.append(self._finding(provider, bunch, users, together))
                    start = end
                else:
                    start += 1
        return Judgement.of(
            judged,
            findings,
            nothing=f"never did {self.users} users wait to retry at the same time",
        )

    def _finding(self, provider: str, bunch: list[_Retry], users: int, together: int) -> Finding:
        return Finding(
            message=f"{users} of {together} users who waited for {provider} retried within "
            f"{lasting(bunch[-1].at - bunch[0].at)} of each other",
            at=bunch[0].at,
            user=bunch[0].user,
            turn=bunch[0].turn,
            call=bunch[0].call,
            advice=advice.RETRY,
        )


def _retries(journal: Journal) -> list[_Retry]:
    """Return, for each failed attempt, the same turn's next request to the same provider."""
    made = []
    failures: dict[tuple[str, int, str], float] = {}
    for exchange in exchanges(journal):
        request, refusal = exchange.request, exchange.refusal
        key = (request.user, request.turn, request.provider)
        refused = failures.get(key)
        if refused is not None and refused <= request.at and request.user:
            del failures[key]
            made.append(
                _Retry(
                    refused=refused,
                    at=request.at,
                    user=request.user,
                    provider=request.provider,
                    turn=request.turn,
                    call=request.call,
                )
            )
        if exchange.down or (refusal is not None and refusal.status == 429):
            failures[key] = exchange.ended
    return made


def _waiting(found: list[_Retry], times: list[float], bunch: list[_Retry], longest: float) -> int:
    """Return how many users waited at a time at which all of a bunch did.

    Whoever comes back later than the longest wait from now has not been refused yet.
    """
    since, until = max(one.refused for one in bunch), bunch[0].at
    first, last = bisect_left(times, since), bisect_right(times, until + longest + 1e-9)
    return len({one.user for one in found[first:last] if one.refused <= until})


def _most_waiting(found: list[_Retry]) -> int:
    """Return the largest number of users who ever waited at the same time."""
    edges = sorted(
        edge for one in found for edge in ((one.refused, 0, one.user), (one.at, 1, one.user))
    )
    waits: Counter[str] = Counter()
    most = 0
    for _, is_end, user in edges:
        waits[user] += -1 if is_end else 1
        if not waits[user]:
            del waits[user]
        most = max(most, len(waits))
    return most
