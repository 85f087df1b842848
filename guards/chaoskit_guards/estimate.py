"""How many tokens a text is, without a vocabulary and without the network.

The estimate counts classes of characters and their neighbourhoods (a word after a blank, a capital
inside a word, digits in threes, one ideograph) and weighs them. There are two sets of weights: a
least-squares fit against the o200k vocabulary over prose, code, JSON, logs, ids, base64 and
eighteen languages; and, for those who must not be below, the smallest ones that are not, over the
same and a hundred languages more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["bound_text", "estimate_text"]

_LONGEST = 65_536  # characters of a text that is remembered


class _Features:
    """Patterns and what they weigh; those whose rarest class is absent are not looked for."""

    __slots__ = ("_groups",)

    def __init__(self, *pairs: tuple[bytes, float]) -> None:
        groups: dict[int, list[tuple[bytes, float]]] = {}
        for pattern, weight in pairs:
            rarest = next(code for code in b"nU0.KLPEGRIJHO ca" if code in pattern)
            groups.setdefault(rarest, []).append((pattern, weight))
        self._groups = list(groups.items())

    def times(self, text: bytes) -> float:
        total = 0.0
        for rarest, pairs in self._groups:
            if rarest in text:
                for pattern, weight in pairs:
                    total += weight * text.count(pattern)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    ascii: _Features
    clusters: _Features
    wide: _Features
    at_least: float = 0.0


def _classes() -> tuple[bytes, bytes, bytes]:
    table = bytearray(b"." * 256)
    for code in range(128):
        char = chr(code)
        if char.islower():
            table[code] = ord("v" if char in "aeiou" else "c")
        elif char.isupper():
            table[code] = ord("U")
        elif char.isdigit():
            table[code] = ord("0")
        elif char == " ":
            table[code] = ord(" ")
        elif char.isspace():
            table[code] = ord("n")
    blocks = [  # first byte of a character in UTF-8, by script
        (0xC2, 0xCD, "L"),  # accented Latin
        (0xCE, 0xD4, "G"),  # Greek, Cyrillic
        (0xD5, 0xDF, "R"),  # Armenian, Hebrew, Arabic
        (0xE0, 0xE0, "I"),  # Indic, Thai
        (0xE1, 0xE1, "J"),  # Georgian, Vietnamese
        (0xE2, 0xE2, "P"),  # typographic punctuation
        (0xE3, 0xE3, "K"),  # kana
        (0xE4, 0xE9, "H"),  # Han
        (0xEA, 0xED, "O"),  # Hangul
        (0xEE, 0xFF, "E"),  # emoji and the rest
    ]
    for first, last, char in blocks:
        table[first : last + 1] = char.encode() * (last - first + 1)
    letters = bytes(ord("a") if code in b"vc" else code for code in range(256))
    return bytes(table), bytes(range(0x80, 0xC0)), letters


_CLASS, _CONTINUATION, _LETTER = _classes()

_ESTIMATE = _Weights(
    ascii=_Features(
        (b" a", 0.93),
        (b" U", 0.93),
        (b".a", 0.8),
        (b".U", 0.8),
        (b"na", 1.76),
        (b"nU", 1.76),
        (b"aU", 2.0),
        (b"0a", 1.0),
        (b"0U", 1.0),
        (b"UU", 0.24),
        (b"aaaaaaa", 0.7),
        (b"0", 0.73),
        (b"000", -0.6),
        (b".", 0.61),
        (b"..", -0.6),
        (b"n", 0.62),
        (b"nn", -0.42),
        (b"  ", 0.38),
        (b"n ", -0.46),
    ),
    clusters=_Features((b"ccc", 0.28), (b"cccc", -0.04)),
    wide=_Features(
        (b"L", 0.87),
        (b"G", 0.25),
        (b"R", 0.25),
        (b"I", 0.48),
        (b"J", 0.25),
        (b"P", 0.6),
        (b"K", 1.14),
        (b"H", 0.57),
        (b"O", 0.57),
        (b"E", 1.73),
        (b" G", 0.8),
        (b" R", 1.15),
        (b" O", 0.8),
        (b"KK", -0.6),
    ),
)

_BOUND = _Weights(
    ascii=_Features(
        (b" a", 0.82),
        (b" U", 3.44),
        (b".a", 0.64),
        (b".U", 1.22),
        (b"na", 1.49),
        (b"nU", 0.12),
        (b"aU", 2.93),
        (b"0a", 1.07),
        (b"0U", 0.47),
        (b"UU", 0.32),
        (b"aaaaaaa", 2.2),
        (b"0", 0.82),
        (b"000", -0.66),
        (b".", 1.11),
        (b"..", -0.66),
        (b"nn", -0.46),
        (b"  ", 0.94),
        (b"n ", -0.5),
    ),
    clusters=_Features((b"ccc", 0.8)),
    wide=_Features(
        (b"L", 1.83),
        (b"R", 0.78),
        (b"I", 0.89),
        (b"J", 2.79),
        (b"P", 1.76),
        (b"K", 0.24),
        (b"H", 2.14),
        (b"O", 0.64),
        (b"E", 1.64),
        (b" G", 4.47),
    ),
    at_least=3.3,
)
"""The least that was above the count of the o200k vocabulary for every text, and a tenth more."""


def _weight(text: str, weights: _Weights) -> float:
    """Return what a text weighs; system prompts and tools come again with every request."""
    return (_remembered if len(text) <= _LONGEST else _weigh)(text, weights)


def _weigh(text: str, weights: _Weights) -> float:
    fine = (" " + text).encode("utf-8", "surrogatepass").translate(_CLASS, _CONTINUATION)
    coarse = fine.translate(_LETTER)
    total = weights.at_least + weights.ascii.times(coarse) + weights.clusters.times(fine)
    if not text.isascii():
        total += weights.wide.times(coarse)
    # A run without any structure, such as one letter repeated, has no feature but its length.
    return max(total, coarse.count(b"a") // 7) if total < len(coarse) // 7 else total


_remembered = lru_cache(maxsize=512)(_weigh)


def estimate_text(text: str) -> int:
    """Return the estimated number of tokens of `text`; 0 only for the empty text."""
    return max(1, round(_weight(text, _ESTIMATE))) if text else 0


def bound_text(text: str) -> int:
    """Return a number of tokens that `text` hardly ever exceeds, and never in the worst case.

    No vocabulary of bytes needs more than one token a byte.
    """
    if not text:
        return 0
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return max(1, min(size, math.ceil(_weight(text, _BOUND))))
