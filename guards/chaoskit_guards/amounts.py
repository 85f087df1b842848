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

Used = tuple[tuple[int, int], ...]
"""What somebody has said, each amount with its place; of the other ones nobody said anything."""

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
    told: list[tuple[int, int]] = []
    total = None
    if input_tokens is not None:
        total = _whole(input_tokens, "input_tokens")
        told.append((INPUT, total))
    if output_tokens is not None:
        outside = _whole(output_tokens, "output_tokens")
        told.append((OUTPUT, outside))
        total = (total or 0) + outside
    if tokens is not None:
        total = _whole(tokens, "tokens")
    if total is not None:
        told.append((TOKENS, total))
    if usd is not None:
        told.append((MICRO_USD, _micro(checked(usd, "usd") * MILLION)))
    elif price is not None and total is not None:
        told.append((MICRO_USD, _micro(total * price)))
    return tuple(told)


def amounts_of(used: Used) -> Amounts:
    """Return what one request books."""
    amounts = [1, 0, 0, 0, 0]
    for place, amount in used:
        amounts[place] = amount
    return tuple(amounts)


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
