"""One seed, many independent random generators, each named by a path."""

from __future__ import annotations

import random
from hashlib import blake2b

__all__ = ["derive", "number"]


def number(seed: int, *path: str | int) -> int:
    """Return a 64-bit number that depends on the seed and the whole path, and on nothing else."""
    text = "/".join([str(seed), *[f"{type(part).__name__}:{part}" for part in path]])
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def derive(seed: int, *path: str | int) -> random.Random:
    """Return the generator that belongs to `path`; the same seed and path give the same numbers."""
    return random.Random(number(seed, *path))  # noqa: S311 - simulation, not cryptography
