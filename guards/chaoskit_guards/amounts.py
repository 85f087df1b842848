"""What one request costs, as whole numbers; anything that is no honest amount is refused."""

from __future__ import annotations

import math

__all__ = [
    "INPUT",
    "MICRO_USD",
    "MILLION",
    "NAMES",
    "OUTPUT",
    "REQUESTS",
    "TOKENS",
    "Amounts",
    "Used",
    "amounts_of",
    "checked",
    "positive",
    "used_of",
]

Amounts = tuple[int, ...]
"""One whole number for each thing that is counted."""

Used = tuple[int | None, ...]
"""What somebody has said of each thing; None for what nobody did."""

REQUESTS, TOKENS, INPUT, OUTPUT, MICRO_USD = range(5)
NAMES = ("requests", "tokens", "input tokens", "output tokens", "USD")
MILLION = 1_000_000


def used_of(
    tokens: float | None,
    input_tokens: float | None,
    output_tokens: float | None,
    usd: float | None,
    price: float | None,
) -> Used:
    """Return what is said of one request; `price` is in USD per million tokens.

    Raises:
        ValueError: an amount is negative, or no number.
    """
    inside = None if input_tokens is None else _whole(input_tokens, "input_tokens")
    outside = None if output_tokens is None else _whole(output_tokens, "output_tokens")
    if tokens is not None:
        total: int | None = _whole(tokens, "tokens")
    elif inside is None and outside is None:
        total = None
    else:
        total = (inside or 0) + (outside or 0)
    if usd is not None:
        money: int | None = _micro(checked(usd, "usd") * MILLION)
    else:
        money = None if price is None or total is None else _micro(total * price)
    return (None, total, inside, outside, money)


def amounts_of(used: Used) -> Amounts:
    """Return what one request books."""
    _, total, inside, outside, money = used
    return (1, total or 0, inside or 0, outside or 0, money or 0)


def _whole(value: object, name: str) -> int:
    if type(value) is int and value >= 0:
        return value
    return math.ceil(checked(value, name))


def _micro(money: float) -> int:
    # A float such as 0.1 is a little more than it says; what it has beyond that is not meant.
    return math.ceil(round(money, 3))


def checked(value: object, name: str) -> float:
    """Return a finite amount that is not negative; anything else would open the cap.

    Raises:
        ValueError: it is negative, or no number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is a number, not {type(value).__name__}")  # noqa: TRY004 - one error for all wrong amounts
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is a finite number, not negative")
    return value


def positive(limit: float) -> float:
    """Return a limit that admits something.

    Raises:
        ValueError: it is less than 1, or no number.
    """
    if checked(limit, "a limit") < 1:
        raise ValueError("a limit is at least 1, or a millionth of a USD")
    return limit
