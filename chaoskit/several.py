"""Several answers to one request: each is drawn for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chaoskit.exchange import Reply

__all__ = ["several"]

_TRIES = 4  # a model that has few words says some of them twice


def several(draw: Callable[[int], Reply], wanted: int) -> Reply:
    """Return the first answer with the others, which differ as far as the model can differ.

    Args:
        draw: returns the answer that belongs to a number; 0 is that of a single answer.
    """
    found = [draw(0)]
    for choice in range(1, wanted):
        for attempt in range(_TRIES):
            one = draw(choice + attempt * wanted)
            if one not in found:
                break
        found.append(one)
    return replace(found[0], others=tuple(found[1:]))
