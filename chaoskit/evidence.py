"""Views of a journal that several checks need: exchanges, turns, chains of retries, outages."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal, TypeAlias

from chaoskit.journal import (
    Answered,
    CalledTool,
    Delivered,
    Event,
    Failed,
    GotResult,
    Journal,
    RanTool,
    Refused,
    Replied,
    Requested,
    Struck,
    TurnStarted,
)

__all__ = [
    "Earlier",
    "Exchange",
    "Per",
    "Turn",
    "chains",
    "exchanges",
    "gathered",
    "lasting",
    "turns",
]

Per: TypeAlias = Literal["turn", "user", "run"]
"""What a bound is counted over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP attempt and everything that became of it."""

    request: Requested
    strikes: tuple[Struck, ...] = ()
    refusal: Refused | None = None
    reply: Replied | None = None
    delivery: Delivered | None = None

    @property
    def failed(self) -> bool:
        """The client did not get the whole answer, and not because it had seen enough of it."""
        if self.refusal is not None:
            return True
        end = self.delivery
        if end is None:
            return False
        if end.how == "abandoned":
            return not end.sent_content
        return end.error_frame or end.how != "complete"

    @property
    def down(self) -> bool:
        """It failed as services fail that are down: server errors, broken connections, silence."""
        if self.refusal is not None:
            return self.refusal.status >= 500 or self.refusal.status == 408
        return self.failed

    @property
    def answer(self) -> Replied | None:
        """The model's words, or None where it was asked for vectors or did not answer."""
        return self.reply if self.request.operation == "generate" else None

    @property
    def complete(self) -> bool:
        """The model answered and the answer arrived."""
        return self.reply is not None and not self.failed

    @property
    def ended(self) -> float:
        """When it was over for the client, as far as the journal can tell."""
        last = self.delivery or self.refusal or self.reply or self.request
        return last.at

    @property
    def cost_usd(self) -> float:
        """What it cost."""
        return self.reply.cost_usd if self.reply else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question of a user and everything that was done about it."""

    user: str
    turn: int
    started: TurnStarted | None = None
    answered: Answered | None = None
    failed: Failed | None = None
    exchanges: tuple[Exchange, ...] = ()
    ran: tuple[RanTool, ...] = ()

    @property
    def name(self) -> str:
        """The user, and which of the user's turns it is."""
        return f"{self.user}, turn {self.turn}"

    @property
    def ended(self) -> float:
        """When the agent returned or raised, or what happened last when it did neither."""
        end = self.answered or self.failed
        if end is not None:
            return end.at
        if self.exchanges:
            return self.exchanges[-1].ended
        return self.started.at if self.started else 0.0

    @property
    def cost_usd(self) -> float:
        """What the turn cost."""
        return sum(exchange.cost_usd for exchange in self.exchanges)

    @property
    def results(self) -> tuple[GotResult, ...]:
        """The tool results that the agent sent, retries of the same step counted once."""
        seen: dict[tuple[str, str], GotResult] = {}
        for exchange in self.exchanges:
            for result in exchange.request.results:
                seen.setdefault((exchange.request.step, result.call_id), result)
        return tuple(seen.values())

    @property
    def tool_calls(self) -> tuple[tuple[Exchange, CalledTool], ...]:
        """The tool calls that reached the agent, with the exchange that brought each."""
        return tuple(
            (exchange, called)
            for exchange in self.exchanges
            if exchange.complete and exchange.reply
            for called in exchange.reply.tool_calls
        )


def exchanges(journal: Journal) -> tuple[Exchange, ...]:
    """Return every HTTP attempt of a run, in the order of the requests."""
    return journal.view(_exchanges)


def turns(journal: Journal) -> tuple[Turn, ...]:
    """Return the turns of all users, in the order in which they began."""
    return journal.view(_turns)


def _exchanges(journal: Journal) -> tuple[Exchange, ...]:
    parts: dict[int, dict[str, Event]] = {}
    strikes: dict[int, list[Struck]] = {}
    for event in journal:
        match event:
            case Requested():
                parts.setdefault(event.call, {})["request"] = event
            case Refused():
                parts.setdefault(event.call, {})["refusal"] = event
            case Replied():
                parts.setdefault(event.call, {})["reply"] = event
            case Delivered():
                parts.setdefault(event.call, {})["delivery"] = event
            case Struck() if event.call:
                strikes.setdefault(event.call, []).append(event)
            case _:
                pass
    return tuple(
        [
            Exchange(strikes=tuple(strikes.get(call, ())), **found)  # type: ignore[arg-type]  # by name
            for call, found in parts.items()
            if "request" in found
        ]
    )


def _turns(journal: Journal) -> tuple[Turn, ...]:
    parts: dict[tuple[str, int], dict[str, Event]] = {}
    ran: dict[tuple[str, int], list[RanTool]] = {}
    sent: dict[tuple[str, int], list[Exchange]] = {}
    for event in journal:
        if not event.turn:
            continue
        key = (event.user, event.turn)
        found = parts.setdefault(key, {})
        match event:
            case TurnStarted():
                found["started"] = event
            case Answered():
                found["answered"] = event
            case Failed():
                found["failed"] = event
            case RanTool():
                ran.setdefault(key, []).append(event)
            case _:
                pass
    for exchange in exchanges(journal):
        request = exchange.request
        sent.setdefault((request.user, request.turn), []).append(exchange)
    return tuple(
        [
            Turn(
                user=user,
                turn=turn,
                exchanges=tuple(sent.get((user, turn), ())),
                ran=tuple(ran.get((user, turn), ())),
                **found,  # type: ignore[arg-type]  # by name
            )
            for (user, turn), found in parts.items()
        ]
    )


def gathered(found: Iterable[Exchange], per: Per) -> Mapping[tuple[str, int], list[Exchange]]:
    """Return exchanges by user and turn, by user, or all in one; turns and users are of people."""
    groups: dict[tuple[str, int], list[Exchange]] = {}
    for exchange in found:
        user, turn = exchange.request.user, exchange.request.turn
        if per == "run":
            key = ("", 0)
        elif not user:
            continue
        else:
            key = (user, turn if per == "turn" else 0)
        groups.setdefault(key, []).append(exchange)
    return groups


def chains(found: Iterable[Exchange]) -> list[list[Exchange]]:
    """Return the attempts at each step of an agent: a request and its retries.

    A request continues a chain when the same user's attempt at the same step had failed before it
    began. Steps are told apart by the conversation's shape, so a changing nonce hides nothing;
    requests side by side, and equal ones after a success, are steps of their own.
    """
    made: list[list[Exchange]] = []
    failed: dict[tuple[str, int, str, str], _Failed] = {}
    for exchange in found:
        request = exchange.request
        key = (request.user, request.turn, request.operation, request.step)
        waiting = failed.setdefault(key, _Failed())
        chain = waiting.take(request.at)
        if chain is None:
            chain = []
            made.append(chain)
        chain.append(exchange)
        if exchange.failed:
            waiting.put(chain)
    return made


class _Failed:
    """The chains of one step that ended in failures, by when; of equal times the first comes first.

    There may be many that nobody takes up again, so none is looked at twice without need.
    """

    def __init__(self) -> None:
        self._count = 0
        self._under_way: list[tuple[float, int, list[Exchange]]] = []
        self._over: list[tuple[float, int, list[Exchange]]] = []  # by the negative of when

    def put(self, chain: list[Exchange]) -> None:
        """Add a chain."""
        self._count += 1
        heapq.heappush(self._under_way, (chain[-1].ended, self._count, chain))

    def take(self, at: float) -> list[Exchange] | None:
        """Remove the chain that had ended last before a time."""
        while self._over and -self._over[0][0] > at:  # threads do not ask in order
            ended, count, chain = heapq.heappop(self._over)
            heapq.heappush(self._under_way, (-ended, count, chain))
        while self._under_way and self._under_way[0][0] <= at:
            ended, count, chain = heapq.heappop(self._under_way)
            heapq.heappush(self._over, (-ended, count, chain))
        return heapq.heappop(self._over)[2] if self._over else None


class Earlier:
    """Earlier attempts, to find those that a request repeats unmended.

    A shorter prompt, another model, another key or another limit on the output is a new attempt
    to get through; another wording of the same conversation is not. There may be many that nobody
    repeats, so only those are looked at that are alike.
    """

    def __init__(self) -> None:
        self._count = 0
        self._equal: dict[tuple[object, ...], list[_Numbered]] = {}
        self._alike: dict[tuple[object, ...], list[_Numbered]] = {}

    def add(self, exchange: Exchange) -> None:
        """Add the next attempt."""
        self._count += 1
        numbered = (self._count, exchange)
        self._equal.setdefault(_equality(exchange.request), []).append(numbered)
        self._alike.setdefault(_likeness(exchange.request), []).append(numbered)

    def repeated_by(self, request: Requested) -> Iterator[Exchange]:
        """Yield the attempts that a request repeats, the latest first."""
        equal = reversed(self._equal.get(_equality(request), []))
        alike = (
            one
            for one in reversed(self._alike.get(_likeness(request), []))
            if one[1].request.prompt_tokens <= request.prompt_tokens
            and one[1].request.digest != request.digest
        )
        for _, exchange in heapq.merge(equal, alike, key=itemgetter(0), reverse=True):
            yield exchange


_Numbered: TypeAlias = tuple[int, Exchange]


def _equality(request: Requested) -> tuple[object, ...]:
    return (*_place(request), request.digest)


def _likeness(request: Requested) -> tuple[object, ...]:
    return (*_place(request), request.turn, request.step, request.prefix, request.max_tokens)


def _place(request: Requested) -> tuple[str, ...]:
    return (request.user, request.provider, request.model, request.operation, request.key)


_UNITS = ((3600.0, "h", 1 / 3600), (60.0, "m", 1 / 60), (1.0, "s", 1.0), (0.0, "ms", 1000.0))


def lasting(seconds: float) -> str:
    """Return a duration for people, such as `5m` or `1.5s`."""
    unit, scale = next((unit, scale) for least, unit, scale in _UNITS if seconds >= least)
    return f"{seconds * scale:.3g}{unit}"
