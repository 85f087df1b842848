"""What a budget asks and tells the window that it shares, and what it does while that is silent."""

from __future__ import annotations

import asyncio

from chaoskit_guards.amounts import Amounts, amounts_of
from chaoskit_guards.book import Book, Change, Ticket
from chaoskit_guards.errors import StoreUnavailable
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.lesson import Lesson
from chaoskit_guards.reservation import Grant
from chaoskit_guards.shared_budget import Message, SharedMeter

__all__ = ["SharedBook"]


class SharedBook:
    """Speaks for one process; None for an answer means that it has to go by its own book."""

    def __init__(self, meter: SharedMeter, book: Book, listener: Listener | None) -> None:
        self.meter = meter
        self._book = book
        self._listener = listener

    def ask(self, ticket: Ticket) -> Grant | None:
        """Ask for room.

        Raises:
            StoreUnavailable: Redis did not answer, and the store refuses then.
        """
        question = self._question(ticket)
        try:
            return self.meter.ask(question)
        except StoreUnavailable:
            self._alone()
            return None

    async def aask(self, ticket: Ticket) -> Grant | None:
        """Do what `ask` does, without blocking."""
        question = self._question(ticket)
        try:
            return await self.meter.aask(question)
        except StoreUnavailable:
            self._alone()
            return None
        except asyncio.CancelledError:
            # The server may have booked it, or may do so yet.
            await self._atell(self.meter.withdrawal(question))
            raise

    def used(self) -> Amounts | None:
        """Return what the window holds.

        Raises:
            StoreUnavailable: Redis did not answer, and the store refuses then.
        """
        try:
            return tuple(self.meter.send(self.meter.reading()))
        except StoreUnavailable:
            self._alone()
            return None

    async def aused(self) -> Amounts | None:
        """Do what `used` does, without blocking."""
        try:
            return tuple(await self.meter.asend(self.meter.reading()))
        except StoreUnavailable:
            self._alone()
            return None

    def tell(self, change: Change | None) -> None:
        """Tell what was settled; what the window misses stays booked there until it has left."""
        self._tell(self._message(change))

    async def atell(self, change: Change | None) -> None:
        """Do what `tell` does, without blocking."""
        await self._atell(self._message(change))

    def teach(self, lesson: Lesson, left: list[int | None]) -> None:
        """Tell what a provider says of its limits and of what is left of them."""
        self._tell(self._taught(lesson, left))

    async def ateach(self, lesson: Lesson, left: list[int | None]) -> None:
        """Do what `teach` does, without blocking."""
        await self._atell(self._taught(lesson, left))

    def _question(self, ticket: Ticket) -> Message:
        return self.meter.reservation(ticket.amounts, self._book.ahead(ticket), self._book.limits)

    def _message(self, change: Change | None) -> Message | None:
        if change is None:
            return None
        reservation, used = change
        if reservation is None:
            return self.meter.booking(amounts_of(used))
        if reservation.grant is None:
            return None  # granted alone, so that nobody else knows of it
        known, left = [0] * len(reservation.amounts), [0] * len(reservation.amounts)
        for place, actual in used:
            known[place], left[place] = actual - reservation.amounts[place], actual
        return self.meter.settlement(reservation.grant, known, left)

    def _taught(self, lesson: Lesson, left: list[int | None]) -> Message | None:
        return self.meter.lesson(self._book.limits, left, lesson.wait) if lesson else None

    def _alone(self) -> None:
        """Let this process go by its own counts, or raise the error that is being handled."""
        if self.meter.refuses:
            raise  # noqa: PLE0704 - called while it is handled
        emit(self._listener, "alone", "budget")

    def _tell(self, message: Message | None) -> None:
        if message is None:
            return
        try:
            self.meter.send(message)
        except StoreUnavailable:
            emit(self._listener, "untold", "budget")

    async def _atell(self, message: Message | None) -> None:
        if message is None:
            return
        try:
            await self.meter.asend(message)
        except StoreUnavailable:
            emit(self._listener, "untold", "budget")
