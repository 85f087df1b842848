"""JSON Schemas of objects, in short: `{ query = "string", limit = "integer?" }`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["check_short", "expanded"]

_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_SCHEMA_WORDS = ("properties", "$ref", "allOf", "anyOf", "oneOf")


def check_short(written: Mapping[str, Any], what: str) -> None:
    """Make sure that a schema is written in short, or is a full one.

    Raises:
        ValueError: it is neither; `what` are the properties called in the text.
    """
    wrong = [
        name
        for name, kind in written.items()
        if not isinstance(kind, dict) and str(kind).removesuffix("?") not in _TYPES
    ]
    if wrong and not _is_full(written):
        raise ValueError(
            f"the {what} {', '.join(wrong)} need a type: one of {', '.join(_TYPES)}, with "
            "'?' after it where optional, or a JSON Schema"
        )


def expanded(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the full JSON Schema."""
    if _is_full(written):
        return dict(written)
    return {
        "type": "object",
        "properties": {
            name: {"type": kind.removesuffix("?")} if isinstance(kind, str) else kind
            for name, kind in written.items()
        },
        "required": [
            name
            for name, kind in written.items()
            if not (isinstance(kind, str) and kind.endswith("?"))
        ],
    }


def _is_full(written: Mapping[str, Any]) -> bool:
    return written.get("type") == "object" or any(word in written for word in _SCHEMA_WORDS)
