"""How alike two tool results are, in time linear in their length."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from zlib import crc32

__all__ = ["alike", "shingles"]

_VOLATILE = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b\d\d:\d\d:\d\d(?:\.\d+)?\b"
    r"|\b\d+(?:\.\d+)?\s?(?:ms|us|ns|seconds?|secs?)\b"
    r"|\b\d{7,}\b"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+|[^\w\s]")
_MOST = 2_048


@lru_cache(maxsize=64)
def shingles(text: str) -> frozenset[int]:
    """Return the hashes of the text's runs of three words; times, ids and counters are masked.

    Of very long texts an even sample by hash is kept, so that sets stay small and comparable.
    """
    masked = _VOLATILE.sub("0", text.casefold())
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


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)


def alike(one: object, other: object) -> float:
    """Return the share of what two results have in common, 0 to 1."""
    first, second = shingles(_text(one)), shingles(_text(other))
    if len(first) == _MOST or len(second) == _MOST:
        bound = min(max(first), max(second))
        first = frozenset(code for code in first if code <= bound)
        second = frozenset(code for code in second if code <= bound)
    union = len(first | second)
    return len(first & second) / union if union else 1.0
