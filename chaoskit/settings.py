"""Plain settings: what a scenario file writes and Python constructs, validated alike.

`@settings` makes a frozen, keyword-only dataclass that validates in construction and refuses
unknown names; the JSON Schema of the scenario format comes from the same fields. A field's
description is the string literal under it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, TypeVar, dataclass_transform
from weakref import WeakKeyDictionary

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

__all__ = [
    "Duration",
    "Share",
    "SomeTokens",
    "Tokens",
    "Usd",
    "defaults",
    "duration",
    "given",
    "settings",
]

T = TypeVar("T")

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d))")


def duration(value: object) -> float:
    """Return a duration in seconds from a number of seconds or a text such as "45m" or "1h30m".

    Raises:
        ValueError: it is neither, or negative.
    """
    if isinstance(value, bool):
        raise ValueError("a duration is a number of seconds or a text with a unit, such as '45m'")  # noqa: TRY004 - pydantic reports ValueErrors
    if isinstance(value, (int, float)):
        seconds = float(value)
    elif isinstance(value, str) and value.strip():
        text = value.strip().replace("_", "")
        parts = list(_DURATION.finditer(text))
        if not parts or "".join(part.group(0) for part in parts).replace(" ", "") != text.replace(
            " ", ""
        ):
            raise ValueError(
                f"{value!r} is not a duration; write a number of seconds or a text such as "
                "'250ms', '7s', '45m', '1h30m'"
            )
        seconds = sum(float(part["number"]) * _UNITS[part["unit"]] for part in parts)
    else:
        raise ValueError("a duration is a number of seconds or a text with a unit, such as '45m'")
    if not 0 <= seconds < float("inf"):
        raise ValueError("a duration is finite and not negative")
    return seconds


Duration = Annotated[
    float,
    BeforeValidator(duration),
    WithJsonSchema(
        {
            "description": "seconds, or a text with a unit: '250ms', '7s', '45m', '1h30m'",
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$"},
            ],
        }
    ),
]
"""A duration in seconds; in files a number or a text with a unit."""

Tokens = Annotated[int, Field(ge=0, json_schema_extra={"x-unit": "tokens"})]
"""A count of tokens."""

SomeTokens = Annotated[int, Field(ge=1, json_schema_extra={"x-unit": "tokens"})]
"""A count of tokens that is not zero."""

Usd = Annotated[float, Field(ge=0, allow_inf_nan=False, json_schema_extra={"x-unit": "US dollars"})]
"""An amount of money in US dollars."""

Share = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, json_schema_extra={"x-unit": "share, 0 to 1"})
]
"""A part of a whole, from 0 to 1."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
def settings(cls: type[T]) -> type[T]:
    """Make a frozen, keyword-only, validated dataclass whose unknown names are errors."""
    config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        use_attribute_docstrings=True,
        validate_default=True,  # a default may be written as in a file: "45m"
    )
    made: Any = dataclass(frozen=True, kw_only=True, config=config)(cls)
    return made  # type: ignore[no-any-return]  # pydantic's decorator is typed for itself


_DEFAULTS: WeakKeyDictionary[type, Mapping[str, Any]] = WeakKeyDictionary()


def defaults(cls: type) -> Mapping[str, Any]:
    """Return the defaults of settings by field name, as they are in an instance.

    Raises:
        ValueError: one is not what its own annotation asks for.
    """
    if (found := _DEFAULTS.get(cls)) is None:
        known: Mapping[str, FieldInfo] = cls.__pydantic_fields__  # type: ignore[attr-defined]  # `@settings` makes it
        found = _DEFAULTS[cls] = {
            name: _default(info) for name, info in known.items() if not info.is_required()
        }
    return found


def _default(info: FieldInfo) -> Any:
    kind: Any = info.annotation
    for more in info.metadata:
        kind = Annotated[kind, more]
    return TypeAdapter(kind).validate_python(
        info.get_default(call_default_factory=True, validated_data={})
    )


def given(value: object) -> dict[str, object]:
    """Return the settings that differ from their defaults, by field name, in order."""
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    usual = defaults(type(value))
    return {
        field.name: own
        for field in fields(value)
        if (own := getattr(value, field.name)) != usual.get(field.name, MISSING)
    }
