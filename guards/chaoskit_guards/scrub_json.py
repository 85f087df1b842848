"""JSON within a text, scrubbed in place: what is no secret keeps its spelling and spacing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["parsed", "patched"]

_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*+"|[^\s\[\]{},:"]++', re.DOTALL)


def parsed(text: str) -> Any:
    """Return the list or object that a text is in JSON, or None when it is no JSON."""
    if text[-1] not in "}] \t\r\n":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def patched(text: str, before: Any, after: Any) -> str:
    """Return the JSON text of `before` with the scalars that differ in `after` replaced."""
    parts: list[str] = []
    done = 0
    changes = zip(_scalars(before), _scalars(after), strict=True)
    ascii_only = text.isascii()
    try:
        for token, (old, new) in zip(_SCALAR.finditer(text), changes, strict=True):
            if old is not new and old != new:
                parts += [text[done : token.start()], json.dumps(new, ensure_ascii=ascii_only)]
                done = token.end()
    except ValueError:  # a key that stands twice in one object is one key afterwards
        return json.dumps(after, ensure_ascii=ascii_only)
    return "".join([*parts, text[done:]])


def _scalars(data: Any) -> Iterator[Any]:
    """Yield the keys and scalars of parsed JSON in the order in which they are written."""
    stack = [iter((data,))]
    while stack:
        for item in stack[-1]:
            if isinstance(item, dict):
                stack.append(part for pair in item.items() for part in pair)
                break
            if isinstance(item, list):
                stack.append(iter(item))
                break
            yield item
        else:
            stack.pop()
