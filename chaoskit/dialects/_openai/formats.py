"""The form that the answer has to have: any text, any JSON object, or JSON of a schema."""

from __future__ import annotations

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.strict import flaw as strict_flaw
from chaoskit.dialects._refused import invalid
from chaoskit.schema.flaw import flaw
from chaoskit.schema.usable import usable

__all__ = ["json_schema", "kind_of"]

_KINDS = ("json_object", "json_schema", "text")


def kind_of(wanted: Json, path: str) -> str:
    """Return the kind of a format."""
    kind = values.required(wanted, "type", f"{path}.type")
    return values.one_of(kind, _KINDS, f"{path}.type")


def json_schema(wanted: Json, path: str, *, param: str, code: str | None) -> Json | None:
    """Return the schema of a format, or None when it has none; it is looked at.

    Args:
        param, code: of the error where the schema has a flaw.
    """
    name = values.string(values.required(wanted, "name", f"{path}.name"), f"{path}.name")
    if wanted.get("schema") is None:
        return None
    schema = values.record(wanted["schema"], f"{path}.schema")
    problem = strict_flaw(schema) if wanted.get("strict") is True else ""
    if not problem and (found := flaw(schema)):
        problem = f"{found}."
    if problem:
        raise invalid(
            f"Invalid schema for response_format '{name}': {problem}", param=param, code=code
        )
    return usable(schema)
