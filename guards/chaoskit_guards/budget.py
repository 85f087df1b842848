"""Stay under the provider's limits by asking before spending.

A reservation books an estimate, waits its turn where there is no room, and is settled with what
was really used or given back. No span of a minute holds more than the limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chaoskit_guards.amounts import (
    INPUT,
    MICRO_USD,
    MILLION,
    NAMES,
    OUTPUT,
    REQUESTS,
    TOKENS,
    Amounts,
    Used,
    amounts_of,
    checked,
    positive,
    used_of,
)
from chaoskit_guards.book import Book, Ticket
from chaoskit_guards.errors import BudgetTimeout
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.lesson import lesson_of
from chaoskit_guards.reservation import Grant, Reservation, latest, remember
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.settings import seconds as check_seconds

if TYPE_CHECKING:
    from chaoskit_guards.redis_store import RedisStore
    from chaoskit_guards.shared_book import SharedBook

__all__ = ["BudgetWindow", "Reservation"]

_log = logging.getLogger("chaoskit_guards")

_NOTHING: Used = tuple((place, 0) for place in range(len(NAMES)))
_SENT = _NOTHING[1:]
"""Only the request was used, as it was estimated."""

_SLICE = 1 / 12
"""A waiter looks again after this share of the window, in case room was given back."""


class BudgetWindow:
    """Limits tokens, requests and money per minute, for all threads and tasks that share it.

    Args:
        tokens_per_minute: input and output together.
        usd_per_minute: money; needs `usd=` in the calls, or `usd_per_million_tokens`.
        requests_per_minute: requests.
        input_tokens_per_minute: as some vendors limit them.
        output_tokens_per_minute: as some vendors limit them.
        usd_per_million_tokens: feeds the limit of money where a call names none.
        count_tokens: counts messages given to `reserve`; by default this package's estimate.
        seconds: length of the window.
        buckets: cuts of the window; more of them give room back sooner.
        store: shares the window with other processes; None: with the threads and tasks of this
            one. Use the methods that begin with `a` in coroutines then, since the others block.
        clock: monotonic seconds; `time.monotonic` when it is None.
        sleep: `time.sleep` when it is None.
        async_sleep: `asyncio.sleep` when it is None.
        listener: told about every wait.
    """

    def __init__(
        self,
        tokens_per_minute: float | None = None,
        usd_per_minute: float | None = None,
        *,
        requests_per_minute: float | None = None,
        input_tokens_per_minute: float | None = None,
        output_tokens_per_minute: float | None = None,
        usd_per_million_tokens: float | None = None,
        count_tokens: Callable[[Any], int] | None = None,
        seconds: float = 60.0,
        buckets: int = 60,
        store: RedisStore | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        async_sleep: Callable[[float], Awaitable[object]] | None = None,
        listener: Listener | None = None,
    ) -> None:
        limits: list[int | None] = [None] * len(NAMES)
        for place, limit in (
            (REQUESTS, requests_per_minute),
            (TOKENS, tokens_per_minute),
            (INPUT, input_tokens_per_minute),
            (OUTPUT, output_tokens_per_minute),
            (MICRO_USD, None if usd_per_minute is None else usd_per_minute * MILLION),
        ):
            if limit is not None:
                limits[place] = math.floor(positive(limit))
        if all(limit is None for limit in limits):
            raise ValueError("a budget limits something: tokens, requests or USD per minute")
        check_seconds(seconds=seconds)
        at_least_one(buckets=buckets)
        self._book = Book(limits, seconds=seconds, buckets=buckets)
        self._shared: SharedBook | None = None
        if store is not None:
            from chaoskit_guards.shared_book import SharedBook  # noqa: PLC0415 - few share
            from chaoskit_guards.shared_budget import SharedMeter  # noqa: PLC0415 - likewise

            meter = SharedMeter(store, seconds=seconds, buckets=buckets)
            self._shared = SharedBook(meter, self._book, listener)
        self._longest_sleep = seconds * _SLICE
        self._price = (
            None
            if usd_per_million_tokens is None
            else checked(usd_per_million_tokens, "usd_per_million_tokens")
        )
        self._count_tokens = count_tokens
        self._clock = clock
        self._sleep = sleep
        self._async_sleep = async_sleep
        self._listener = listener
        self._unfed = usd_per_minute is not None and usd_per_million_tokens is None

    def reserve(
        self,
        estimated_tokens: float | None = None,
        *,
        messages: Any = None,
        max_tokens: float = 0,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
        timeout: float | None = None,
    ) -> Reservation:
        """Book an estimate, first come, first served; wait until there is room.

        Args:
            estimated_tokens: input and output together.
            messages: counted instead of an estimate; `max_tokens` is added.
            max_tokens: bound of the answer, where `messages` are counted.
            input_tokens: estimate, in place of both.
            output_tokens: estimate, in place of both.
            usd: estimated cost.
            timeout: seconds to wait at most; 0 means now or never.

        Raises:
            BudgetTooLarge: it is larger than a whole window.
            BudgetTimeout: there was no room in time.
            StoreUnavailable: it is shared, the store is down, and it refuses then.
            ValueError: an amount is negative, or no number.
        """
        if messages is not None:
            input_tokens, output_tokens = self._count(messages), max_tokens
        amounts = self._amounts(estimated_tokens, input_tokens, output_tokens, usd)
        if self._shared is None:
            booked = self._book.at_once(self, amounts, self._now())
            if booked is not None:
                return remember(booked)
        ticket = self._book.enter(amounts, self._now())
        try:
            while True:
                outcome = self._turn(
                    ticket, timeout, None if self._shared is None else self._shared.ask(ticket)
                )
                if isinstance(outcome, Reservation):
                    return remember(outcome)
                (self._sleep or time.sleep)(outcome)
        finally:
            self._book.leave(ticket)

    async def areserve(
        self,
        estimated_tokens: float | None = None,
        *,
        messages: Any = None,
        max_tokens: float = 0,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a bound of the wait, told with its end
    ) -> Reservation:
        """Book an estimate without blocking; in one queue with `reserve`, and alike.

        Raises:
            BudgetTooLarge: it is larger than a whole window.
            BudgetTimeout: there was no room in time.
            StoreUnavailable: it is shared, the store is down, and it refuses then.
            ValueError: an amount is negative, or no number.
        """
        if messages is not None:
            input_tokens, output_tokens = self._count(messages), max_tokens
        amounts = self._amounts(estimated_tokens, input_tokens, output_tokens, usd)
        if self._shared is None:
            booked = self._book.at_once(self, amounts, self._now())
            if booked is not None:
                return remember(booked)
        ticket = self._book.enter(amounts, self._now())
        try:
            while True:
                outcome = self._turn(
                    ticket,
                    timeout,
                    None if self._shared is None else await self._shared.aask(ticket),
                )
                if isinstance(outcome, Reservation):
                    return remember(outcome)
                await (self._async_sleep or asyncio.sleep)(outcome)
        finally:
            self._book.leave(ticket)

    def record(
        self,
        actual_tokens: float | None = None,
        *,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
        reservation: Reservation | None = None,
    ) -> None:
        """Settle a reservation with what was used: by default the caller's own latest one.

        Where this thread or task has none, the oldest one is settled; where nobody has one, the
        amounts are booked as they are.

        Raises:
            ValueError: an amount is negative, or no number; the estimate stays booked.
        """
        used = used_of(actual_tokens, input_tokens, output_tokens, usd, self._price)
        change = self._book.settle(used, reservation or latest(self), self._now())
        if self._shared is not None:
            self._shared.tell(change)

    async def arecord(
        self,
        actual_tokens: float | None = None,
        *,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
        reservation: Reservation | None = None,
    ) -> None:
        """Do what `record` does, without blocking where the window is shared.

        Raises:
            ValueError: an amount is negative, or no number; the estimate stays booked.
        """
        used = used_of(actual_tokens, input_tokens, output_tokens, usd, self._price)
        change = self._book.settle(used, reservation or latest(self), self._now())
        if self._shared is not None:
            await self._shared.atell(change)

    def give_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Undo a reservation; with `sent`, its request stays counted."""
        used = _SENT if sent else _NOTHING
        change = self._book.settle(used, reservation, self._now())
        if self._shared is not None:
            self._shared.tell(change)

    async def agive_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Do what `give_back` does, without blocking where the window is shared."""
        used = _SENT if sent else _NOTHING
        change = self._book.settle(used, reservation, self._now())
        if self._shared is not None:
            await self._shared.atell(change)

    def learn(self, source: Any) -> None:
        """Learn from a provider's answer: its headers, its response, or an exception.

        A limit below ours becomes ours, what others have spent is booked, and after a refusal with
        a time to come back nothing is granted before.
        """
        lesson = lesson_of(source)
        left = self._book.learn(lesson, self._now())
        if self._shared is not None:
            self._shared.teach(lesson, left)

    async def alearn(self, source: Any) -> None:
        """Do what `learn` does, without blocking where the window is shared."""
        lesson = lesson_of(source)
        left = self._book.learn(lesson, self._now())
        if self._shared is not None:
            await self._shared.ateach(lesson, left)

    def snapshot(self) -> Mapping[str, float]:
        """Return what the window holds, by name; USD in dollars.

        Raises:
            StoreUnavailable: it is shared, the store is down, and it refuses then.
        """
        return self._named(None if self._shared is None else self._shared.used())

    async def asnapshot(self) -> Mapping[str, float]:
        """Do what `snapshot` does, without blocking where the window is shared.

        Raises:
            StoreUnavailable: it is shared, the store is down, and it refuses then.
        """
        return self._named(None if self._shared is None else await self._shared.aused())

    def _named(self, used: Amounts | None) -> Mapping[str, float]:
        if used is None:
            used = self._book.used(self._now())
        return {
            name: amount / MILLION if place == MICRO_USD else amount
            for place, (name, amount) in enumerate(zip(NAMES, used, strict=True))
        }

    def _now(self) -> float:
        return (self._clock or time.monotonic)()

    def _amounts(
        self,
        tokens: float | None,
        input_tokens: float | None,
        output_tokens: float | None,
        usd: float | None,
    ) -> Amounts:
        if usd is None and self._unfed:
            self._tell_unfed()
        return amounts_of(used_of(tokens, input_tokens, output_tokens, usd, self._price))

    def _count(self, messages: Any) -> int:
        count = self._count_tokens
        if count is None:
            count = self._count_tokens = import_module("chaoskit_guards.tokens").count_tokens
        return count(messages)

    def _tell_unfed(self) -> None:
        self._unfed = False  # once is enough
        emit(self._listener, "unfed", "budget", limit="usd_per_minute")
        _log.warning(
            "usd_per_minute limits nothing while no call says what it costs: give usd= to "
            "reserve and record, or usd_per_million_tokens= to the window"
        )

    def _turn(
        self, ticket: Ticket, timeout: float | None, grant: Grant | None
    ) -> Reservation | float:
        """Return the reservation, or the seconds to sleep before the next try."""
        now = self._now()
        if grant is None:
            outcome = self._book.turn(self, ticket, now)
        elif grant.bucket is None:
            outcome = grant.wait
        else:
            outcome = self._book.granted(self, ticket, now, grant)
        if isinstance(outcome, Reservation):
            return outcome
        left = math.inf if timeout is None else ticket.began + timeout - now
        if not outcome <= left:
            raise BudgetTimeout(
                f"no room in the budget for another {outcome:.1f} s", retry_after=outcome
            )
        emit(self._listener, "waiting", "budget", wait=outcome)
        return min(outcome, self._longest_sleep)
