"""How alike two tool results are, in time linear in their length."""

from __future__ import annotations

import json
import re
from zlib import crc32

from chaoskit_guards.forks import own_lock

__all__ = ["alike", "overlap", "shingles"]

_VOLATILE = re.compile(  # a class comes first, because that is what `re` skips to
    r"[0-9a-f](?<!\w.)(?:"
    r"[0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|(?<=\d)(?:\d{3}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:z|[+-]\d\d:?\d\d)?"
    r"|\d:\d\d:\d\d(?:\.\d+)?\b"
    r"|\d*(?:\.\d+)?\s?(?:ms|us|ns|seconds?|secs?)\b"
    r"|\d{6,}\b)"
    r"|(?P<hex>[0-9a-f]{11,63}\b))"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?P<share>\s?(?:%|percent\b|(?P<of>(?:/|of)\s?\d+)))?")
_TRY = re.compile(r"\b(?:attempt|retry|try)\W{0,2}$")
_WORD = re.compile(r"\w+|[^\w\s]")
_PROSE = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = 4
"""Words from which a text is a sentence; in shorter ones and in data the numbers are the news."""
_MOST = 2_048
_KEPT = 64


class _Cache:
    """The latest shingles, by text."""

    def __init__(self) -> None:
        self._lock = own_lock(self)
        self._known: dict[tuple[int, int], frozenset[int]] = {}
        self.get = self._known.get

    def put(self, key: tuple[int, int], found: frozenset[int]) -> None:
        """Keep them, in place of the oldest."""
        with self._lock:
            if len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = found


_cache = _Cache()


def shingles(value: object) -> frozenset[int]:
    """Return the hashes of a result's runs of three words.

    Times, ids and counters are masked, and in sentences all numbers that are no share (`40 %`, `3
    of 9`). Of very long texts an even sample by hash is kept, so that sets stay small and
    comparable.
    """
    text = _text(value)
    key = hash(text), len(text)  # the text itself may be large
    found = _cache.get(key)
    if found is None:
        found = _shingles(text)
        _cache.put(key, found)
    return found


def _shingles(text: str) -> frozenset[int]:
    masked = _VOLATILE.sub(_unless_word, text.casefold())
    if masked.lstrip()[:1] not in ("{", "[") and _is_sentence(masked):
        masked = _NUMBER.sub(_masked, masked)
    codes = [crc32(word.encode("utf-8", "surrogatepass")) for word in _WORD.findall(masked)]
    if len(codes) < 3:
        return frozenset([crc32(repr(codes).encode())])
    found = {
        (a * 31 + b * 17 + c) * 2_654_435_761 & 0xFFFFFFFF
        for a, b, c in zip(codes, codes[1:], codes[2:], strict=False)
    }
    if len(found) > _MOST:
        return frozenset(sorted(found)[:_MOST])
    return frozenset(found)


def _is_sentence(text: str) -> bool:
    words = _PROSE.finditer(text)
    return sum(1 for _, _ in zip(range(_SENTENCE), words, strict=False)) == _SENTENCE


def _unless_word(match: re.Match[str]) -> str:
    return match[0] if match["hex"] and match[0].isalpha() else "0"


def _masked(match: re.Match[str]) -> str:
    if not match["share"]:
        return "0"
    again = match["of"] and _TRY.search(match.string, max(0, match.start() - 10), match.start())
    return "0" if again else match[0]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def overlap(first: frozenset[int], second: frozenset[int]) -> float:
    """Return the share of what two sets of shingles have in common, 0 to 1."""
    if first is second:
        return 1.0
    if len(first) == _MOST or len(second) == _MOST:
        bound = min(max(first), max(second))
        first = frozenset(code for code in first if code <= bound)
        second = frozenset(code for code in second if code <= bound)
    common = len(first & second)
    union = len(first) + len(second) - common
    return common / union if union else 1.0


def alike(one: object, other: object) -> float:
    """Return the share of what two results have in common, 0 to 1."""
    return overlap(shingles(one), shingles(other))
