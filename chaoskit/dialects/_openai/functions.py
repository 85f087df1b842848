"""The name and the schema of a function that the model may call."""

from __future__ import annotations

import re

from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.strict import flaw as strict_flaw
from chaoskit.dialects._refused import invalid
from chaoskit.exchange import ToolSpec
from chaoskit.schema.flaw import flaw
from chaoskit.schema.usable import usable

__all__ = ["spec"]

_NAME = re.compile(r"[a-zA-Z0-9_-]+\Z")
_LONGEST_NAME = 64


def spec(tool: Json, function: Json, path: str) -> ToolSpec:
    """Return a function that a tool offers; `path` leads to the function."""
    name = _name(values.required(function, "name", f"{path}.name"), f"{path}.name")
    description = function.get("description")
    if description is not None:
        values.string(description, f"{path}.description")
    strict = function.get("strict")
    return ToolSpec(
        name=name,
        description=description or "",
        schema=_schema(function, name, path),
        raw=dumps(tool),
        strict=strict is not None and values.boolean(strict, f"{path}.strict"),
    )


def _name(value: object, param: str) -> str:
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


def _schema(function: Json, name: str, path: str) -> Json:
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
        problem = strict_flaw(schema)
    if not problem and (found := flaw(schema)):
        problem = f"{found}."
    if problem:
        raise invalid(
            f"Invalid schema for function '{name}': {problem}",
            param=f"{path}.parameters",
            code="invalid_function_parameters",
        )
    return usable(schema)
