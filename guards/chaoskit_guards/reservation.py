"""An amount that is booked in a window until it is settled or given back."""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from chaoskit_guards.amounts import Amounts

__all__ = ["Grant", "Ledger", "Reservation", "latest", "remember"]

_NESTED = 8
"""Open reservations that one thread or task is remembered with; lost ones do not pile up."""


class Grant(NamedTuple):
    """The answer of a shared window to one request for room.

    Attributes:
        bucket: where it is booked; None: there is no room.
        wait: seconds until there is room, if nothing else is booked.
        at: the server's time in microseconds.
        lease: what settles it, once.
    """

    bucket: int | None
    wait: float
    at: int
    lease: str


class Ledger(Protocol):
    """Where a reservation is booked."""

    def record(
        self,
        actual_tokens: float | None = None,
        *,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
        reservation: Reservation | None = None,
    ) -> None:
        """Settle a reservation."""

    async def arecord(
        self,
        actual_tokens: float | None = None,
        *,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
        reservation: Reservation | None = None,
    ) -> None:
        """Settle a reservation without blocking."""

    def give_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Undo a reservation; with `sent`, its request stays counted."""

    async def agive_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Undo a reservation without blocking."""


class Reservation:
    """An amount that is booked; settle it with what was used, or give it back.

    As a context manager, `with` or `async with`, it gives back tokens and money when the block
    fails without having been settled; the request stays counted, since it may have been sent.
    """

    __slots__ = ("amounts", "bucket", "grant", "settled", "waited", "window")

    def __init__(
        self,
        window: Ledger,
        amounts: Amounts,
        bucket: int,
        waited: float,
        grant: Grant | None = None,
    ) -> None:
        self.window = window
        self.amounts = amounts
        self.bucket = bucket
        self.grant = grant
        self.settled = False
        self.waited = waited
        """Seconds that it took to be granted."""

    def settle(
        self,
        actual_tokens: float | None = None,
        *,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
    ) -> None:
        """Replace the estimate by what was used.

        Raises:
            ValueError: an amount is negative, or no number; the estimate stays booked.
        """
        self.window.record(
            actual_tokens,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            usd=usd,
            reservation=self,
        )

    async def asettle(
        self,
        actual_tokens: float | None = None,
        *,
        input_tokens: float | None = None,
        output_tokens: float | None = None,
        usd: float | None = None,
    ) -> None:
        """Replace the estimate by what was used, without blocking where the window is shared.

        Raises:
            ValueError: an amount is negative, or no number; the estimate stays booked.
        """
        await self.window.arecord(
            actual_tokens,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            usd=usd,
            reservation=self,
        )

    def cancel(self, *, sent: bool = False) -> None:
        """Give everything back; with `sent`, the request stays counted."""
        self.window.give_back(self, sent=sent)

    async def acancel(self, *, sent: bool = False) -> None:
        """Give everything back, without blocking where the window is shared."""
        await self.window.agive_back(self, sent=sent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.cancel(sent=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            await self.acancel(sent=True)


_mine: ContextVar[tuple[Reservation, ...]] = ContextVar("chaoskit_guards_budget", default=())


def remember(reservation: Reservation) -> Reservation:
    """Make it the latest one of this thread or task."""
    mine = _mine.get()
    if len(mine) == 1 and mine[0].settled:
        mine = ()
    elif mine:
        mine = tuple(r for r in mine if not r.settled)[1 - _NESTED :]
    _mine.set((*mine, reservation))
    return reservation


def latest(window: Ledger) -> Reservation | None:
    """Return this thread's or task's latest open reservation of a window."""
    for reservation in reversed(_mine.get()):
        if reservation.window is window and not reservation.settled:
            return reservation
    return None
