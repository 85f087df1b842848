"""What one process knows of a budget: what is booked, who waits, and who has yet to settle.

The lock is held for a few steps at a time and never across a wait, a store or code of others.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from operator import add

from chaoskit_guards.amounts import MICRO_USD, MILLION, NAMES, Amounts, Used, amounts_of
from chaoskit_guards.errors import BudgetTooLarge
from chaoskit_guards.forks import after_fork
from chaoskit_guards.lesson import Lesson
from chaoskit_guards.meter import Meter
from chaoskit_guards.reservation import Grant, Ledger, Reservation

__all__ = ["Book", "Change", "Ticket"]

_NOTHING: Amounts = (0,) * len(NAMES)


class Ticket:
    """A place in the queue."""

    __slots__ = ("amounts", "began")

    def __init__(self, amounts: Amounts, began: float) -> None:
        self.amounts = amounts
        self.began = began


Change = tuple[Reservation | None, Used]
"""What was settled, None for what nobody had reserved, and with what."""


class Book:
    """Books amounts of one process in the order in which they are asked for."""

    def __init__(self, limits: Sequence[int | None], *, seconds: float, buckets: int) -> None:
        self._meter = Meter(limits, seconds=seconds, buckets=buckets)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._queue: OrderedDict[Ticket, None] = OrderedDict()
        self._open: OrderedDict[Reservation, None] = OrderedDict()
        self._swept = 0
        self._paused_until = -math.inf
        after_fork(self)

    def forked(self) -> None:
        """Begin anew in the child: those who wait and those who book are threads of the parent."""
        self._lock = threading.Lock()
        self._queue.clear()
        self._meter.recount()

    @property
    def limits(self) -> Sequence[int | None]:
        """The most that a window may hold of each thing; None for no limit."""
        return self._meter.limits

    def at_once(self, ledger: Ledger, amounts: Amounts, now: float) -> Reservation | None:
        """Return a reservation if nobody waits and it fits, else None.

        Raises:
            BudgetTooLarge: it is larger than a whole window.
        """
        with self._lock:
            if not self._queue and now >= self._paused_until:
                bucket = self._meter.book(amounts, now)
                if bucket is not None:
                    return self._made(ledger, amounts, bucket, 0.0, None)
            self._check_size(amounts)
            return None

    def enter(self, amounts: Amounts, now: float) -> Ticket:
        """Join the queue.

        Raises:
            BudgetTooLarge: it is larger than a whole window.
        """
        ticket = Ticket(amounts, now)
        with self._lock:
            self._check_size(amounts)
            self._queue[ticket] = None
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Leave the queue, served or not."""
        with self._lock:
            self._queue.pop(ticket, None)

    def ahead(self, ticket: Ticket) -> Amounts:
        """Return what those who came before want, for a window that is kept elsewhere.

        Raises:
            BudgetTooLarge: the limits have been lowered meanwhile.
        """
        with self._lock:
            self._check_size(ticket.amounts)
            return self._ahead(ticket)

    def turn(self, ledger: Ledger, ticket: Ticket, now: float) -> Reservation | float:
        """Return the reservation, or the seconds until there is room if nothing else is booked.

        Raises:
            BudgetTooLarge: the limits have been lowered meanwhile.
        """
        with self._lock:
            bucket = self._meter.advance(now)
            self._check_size(ticket.amounts)
            wanted = tuple(map(add, ticket.amounts, self._ahead(ticket)))
            if now >= self._paused_until and self._meter.fits(wanted):
                self._meter.add(bucket, ticket.amounts)
                return self._made(ledger, ticket.amounts, bucket, now - ticket.began, None)
            return max(self._meter.wait(wanted, now), self._paused_until - now, 1e-6)

    def granted(self, ledger: Ledger, ticket: Ticket, now: float, grant: Grant) -> Reservation:
        """Book what a shared window has granted, for when this process goes alone."""
        with self._lock:
            bucket = self._meter.advance(now)
            self._meter.add(bucket, ticket.amounts)
            return self._made(ledger, ticket.amounts, bucket, now - ticket.began, grant)

    def settle(self, used: Used, reservation: Reservation | None, now: float) -> Change | None:
        """Replace an estimate by what was used; None: it has been settled before.

        Without a reservation, the oldest one is settled, or what was used is booked as it is. What
        is not told was used as it was estimated.
        """
        with self._lock:
            current = self._meter.advance(now)
            found = reservation or next(iter(self._open), None)
            if found is None:
                self._meter.add(current, amounts_of(used))
            elif found.settled:
                return None
            else:
                found.settled = True
                self._open.pop(found, None)
                self._meter.replace(found.bucket, found.amounts, used)
        return found, used

    def learn(self, lesson: Lesson, now: float) -> list[int | None]:
        """Lower the limits, book what others have spent, and pause; return what is left of each."""
        left: list[int | None] = [None] * len(NAMES)
        with self._lock:
            current = self._meter.advance(now)
            limits = self._meter.limits
            for place, (told, remaining) in enumerate(
                zip(lesson.limits, lesson.remaining, strict=True)
            ):
                limit = limits[place]
                if told and self._seconds == 60.0:
                    limit = told if limit is None else min(limit, told)
                    self._meter.lower(place, limit)
                if remaining is None or limit is None:
                    continue
                left[place] = remaining
                # The provider's count lags behind ours only by what is under way; what it misses
                # beyond that, somebody else has spent.
                foreign = self._meter.free()[place] - remaining
                if foreign > 0:
                    self._meter.add(current, (*_NOTHING[:place], foreign))
            self._paused_until = max(self._paused_until, now + lesson.wait)
            return left

    def used(self, now: float) -> Amounts:
        """Return what the window holds."""
        with self._lock:
            self._meter.advance(now)
            return self._meter.used()

    def _made(
        self, ledger: Ledger, amounts: Amounts, bucket: int, waited: float, grant: Grant | None
    ) -> Reservation:
        made = Reservation(ledger, amounts, bucket, waited, grant)
        self._open[made] = None
        if bucket != self._swept:
            self._sweep(bucket)
        return made

    def _sweep(self, bucket: int) -> None:
        """Drop those whose booking has left the window; nobody may ever settle them."""
        self._swept = bucket
        while not self._meter.knows((oldest := next(iter(self._open))).bucket):
            del self._open[oldest]

    def _ahead(self, ticket: Ticket) -> Amounts:
        """Return what those who came before want.

        Room for them is set aside, so that nobody is overtaken and nobody has to be woken in order.
        """
        wanted = _NOTHING
        for other in self._queue:
            if other is ticket:
                break
            wanted = tuple(map(add, wanted, other.amounts))
            if self._meter.exceeded(wanted) is not None:
                break  # more than a window: it is not this one's turn, whoever else waits
        return wanted

    def _check_size(self, amounts: Amounts) -> None:
        place = self._meter.exceeded(amounts)
        if place is not None:
            scale = MILLION if place == MICRO_USD else 1
            raise BudgetTooLarge(
                f"{amounts[place] / scale:g} {NAMES[place]} for one request, but a whole window "
                f"holds {(self.limits[place] or 0) / scale:g}"
            )
