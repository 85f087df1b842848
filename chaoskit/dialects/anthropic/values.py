"""Checks of single JSON values; the texts are those of the API's own schema validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import invalid

__all__ = [
    "array",
    "boolean",
    "identifier",
    "integer",
    "known",
    "literal",
    "number",
    "record",
    "required",
    "string",
]

_IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]+\Z")


def required(record: Mapping[str, Any], key: str, path: str) -> Any:
    """Return the field; `path` is that of the field itself."""
    try:
        return record[key]
    except KeyError:
        raise invalid(f"{path}: Field required") from None


def known(record: Mapping[str, Any], allowed: AbstractSet[str], path: str) -> None:
    """Refuse fields that the schema does not have; `path` is empty or ends in a dot."""
    if not record.keys() <= allowed:
        extra = next(key for key in record if key not in allowed)
        raise invalid(f"{path}{extra}: Extra inputs are not permitted")


def string(value: object, path: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise invalid(f"{path}: Input should be a valid string")
    return value


def identifier(value: object, path: str) -> str:
    """Return an id of a tool call; ids of other providers are welcome."""
    text = string(value, path)
    if not _IDENTIFIER.match(text):
        raise invalid(f"{path}: String should match pattern '^[a-zA-Z0-9_-]+$'")
    return text


def integer(value: object, path: str, least: int) -> int:
    """Return a whole number that is not below `least`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"{path}: Input should be a valid integer")
    if value < least:
        raise invalid(f"{path}: Input should be greater than or equal to {least}")
    return value


def number(value: object, path: str, most: float) -> float:
    """Return a number from 0 to `most`."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid(f"{path}: Input should be a valid number")
    if value < 0:
        raise invalid(f"{path}: Input should be greater than or equal to 0")
    if value > most:
        raise invalid(f"{path}: Input should be less than or equal to {most:g}")
    return value


def boolean(value: object, path: str) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise invalid(f"{path}: Input should be a valid boolean")
    return value


def array(value: object, path: str) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise invalid(f"{path}: Input should be a valid list")
    return value


def record(value: object, path: str) -> Json:
    """Return an object."""
    if not isinstance(value, dict):
        raise invalid(f"{path}: Input should be a valid dictionary")
    return value


def literal(value: object, choices: tuple[str, ...], path: str) -> str:
    """Return one of a few texts."""
    if isinstance(value, str) and value in choices:
        return value
    *others, last = (f"'{choice}'" for choice in choices)
    words = f"{', '.join(others)} or {last}" if others else last
    raise invalid(f"{path}: Input should be {words}")
