"""What a call costs, by a function of the user's, which may not know it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from chaoskit_guards.hooks import asked

__all__ = ["Price", "cost"]

Price = Callable[[str, Mapping[str, Any]], float | None]
"""Gives the USD of a call from its model and usage, by Anthropic's names."""


def cost(price: Price | None, model: str, usage: Mapping[str, Any]) -> float | None:
    """Return the USD of a call; None where they are not known.

    A function that fails is reported in the log: the answer is paid, and what it cost is not worth
    its loss. What is no amount of money is not known.
    """
    if price is None:
        return None
    usd = asked(f"the price function for {model}", price, model, usage)
    return usd if usd is not None and 0 <= usd < math.inf else None
