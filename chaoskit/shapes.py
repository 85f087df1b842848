"""Results that are JSON text, or values that become it: what several faults do to either."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["parsed", "with_text"]


def parsed(value: Any) -> tuple[Any, bool]:
    """Return a value, or what its text is the JSON of, and whether it was text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value), True
        except ValueError:
            pass
    return value, False


def with_text(value: Any, text: str) -> Any:
    """Return a value of the same shape that also says `text`."""
    inner, was_text = parsed(value)
    changed = _with(inner, text)
    return json.dumps(changed, ensure_ascii=False) if was_text else changed


def _with(value: Any, text: str) -> Any:
    match value:
        case str():
            return f"{value}\n\n{text}" if value else text
        case dict():
            lists = [name for name, inner in value.items() if isinstance(inner, list)]
            if lists:
                return {**value, lists[0]: _with(value[lists[0]], text)}
            return {**value, "note": text}
        case list() | tuple():
            sample = value[0] if value else None
            if not isinstance(sample, dict):
                return [*value, text]
            longest = max(sample, key=lambda name: len(str(sample[name])), default="note")
            return [*value, {**sample, longest: text}]
        case _:
            return text if value is None else f"{value}\n\n{text}"
