"""The name and the schema of a function that the model may call."""

from __future__ import annotations

import re

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.strict import flaw
from chaoskit.dialects._refused import invalid

__all__ = ["name_of", "schema_of"]

_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
_LONGEST_NAME = 64


def name_of(value: object, param: str) -> str:
    """Return the name of a function."""
    name = values.string(value, param)
    if not _NAME.match(name):
        raise invalid(
            f"Invalid '{param}': string does not match pattern. Expected a string that matches "
            "the pattern '^[a-zA-Z0-9_-]+$'.",
            param=param,
            code="invalid_value",
        )
    values.short(name, param, _LONGEST_NAME)
    return name


def schema_of(function: Json, name: str, path: str) -> Json:
    """Return the schema of a function's arguments; `path` leads to the function."""
    parameters = function.get("parameters")
    if parameters is None:
        return {"type": "object", "properties": {}}
    schema = values.record(parameters, f"{path}.parameters")
    problem = ""
    if schema and schema.get("type") != "object":
        kind = schema.get("type")
        problem = f"""schema must be a JSON Schema of 'type: "object"', got 'type: "{kind}"'."""
    elif function.get("strict") is True:
        problem = flaw(schema)
    if problem:
        raise invalid(
            f"Invalid schema for function '{name}': {problem}",
            param=f"{path}.parameters",
            code="invalid_function_parameters",
        )
    return schema
