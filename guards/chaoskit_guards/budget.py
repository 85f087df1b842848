"""Stay under the provider's limits by asking before spending.

A reservation books an estimate, waits its turn where there is no room, and is settled with what
was really used or given back. No span of a minute holds more than the limit.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from importlib import import_module
from operator import add
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
    amounts_of,
    checked,
    positive,
)
from chaoskit_guards.errors import BudgetTimeout, BudgetTooLarge, StoreUnavailable
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.failures import classify
from chaoskit_guards.meter import Meter
from chaoskit_guards.reservation import Grant, Reservation
from chaoskit_guards.waits import quotas

if TYPE_CHECKING:
    from chaoskit_guards.redis_store import RedisStore
    from chaoskit_guards.shared_budget import Message, SharedMeter

__all__ = ["BudgetWindow", "Reservation"]

_log = logging.getLogger("chaoskit_guards")

_SLICE = 1 / 12
"""A waiter looks again after this share of the window, in case room was given back."""


_NESTED = 8
"""Open reservations that one thread or task is remembered with; lost ones do not pile up."""


_NOTHING: Amounts = (0,) * len(NAMES)


class _Ticket:
    """A place in the queue."""

    __slots__ = ("amounts",)

    def __init__(self, amounts: Amounts) -> None:
        self.amounts = amounts


_mine: ContextVar[tuple[Reservation, ...]] = ContextVar("chaoskit_guards_budget", default=())


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
        if not (0 < seconds < math.inf and buckets >= 1):
            raise ValueError("the window is a finite number of seconds in at least 1 bucket")
        self._meter = Meter(limits, seconds=seconds, buckets=buckets)
        self._shared: SharedMeter | None = None
        if store is not None:
            from chaoskit_guards.shared_budget import SharedMeter  # noqa: PLC0415 - few share

            self._shared = SharedMeter(store, seconds=seconds, buckets=buckets)
        self._seconds = seconds
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
        self._lock = threading.Lock()
        self._queue: OrderedDict[_Ticket, None] = OrderedDict()
        self._open: OrderedDict[Reservation, None] = OrderedDict()
        self._paused_until = -math.inf
        self._warned = False

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
        ticket, began = self._enqueue(
            tokens=estimated_tokens,
            messages=messages,
            max_tokens=max_tokens,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            usd=usd,
        )
        try:
            while True:
                outcome = self._try(ticket, began, timeout, self._ask(ticket))
                if isinstance(outcome, Reservation):
                    return self._granted(outcome)
                (self._sleep or time.sleep)(outcome)
        finally:
            self._leave(ticket)

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
        ticket, began = self._enqueue(
            tokens=estimated_tokens,
            messages=messages,
            max_tokens=max_tokens,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            usd=usd,
        )
        try:
            while True:
                outcome = self._try(ticket, began, timeout, await self._aask(ticket))
                if isinstance(outcome, Reservation):
                    return self._granted(outcome)
                await (self._async_sleep or asyncio.sleep)(outcome)
        finally:
            self._leave(ticket)

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
        self._tell(
            self._record(actual_tokens, input_tokens, output_tokens, usd, reservation=reservation)
        )

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
        await self._atell(
            self._record(actual_tokens, input_tokens, output_tokens, usd, reservation=reservation)
        )

    def _record(
        self,
        actual_tokens: float | None,
        input_tokens: float | None,
        output_tokens: float | None,
        usd: float | None,
        *,
        reservation: Reservation | None,
    ) -> Message | None:
        used = amounts_of(actual_tokens, input_tokens, output_tokens, usd, self._price)
        split = (input_tokens is not None, output_tokens is not None)
        counted = actual_tokens is not None or any(split)
        told = (False, counted, *split, usd is not None or (counted and self._price is not None))
        with self._lock:
            now = self._now()
            current = self._meter.advance(now)
            found = reservation or self._own()
            if found is None:
                self._meter.add(current, used)
                return None if self._shared is None else self._shared.booking(used)
            if found.settled:
                return None
            self._close(found)
            # What is not told was used as it was estimated. What has left the window no longer
            # counts, so that all of the use is booked then.
            known = tuple(
                actual - booked if is_told else 0
                for is_told, actual, booked in zip(told, used, found.amounts, strict=True)
            )
            left = tuple(
                actual if is_told else 0 for is_told, actual in zip(told, used, strict=True)
            )
            change = known if self._meter.knows(found.bucket, current) else left
            # Room comes back where it was taken; an overrun counts from now.
            if min(change) < 0:
                self._meter.add(found.bucket, tuple(min(c, 0) for c in change))
            if max(change) > 0:
                self._meter.add(current, tuple(max(c, 0) for c in change))
            return self._settlement(found, known, left)

    def learn(self, source: Any) -> None:
        """Learn from a provider's answer: its headers, its response, or an exception.

        A limit below ours becomes ours, what others have spent is booked, and after a refusal with
        a time to come back nothing is granted before.
        """
        self._tell(self._learn(source))

    async def alearn(self, source: Any) -> None:
        """Do what `learn` does, without blocking where the window is shared."""
        await self._atell(self._learn(source))

    def _learn(self, source: Any) -> Message | None:
        headers = getattr(getattr(source, "response", source), "headers", source)
        known = quotas(headers) if hasattr(headers, "items") else []
        wait = 0.0
        if isinstance(source, Exception):
            failure = classify(source)
            wait = failure.retry_after or 0.0 if failure.kind == "rate_limited" else 0.0
        places = {
            "requests": REQUESTS,
            "tokens": TOKENS,
            "input-tokens": INPUT,
            "output-tokens": OUTPUT,
        }
        left: list[int | None] = [None] * len(NAMES)
        with self._lock:
            now = self._now()
            current = self._meter.advance(now)
            for quota in known:
                place = places[quota.kind]
                limit = self._meter.limits[place]
                if quota.limit and self._seconds == 60.0:
                    limit = quota.limit if limit is None else min(limit, quota.limit)
                    self._meter.limits[place] = limit
                if quota.remaining is None or limit is None:
                    continue
                left[place] = quota.remaining
                # The provider's count lags behind ours only by what is under way; what it misses
                # beyond that, somebody else has spent.
                foreign = self._meter.free()[place] - quota.remaining
                if foreign > 0:
                    one = tuple(foreign if p == place else 0 for p in range(len(NAMES)))
                    self._meter.add(current, one)
            self._paused_until = max(self._paused_until, now + wait)
            if self._shared is None or not (known or wait):
                return None
            return self._shared.lesson(self._meter.limits, left, wait)

    def snapshot(self) -> Mapping[str, float]:
        """Return what the window holds, by name; USD in dollars.

        Raises:
            StoreUnavailable: it is shared, the store is down, and it refuses then.
        """
        used = None
        if self._shared is not None:
            try:
                used = tuple(self._shared.send(self._shared.reading()))
            except StoreUnavailable:
                self._go_alone()
        return self._named(used)

    async def asnapshot(self) -> Mapping[str, float]:
        """Do what `snapshot` does, without blocking where the window is shared.

        Raises:
            StoreUnavailable: it is shared, the store is down, and it refuses then.
        """
        used = None
        if self._shared is not None:
            try:
                used = tuple(await self._shared.asend(self._shared.reading()))
            except StoreUnavailable:
                self._go_alone()
        return self._named(used)

    def _named(self, used: Amounts | None) -> Mapping[str, float]:
        if used is None:
            with self._lock:
                self._meter.advance(self._now())
                used = self._meter.used()
        return {
            name: amount / MILLION if place == MICRO_USD else amount
            for place, (name, amount) in enumerate(zip(NAMES, used, strict=True))
        }

    def _now(self) -> float:
        return (self._clock or time.monotonic)()

    def _enqueue(
        self,
        *,
        tokens: float | None,
        messages: Any,
        max_tokens: float,
        input_tokens: float | None,
        output_tokens: float | None,
        usd: float | None,
    ) -> tuple[_Ticket, float]:
        if messages is not None:
            input_tokens = self._count(messages)
            output_tokens = max_tokens
        amounts = amounts_of(tokens, input_tokens, output_tokens, usd, self._price)
        self._check_money_is_fed(usd)
        ticket = _Ticket(amounts)
        with self._lock:
            self._check_size(amounts)
            self._queue[ticket] = None
            return ticket, self._now()

    def _check_size(self, amounts: Amounts) -> None:
        for place, (limit, amount) in enumerate(zip(self._meter.limits, amounts, strict=True)):
            if limit is not None and amount > limit:
                scale = MILLION if place == MICRO_USD else 1
                raise BudgetTooLarge(
                    f"{amount / scale:g} {NAMES[place]} for one request, but a whole window "
                    f"holds {limit / scale:g}"
                )

    def _ask(self, ticket: _Ticket) -> Grant | None:
        """Return what the shared window says; None where there is none to go by."""
        if self._shared is None:
            return None
        try:
            return self._shared.ask(self._question(self._shared, ticket))
        except StoreUnavailable:
            self._go_alone()
            return None

    async def _aask(self, ticket: _Ticket) -> Grant | None:
        if self._shared is None:
            return None
        try:
            return await self._shared.aask(self._question(self._shared, ticket))
        except StoreUnavailable:
            self._go_alone()
            return None

    def _question(self, shared: SharedMeter, ticket: _Ticket) -> Message:
        with self._lock:
            self._check_size(ticket.amounts)
            return shared.reservation(ticket.amounts, self._ahead(ticket), self._meter.limits)

    def _ahead(self, ticket: _Ticket) -> Amounts:
        """Return what those who came before want.

        Room for them is set aside, so that nobody is overtaken and nobody has to be woken in order.
        """
        wanted: Amounts = _NOTHING
        for other in self._queue:
            if other is ticket:
                break
            wanted = tuple(map(add, wanted, other.amounts))
        return wanted

    def _try(
        self, ticket: _Ticket, began: float, timeout: float | None, grant: Grant | None
    ) -> Reservation | float:
        """Return the reservation, or the seconds to wait before the next try.

        What a shared window grants is counted here too, for when this process goes alone.
        """
        with self._lock:
            now = self._now()
            bucket = self._meter.advance(now)
            if grant is not None:
                fits, wait = grant.bucket is not None, grant.wait
            else:
                self._check_size(ticket.amounts)  # the limits may have been lowered meanwhile
                wanted = ticket.amounts
                if len(self._queue) > 1:
                    wanted = tuple(map(add, wanted, self._ahead(ticket)))
                fits = now >= self._paused_until and self._meter.fits(wanted)
                if not fits:
                    wait = max(self._meter.wait(wanted, now), self._paused_until - now, 1e-6)
            if fits:
                self._meter.add(bucket, ticket.amounts)
                made = Reservation(self, ticket.amounts, bucket, now - began, grant)
                self._open[made] = None
                self._forget_lost(bucket)
                return made
        left = math.inf if timeout is None else began + timeout - now
        if wait > left:
            raise BudgetTimeout(f"no room in the budget for another {wait:.1f} s", retry_after=wait)
        emit(self._listener, "waiting", "budget", wait=wait)
        return min(wait, self._seconds * _SLICE)

    def _go_alone(self) -> None:
        """Answer from this process's own counts, or raise the error that is being handled."""
        if self._shared is not None and self._shared.refuses:
            raise  # noqa: PLE0704 - called while it is handled
        emit(self._listener, "alone", "budget")

    def _settlement(
        self, reservation: Reservation, known: Amounts, left: Amounts
    ) -> Message | None:
        if self._shared is None or reservation.grant is None:
            return None  # granted alone, so that nobody else knows of it
        return self._shared.settlement(reservation.grant, known, left)

    def _tell(self, message: Message | None) -> None:
        """Tell the shared window; what it misses stays booked there until it has left."""
        if self._shared is None or message is None:
            return
        try:
            self._shared.send(message)
        except StoreUnavailable:
            emit(self._listener, "untold", "budget")

    async def _atell(self, message: Message | None) -> None:
        if self._shared is None or message is None:
            return
        try:
            await self._shared.asend(message)
        except StoreUnavailable:
            emit(self._listener, "untold", "budget")

    def _forget_lost(self, bucket: int) -> None:
        """Drop reservations whose booking has left the window; nobody may ever settle them."""
        while self._open:
            oldest = next(iter(self._open))
            if self._meter.knows(oldest.bucket, bucket):
                return
            del self._open[oldest]

    def _granted(self, reservation: Reservation) -> Reservation:
        """Make it the latest one of this thread or task."""
        kept = tuple(r for r in _mine.get() if not r.settled)[-_NESTED:]
        _mine.set((*kept, reservation))
        return reservation

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            self._queue.pop(ticket, None)

    def _own(self) -> Reservation | None:
        """Return this context's latest open reservation, else the oldest one of anybody."""
        for reservation in reversed(_mine.get()):
            if reservation.window is self and not reservation.settled:
                return reservation
        return next(iter(self._open), None)

    def _close(self, reservation: Reservation) -> None:
        reservation.settled = True
        self._open.pop(reservation, None)

    def give_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Undo a reservation; with `sent`, its request stays counted."""
        self._tell(self._give_back(reservation, sent=sent))

    async def agive_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Do what `give_back` does, without blocking where the window is shared."""
        await self._atell(self._give_back(reservation, sent=sent))

    def _give_back(self, reservation: Reservation, *, sent: bool) -> Message | None:
        with self._lock:
            if reservation.settled:
                return None
            self._close(reservation)
            self._meter.advance(self._now())
            back = [-amount for amount in reservation.amounts]
            if sent:
                back[REQUESTS] = 0
            self._meter.add(reservation.bucket, tuple(back))
            return self._settlement(reservation, tuple(back), _NOTHING)

    def _count(self, messages: Any) -> int:
        count = self._count_tokens
        if count is None:
            count = self._count_tokens = import_module("chaoskit_guards.tokens").count_tokens
        return count(messages)

    def _check_money_is_fed(self, usd: float | None) -> None:
        limit = self._meter.limits[MICRO_USD]
        if limit is None or usd is not None or self._price is not None or self._warned:
            return
        self._warned = True
        emit(self._listener, "unfed", "budget", limit="usd_per_minute")
        _log.warning(
            "usd_per_minute limits nothing while no call says what it costs: give usd= to "
            "reserve and record, or usd_per_million_tokens= to the window"
        )
