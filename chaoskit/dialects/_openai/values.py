"""Checks of single JSON values, with the texts, params and codes of production."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import RefusedError, invalid

__all__ = [
    "array",
    "boolean",
    "filled",
    "integer",
    "number",
    "one_of",
    "record",
    "required",
    "short",
    "string",
    "wrong_type",
]

_TYPES: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def wrong_type(value: object, expected: str, param: str) -> RefusedError:
    """Return the error for a value of another type."""
    return invalid(
        f"Invalid type for '{param}': expected {expected}, but got {_TYPES[type(value)]} instead.",
        param=param,
        code="invalid_type",
    )


def required(record: Mapping[str, Any], key: str, param: str) -> Any:
    """Return the field; `param` is that of the field itself."""
    try:
        return record[key]
    except KeyError:
        raise invalid(
            f"Missing required parameter: '{param}'.",
            param=param,
            code="missing_required_parameter",
        ) from None


def string(value: object, param: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise wrong_type(value, "a string", param)
    return value


def short(text: str, param: str, longest: int) -> str:
    """Return a text that has not too many characters."""
    if len(text) > longest:
        raise invalid(
            f"Invalid '{param}': string too long. Expected a string with maximum length "
            f"{longest}, but got a string with length {len(text)} instead.",
            param=param,
            code="string_above_max_length",
        )
    return text


def boolean(value: object, param: str) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise wrong_type(value, "a boolean", param)
    return value


def integer(value: object, param: str, least: int, most: int | None = None) -> int:
    """Return a whole number within its bounds."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(value, "an integer", param)
    _bounds(value, param, "integer", least, most)
    return value


def number(value: object, param: str, least: float, most: float) -> float:
    """Return a number within its bounds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong_type(value, "a decimal", param)
    _bounds(value, param, "decimal", least, most)
    return value


def _bounds(value: float, param: str, kind: str, least: float, most: float | None) -> None:
    if value < least:
        edge, sign, bound = "below minimum", ">=", least
        code = f"{kind}_below_min_value"
    elif most is not None and value > most:
        edge, sign, bound = "above maximum", "<=", most
        code = f"{kind}_above_max_value"
    else:
        return
    raise invalid(
        f"Invalid '{param}': {kind} {edge} value. Expected a value {sign} {bound:g}, "
        f"but got {value} instead.",
        param=param,
        code=code,
    )


def array(value: object, param: str, of: str = "objects") -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise wrong_type(value, f"an array of {of}", param)
    return value


def filled(value: object, param: str) -> list[Any]:
    """Return a list that is not empty."""
    items = array(value, param)
    if not items:
        raise invalid(
            f"Invalid '{param}': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            param=param,
            code="empty_array",
        )
    return items


def record(value: object, param: str) -> Json:
    """Return an object."""
    if not isinstance(value, dict):
        raise wrong_type(value, "an object", param)
    return value


def one_of(value: object, choices: tuple[str, ...], param: str) -> str:
    """Return one of a few texts."""
    text = string(value, param)
    if text in choices:
        return text
    *others, last = (f"'{choice}'" for choice in choices)
    comma = "," if len(others) > 1 else ""
    supported = f"{', '.join(others)}{comma} and {last}" if others else last
    raise invalid(
        f"Invalid value: '{text}'. Supported values are: {supported}.",
        param=param,
        code="invalid_value",
    )
