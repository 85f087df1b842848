"""JSON at the wire: compact, in the order of the sender, in UTF-8."""

from __future__ import annotations

from json import JSONEncoder
from typing import Any, TypeAlias

__all__ = ["Json", "dumps"]

Json: TypeAlias = dict[str, Any]

_unicode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ascii = JSONEncoder(separators=(",", ":")).encode


def dumps(value: object) -> str:
    """Return compact JSON that can be encoded in UTF-8."""
    text = _unicode(value)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return _ascii(value)
    return text
