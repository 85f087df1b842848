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
    "amounts_of",
    "checked",
    "positive",
]

Amounts = tuple[int, ...]
"""One whole number for each thing that is counted."""

REQUESTS, TOKENS, INPUT, OUTPUT, MICRO_USD = range(5)
NAMES = ("requests", "tokens", "input tokens", "output tokens", "USD")
MILLION = 1_000_000


def amounts_of(
    tokens: float | None,
    input_tokens: float | None,
    output_tokens: float | None,
    usd: float | None,
    price: float | None,
) -> Amounts:
    """Return the amounts of one request; `price` is in USD per million tokens.

    Raises:
        ValueError: one is negative, or no number.
    """
    inside = 0 if input_tokens is None else math.ceil(checked(input_tokens, "input_tokens"))
    outside = 0 if output_tokens is None else math.ceil(checked(output_tokens, "output_tokens"))
    total = inside + outside if tokens is None else math.ceil(checked(tokens, "tokens"))
    if usd is not None:
        money = checked(usd, "usd") * MILLION
    else:
        money = 0.0 if price is None else total * price
    # A float such as 0.1 is a little more than it says; what it has beyond that is not meant.
    return (1, total, inside, outside, math.ceil(round(money, 3)))


def checked(value: float, name: str) -> float:
    """Return a finite amount that is not negative; anything else would open the cap.

    Raises:
        ValueError: it is negative, or no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
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
