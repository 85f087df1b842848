"""Rate limits as continuous token buckets, with promises to those who are refused.

Whoever is refused is told when to come back, and a place is kept for that time: the told wait is
true for each of twenty callers refused in the same second. Whoever comes back earlier is refused
again with the rest of the wait. Whoever does not come back loses the place after a grace.

Nothing is ever admitted beyond the buckets: in any window of `w` seconds at most
`limit + limit / 60 * w` is admitted, kept places included. Only what is settled after an answer
(output tokens) can take a bucket below zero; a kept place is honoured even then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TypeAlias

from chaoskit.dialect import LimitState
from chaoskit.exchange import Refusal
from chaoskit.quick import maker

__all__ = ["Account", "RateLimits", "Refused", "exhausted"]

Account: TypeAlias = tuple[str, str, str]
"""Provider, key and class of models: what one set of buckets is for."""

GRACE = 15.0
"""Seconds after which a place that nobody claims is given up."""

_LATENESS = 1.0  # seconds that a claim may come late without harm to the places after it
_EARLY = 1e-6  # seconds: clocks are floats
_DROP = 1e-6  # tokens: levels are floats
_new_limit_state = maker(LimitState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a request was not admitted.

    Attributes:
        limit: name of the limit that binds longest.
        value: the limit, a minute.
        used: what of it is taken, kept places included.
        requested: what the request would take.
        retry_after: whole seconds to wait; None when the request can never pass.
        early: the caller came back before its time.
        waited: seconds since the caller was told to wait, 0 at the first refusal.
    """

    limit: str
    value: int
    used: int
    requested: int
    retry_after: int | None
    early: bool = False
    waited: float = 0.0


@dataclass(slots=True)
class _Place:
    """A kept place. `costs` is by bucket, `due` the time from which it can be claimed."""

    costs: tuple[int, ...]
    due: float
    told: float
    bucket: int


@dataclass(slots=True)
class _Buckets:
    names: tuple[str, ...]
    limits: tuple[int, ...]
    levels: list[float]
    at: float
    places: dict[str, _Place] = field(default_factory=dict)

    def refill(self, now: float) -> None:
        """Bring the levels to now and give up the places that nobody claimed in time."""
        if now > self.at:
            _flow(self.levels, self.limits, now - self.at)
            self.at = now
        if self.places:
            gone = [who for who, place in self.places.items() if now > place.due + GRACE]
            for who in gone:
                del self.places[who]

    def fits(self, costs: Sequence[int]) -> bool:
        for level, cost in zip(self.levels, costs, strict=True):
            if cost and level + _DROP < cost:
                return False
        return True

    def charge(self, costs: Sequence[int]) -> None:
        for at, cost in enumerate(costs):
            self.levels[at] -= cost

    def take(self, costs: Sequence[int]) -> bool:
        """Charge the costs if they fit; where nothing is charged, something must be there."""
        levels = self.levels
        for level, cost in zip(levels, costs, strict=True):
            if level + _DROP < (cost or 1):
                return False
        for at, cost in enumerate(costs):
            levels[at] -= cost
        return True

    def leaves_room(self, costs: Sequence[int], places: Iterable[_Place]) -> bool:
        """Tell whether, after these costs, each of the places can still be claimed in time."""
        levels = [level - cost for level, cost in zip(self.levels, costs, strict=True)]
        time = self.at
        for place in places:
            if place.due > time:
                _flow(levels, self.limits, place.due - time)
                time = place.due
            for at, cost in enumerate(place.costs):
                if cost and levels[at] + _DROP < cost:
                    return False
                levels[at] -= cost
        return True

    def earliest(self, needs: Sequence[int]) -> tuple[float, int]:
        """Return the first time, after all kept places, for these needs, and the slowest bucket."""
        levels, time = list(self.levels), self.at
        for place in self.places.values():
            pause = max(place.due - time, *self._waits(levels, place.costs), 0.0)
            _flow(levels, self.limits, pause)
            time += pause
            for at, cost in enumerate(place.costs):
                if cost:  # what a full bucket may lose while the claim is on its way
                    full = self.limits[at] - self.limits[at] / 60 * _LATENESS
                    levels[at] = min(levels[at], full) - cost
        waits = self._waits(levels, needs)
        slowest = max(range(len(waits)), key=waits.__getitem__)
        return time + max(waits[slowest], 0.0), slowest

    def _waits(self, levels: Sequence[float], costs: Sequence[int]) -> list[float]:
        return [
            (cost - level) * 60 / limit if cost else 0.0
            for cost, level, limit in zip(costs, levels, self.limits, strict=True)
        ]

    def free(self, at: int) -> float:
        """Return what of a bucket is neither used nor kept for anyone."""
        free = self.levels[at]
        for place in self.places.values():
            free -= place.costs[at]
        return free


class RateLimits:
    """The buckets of every account, and the places that are kept in them."""

    def __init__(self) -> None:
        self._accounts: dict[Account, _Buckets] = {}

    def admit(
        self,
        account: Account,
        limits: tuple[tuple[str, int], ...],
        costs: tuple[int, ...],
        *,
        caller: str,
        now: float,
    ) -> Refused | None:
        """Charge the costs, one for each limit, or say why not and keep a place for the caller.

        A cost of 0 is charged nothing and asks for a bucket that is not exhausted, unless the
        caller has a place.
        """
        buckets = self._buckets(account, limits, now)
        buckets.refill(now)
        if not buckets.places:
            return None if buckets.take(costs) else _keep_place(buckets, caller, costs, now)
        place = buckets.places.get(caller)
        if place is not None:
            if now < place.due - _EARLY:
                return _refusal(buckets, place, costs, now=now, early=True)
            later = [other for other in buckets.places.values() if other.due > now]
            if buckets.fits(costs) and buckets.leaves_room(costs, later):
                del buckets.places[caller]
                buckets.charge(costs)
                return None
        elif buckets.fits(_needs(costs)) and buckets.leaves_room(costs, buckets.places.values()):
            buckets.charge(costs)
            return None
        return _keep_place(buckets, caller, costs, now)

    def take(
        self,
        account: Account,
        limits: tuple[tuple[str, int], ...],
        costs: tuple[int, ...],
        *,
        now: float,
    ) -> bool:
        """Charge the costs if there is room for them, and tell so; nothing is kept for anyone."""
        buckets = self._buckets(account, limits, now)
        buckets.refill(now)
        return buckets.take(costs)

    def charge(self, account: Account, name: str, cost: int, *, now: float) -> None:
        """Charge what is known only after the answer; the bucket may fall below zero."""
        buckets = self._accounts.get(account)
        if buckets is not None and name in buckets.names:
            buckets.refill(now)
            buckets.levels[buckets.names.index(name)] -= cost

    def states(
        self, account: Account, now: float, limits: tuple[tuple[str, int], ...] = ()
    ) -> tuple[LimitState, ...]:
        """Return the limits of an account as headers report them.

        Args:
            limits: what an account has that was never seen; without them nothing is known of it.
        """
        buckets = self._buckets(account, limits, now) if limits else self._accounts.get(account)
        if buckets is None:
            return ()
        buckets.refill(now)
        kept = buckets.places
        return tuple(
            [  # a list is faster, and this is done for every answer
                _new_limit_state(
                    name=name,
                    limit=limit,
                    remaining=max(0, int((buckets.free(at) if kept else level) + _DROP)),
                    reset=(limit - level) * 60 / limit,
                )
                for at, (name, limit, level) in enumerate(
                    zip(buckets.names, buckets.limits, buckets.levels, strict=True)
                )
            ]
        )

    def _buckets(
        self, account: Account, limits: tuple[tuple[str, int], ...], now: float
    ) -> _Buckets:
        buckets = self._accounts.get(account)
        if buckets is None:
            values = tuple(value for _, value in limits)
            buckets = self._accounts[account] = _Buckets(
                names=tuple(name for name, _ in limits),
                limits=values,
                levels=[float(value) for value in values],
                at=now,
            )
        return buckets


def exhausted(states: tuple[LimitState, ...], refusal: Refusal) -> tuple[LimitState, ...]:
    """Return the limits with nothing left of the one that a refusal names, until its wait is over.

    Where there is no such limit on tokens, it is the first one on tokens.
    """
    named, names = refusal.limit, [state.name for state in states]
    if named.endswith("tokens") and named not in names:
        named = next((name for name in names if name.endswith("tokens")), named)
    return tuple(
        replace(state, remaining=0, reset=max(state.reset, refusal.retry_after or 0.0))
        if state.name == named
        else state
        for state in states
    )


def _keep_place(buckets: _Buckets, caller: str, costs: tuple[int, ...], now: float) -> Refused:
    before = buckets.places.pop(caller, None)
    for at, (cost, limit) in enumerate(zip(costs, buckets.limits, strict=True)):
        if cost > limit:
            return _described(buckets, at, cost, retry_after=None)
    time, slowest = buckets.earliest(_needs(costs))
    wait = max(1, ceil(time - now - _EARLY))
    place = _Place(costs=costs, due=now + wait, told=now, bucket=slowest)
    told = before.told if before is not None else now
    refusal = _refusal(buckets, place, costs, now=now, waited=now - told)
    buckets.places[caller] = place
    return refusal


def _refusal(
    buckets: _Buckets,
    place: _Place,
    costs: tuple[int, ...],
    *,
    now: float,
    early: bool = False,
    waited: float | None = None,
) -> Refused:
    return _described(
        buckets,
        place.bucket,
        costs[place.bucket],
        retry_after=max(1, ceil(place.due - now - _EARLY)),
        early=early,
        waited=now - place.told if waited is None else waited,
    )


def _described(
    buckets: _Buckets,
    at: int,
    cost: int,
    *,
    retry_after: int | None,
    early: bool = False,
    waited: float = 0.0,
) -> Refused:
    limit = buckets.limits[at]
    return Refused(
        limit=buckets.names[at],
        value=limit,
        used=min(limit, max(0, limit - int(buckets.free(at)))),
        requested=cost,
        retry_after=retry_after,
        early=early,
        waited=waited,
    )


def _needs(costs: Sequence[int]) -> list[int]:
    """Return what has to be in the buckets: at least something, even where nothing is charged."""
    return [cost or 1 for cost in costs]


def _flow(levels: list[float], limits: Sequence[int], seconds: float) -> None:
    for at, limit in enumerate(limits):
        level = levels[at] + limit / 60 * seconds
        levels[at] = min(limit, level)  # faster than min, for every request
