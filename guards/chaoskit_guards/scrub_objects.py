"""How objects show in a log, and which data only describes a secret."""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["as_text", "is_schema", "shown"]

_SCHEMA_TYPES = frozenset(
    """string object array number integer boolean null String str apiKey http oauth2 openIdConnect
    mutualTLS password text hidden""".split()
)
_SCHEMA_KEYS = ("$ref", "anyOf", "oneOf", "allOf", "properties", "enum")


def shown(value: object) -> str | None:
    """Return how an object looks in a log, or None if it cannot be shown."""
    try:
        if isinstance(value, BaseException):
            return f"{type(value).__name__}: {value}"
        text, plain = repr(value), str(value)
    except Exception:  # noqa: BLE001 - whatever logs it would fail in the same way
        return None
    return text if plain == text else f"{text}\n{plain}"


def as_text(value: object) -> str:
    """Return a secret that is no text as one, for its fingerprint; empty if it has none."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("latin-1")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - it is taken out all the same
        return ""


def is_schema(value: Mapping[Any, Any]) -> bool:
    """Tell whether this describes an argument, as the schema of a tool does."""
    if any(key in value for key in _SCHEMA_KEYS):
        return True
    kind = value.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return bool(kinds) and all(isinstance(k, str) and k in _SCHEMA_TYPES for k in kinds)
