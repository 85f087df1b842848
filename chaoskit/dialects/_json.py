"""JSON at the wire: compact, in the order of the sender, in UTF-8."""

from __future__ import annotations

import json
from json import JSONEncoder
from typing import Any, TypeAlias

import orjson

__all__ = ["Json", "dumps", "encoded", "read"]

Json: TypeAlias = dict[str, Any]

_DIGITS = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_HUGE = b"0" * 18  # as long are integers that others round
_unicode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ascii = JSONEncoder(separators=(",", ":")).encode


def read(data: bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is none.
    """
    if _HUGE not in data.translate(_DIGITS):
        try:
            return orjson.loads(data)
        except ValueError:
            pass
    try:
        return json.loads(data, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError(str(error)) from None


def _refused(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def encoded(value: object) -> bytes:
    """Return compact JSON in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:  # what only Python can write: lone surrogates, huge integers, great depth
        pass
    try:
        return _unicode(value).encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return _ascii(value).encode()


def dumps(value: object) -> str:
    """Return compact JSON that can be encoded in UTF-8."""
    return encoded(value).decode()
