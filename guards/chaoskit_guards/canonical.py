"""Tool arguments and results in one canonical form, so that the same call looks the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from operator import itemgetter
from typing import Any
from zlib import crc32

__all__ = [
    "VOLATILE",
    "call_key",
    "canonical",
    "outcome",
    "parsed",
    "plain_name",
    "result_key",
    "words",
]

VOLATILE = frozenset(
    {
        "callid",
        "correlationid",
        "idempotencykey",
        "nonce",
        "requestid",
        "spanid",
        "timestamp",
        "toolcallid",
        "traceid",
        "ts",
    }
)
"""Arguments that change with every call and mean nothing, in the form that `plain_name` gives."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_WORD = re.compile(r"\w+")
_NOTHING = re.compile(
    r"\b(?:no|zero|0|without)\s+(?:\w+\s+){0,2}"
    r"(?:results?|match(?:es)?|hits?|entries|records?|rows?|documents?|items?|data|articles?|news)\b"
    r"|\bnothing\s+(?:was\s+)?found\b|\bnot?\s+found\b|\bnone\s+found\b|\bno such\b",
    re.IGNORECASE,
)
_first = itemgetter(0)


@lru_cache(maxsize=4_096)
def plain_name(key: str) -> str:
    """Return a name without its style: `request_id`, `requestId` and `Request-Id` are one."""
    return key.replace("_", "").replace("-", "").lower()


_DEEP = 16
_SHORT = 300


def canonical(value: object, ignore: Collection[str] = VOLATILE, depth: int = 0) -> object:
    """Return a value that is equal for calls that mean the same.

    Key order, spelling (case, blanks), 1 and 1.0, absent and null, and volatile keys do not count.
    """
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if depth > _DEEP:
        return "..."
    if isinstance(value, (dict, Mapping)):  # the class first, without the detour over the abstract
        return _pairs(value, ignore, depth)
    if isinstance(value, (list, tuple)):
        return [canonical(item, ignore, depth + 1) for item in value]
    if isinstance(value, AbstractSet):
        return sorted([repr(canonical(item, ignore, depth + 1)) for item in value])
    return _ADDRESS.sub("", repr(value))


def _pairs(value: Mapping[Any, object], ignore: Collection[str], depth: int) -> object:
    pairs = []
    for key, item in value.items():
        name = str(key)
        if item is not None and not (ignore and plain_name(name) in ignore):
            pairs.append((name, canonical(item, ignore, depth + 1)))
    pairs.sort(key=_first)
    return tuple(pairs)


def parsed(args: object) -> object:
    """Return arguments that came as JSON text as what they say."""
    if isinstance(args, str) and args[:1] in "{[" and args:
        try:
            return json.loads(args)
        except ValueError:
            return args
    return args


def _digest(value: object) -> bytes:
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def call_key(name: str, args: object, ignore: Collection[str] = VOLATILE) -> bytes:
    """Return a short key that two calls share exactly when they mean the same."""
    return _digest((name, canonical(parsed(args), ignore)))


def result_key(result: object) -> bytes:
    """Return a short key of a result; any change in it is progress."""
    return _digest(canonical(result, ()))


def outcome(result: object) -> str:
    """Return what a result brought: `empty`, `error` or `value`."""
    value = parsed(result)
    if isinstance(value, str):
        return _of_text(value)
    if _is_empty(value):
        return "empty"
    if isinstance(value, Mapping):
        if value.get("is_error") or value.get("error"):
            return "error"
        return "value"
    return "error" if isinstance(value, BaseException) else "value"


def _of_text(text: str) -> str:
    if len(text) > _SHORT:
        return "value" if text.strip() else "empty"
    if not text.strip() or _NOTHING.search(text):
        return "empty"
    return "error" if text.lstrip()[:5].lower() == "error" else "value"


def _is_empty(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, Mapping):
        bodies = [item for key, item in value.items() if not isinstance(item, (bool, int, float))]
        found = [
            item
            for item in bodies
            if isinstance(item, (Mapping, list, tuple, AbstractSet)) or item is None or item == ""
        ]
        return not value or (bool(found) and all(not item for item in found))
    return isinstance(value, (list, tuple, AbstractSet)) and not value


def words(args: object, limit: int = 48) -> frozenset[int]:
    """Return hashes of the words in the values: what rephrased queries have in common."""
    found: list[str] = []
    _collect(parsed(args), found)
    return frozenset([crc32(word.encode("utf-8", "surrogatepass")) for word in found[:limit]])


def _collect(value: object, found: list[str], depth: int = 0) -> None:
    if isinstance(value, str):
        found.extend(_WORD.findall(value[:1_000].casefold()))
    elif isinstance(value, (int, float)):
        found.append(str(value))
    elif depth <= _DEEP and isinstance(value, Mapping):
        for item in value.values():
            _collect(item, found, depth + 1)
    elif depth <= _DEEP and isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, found, depth + 1)
