"""Random texts for ids."""

from __future__ import annotations

import random
from itertools import cycle, islice

__all__ = ["Alphabet"]


class Alphabet:
    """The characters of which ids of one kind consist."""

    def __init__(self, characters: str) -> None:
        self._table = bytes(islice(cycle(characters.encode()), 256))

    def draw(self, ids: random.Random, length: int) -> str:
        """Return a random text."""
        return ids.randbytes(length).translate(self._table).decode()
