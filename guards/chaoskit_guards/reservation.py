"""An amount that is booked in a window until it is settled or given back."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from chaoskit_guards.amounts import Amounts

__all__ = ["Ledger", "Reservation"]


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

    def give_back(self, reservation: Reservation, *, sent: bool) -> None:
        """Undo a reservation; with `sent`, its request stays counted."""


class Reservation:
    """An amount that is booked; settle it with what was used, or give it back.

    As a context manager it gives back tokens and money when the block fails without having been
    settled; the request stays counted, since it may have been sent.
    """

    __slots__ = ("amounts", "bucket", "settled", "waited", "window")

    def __init__(self, window: Ledger, amounts: Amounts, bucket: int, waited: float) -> None:
        self.window = window
        self.amounts = amounts
        self.bucket = bucket
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

    def cancel(self, *, sent: bool = False) -> None:
        """Give everything back; with `sent`, the request stays counted."""
        self.window.give_back(self, sent=sent)

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
