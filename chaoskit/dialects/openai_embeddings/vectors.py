"""Vectors of texts: the same text has the same one, texts that share words have similar ones."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from math import sqrt
from struct import pack

__all__ = ["size_of", "vector"]

_WORD = re.compile(r"\w+")
_PLACES = 16  # of a vector that one word changes
_OWN = 0.25  # weight of the whole text, beside 1 for each of its words
_DEFAULT = 1536
_SIZES = {"text-embedding-3-large": 3072}


def size_of(model: str) -> int:
    """Return how many dimensions a model gives."""
    return _SIZES.get(model, _DEFAULT)


def vector(text: str, model: str, size: int) -> bytes:
    """Return a vector of length 1, as 32-bit floats, the lowest byte first.

    A smaller one is the beginning of a larger one, made longer.
    """
    whole = [0.0] * size_of(model)
    for word in _WORD.findall(text.casefold()):
        _add(whole, word, 1.0)
    _add(whole, f"\0{text}", _OWN)
    made = whole[:size]
    length = sqrt(sum(value * value for value in made))
    if not length:  # nothing fell into the beginning
        made[len(text) % size] = length = 1.0
    return pack(f"<{size}f", *[value / length for value in made])


def _add(whole: list[float], word: str, weight: float) -> None:
    for place, sign in _places(word):
        whole[place % len(whole)] += weight * sign


@lru_cache(maxsize=4096)
def _places(word: str) -> tuple[tuple[int, float], ...]:
    """Return where a word stands in a vector, and in which direction."""
    data = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4 * _PLACES).digest()
    numbers = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
    return tuple([(number >> 1, 1.0 if number & 1 else -1.0) for number in numbers])
