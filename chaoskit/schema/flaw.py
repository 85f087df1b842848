"""Whether a JSON Schema is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

import orjson
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]  # no types
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # ships no types

__all__ = ["flaw", "written"]

_LARGE = 64 * 1024  # characters of a schema that is not remembered
_ANY_FORMAT = FormatChecker(())  # patterns may be those of another language


def flaw(schema: Mapping[str, object]) -> str:
    """Return why a schema is none of draft 2020-12, as validators say it; empty when it is one."""
    try:
        text = written(schema)
        return _flaw(text) if len(text) < _LARGE else _flaw.__wrapped__(text)
    except RecursionError:
        return "it is nested too deeply"


def written(schema: Mapping[str, object]) -> str:
    """Return a schema as JSON.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        return orjson.dumps(schema).decode()
    except TypeError:  # what only Python can write
        return json.dumps(schema)


@lru_cache(maxsize=512)
def _flaw(text: str) -> str:
    try:
        Draft202012Validator.check_schema(json.loads(text), format_checker=_ANY_FORMAT)
    except SchemaError as error:
        return str(error.message)
    return ""
