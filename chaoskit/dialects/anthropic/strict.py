"""The part of JSON Schema to which the model can be held, in its answer or in a call of a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from chaoskit.dialects._json import Json, dumps
from chaoskit.schema.flaw import flaw as malformed

__all__ = ["flaw"]

_LARGE = 64 * 1024  # characters of a schema that is not remembered
_SAYS_NOTHING = frozenset(
    {
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
_DEFINITIONS = ("$defs", "definitions")
_ALONE = frozenset({"additionalProperties", "discriminator", "properties", "required", "type"})
_BOUNDS = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
_UNSUPPORTED = {
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "array": frozenset({"contains", "maxItems", "prefixItems", "uniqueItems"}),
    "object": frozenset(
        {
            "dependentRequired",
            "dependentSchemas",
            "else",
            "if",
            "maxProperties",
            "minProperties",
            "patternProperties",
            "propertyNames",
            "then",
            "unevaluatedProperties",
        }
    ),
}
_FORMATS = frozenset(
    {
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "time",
        "uri",
        "uuid",
    }
)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "string": str,
}
_TOKEN = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\(\?<?[=!]", re.DOTALL)


def flaw(schema: Json) -> str:
    """Return why production cannot hold the model to a schema, empty when it can.

    Args:
        schema: is one of draft 2020-12.
    """
    text = dumps(schema)
    return _flaw(text) if len(text) < _LARGE else _flaw.__wrapped__(text)


@lru_cache(maxsize=512)
def _flaw(text: str) -> str:
    schema = json.loads(text)
    try:
        return next(_flaws(schema, schema, ("#",), set()), "")
    except RecursionError:
        return "Schema is too complex for compilation."


def _flaws(node: Any, root: Json, within: tuple[str, ...], seen: set[str]) -> Iterator[str]:
    """Yield what is wrong with a schema and with those inside of it and behind its references.

    Args:
        within: the references that led here.
        seen: the references that need not be followed again.
    """
    if not isinstance(node, dict):
        return
    if "$ref" in node:
        yield from _behind(node["$ref"], root, within, seen)
    elif not node.keys() - _SAYS_NOTHING:
        yield (
            "Empty schema ({}) that accepts any JSON value is not supported. "
            "Please specify a concrete type."
        )
    yield from _combined(node)
    yield from _enumerated(node)
    kinds = node.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        yield from _typed(node, kind)
    for inner in _inside(node):
        yield from _flaws(inner, root, within, seen)


def _inside(node: Json) -> Iterator[object]:
    yield from node.get("properties", {}).values()
    yield node.get("items")
    yield from node.get("anyOf", ())
    yield from node.get("allOf", ())
    yield from node.get("$defs", {}).values()
    yield from node.get("definitions", {}).values()


def _behind(reference: str, root: Json, within: tuple[str, ...], seen: set[str]) -> Iterator[str]:
    if reference in within:
        names = [place.rpartition("/")[2] for place in within[within.index(reference) :]]
        yield (
            "Invalid schema: Circular reference detected in schema definitions: "
            f"{' -> '.join([*names, names[0]])}. Self-referencing or mutually-referencing "
            "definitions are not supported."
        )
    elif reference not in seen:
        found, target = _target(reference, root)
        if not found:
            yield f"Invalid schema: Reference to non-existent definition: {reference}"
            return
        yield from _flaws(target, root, (*within, reference), seen)
        seen.add(reference)


def _target(reference: str, root: Json) -> tuple[bool, object]:
    """Return whether a reference leads to a place in the schema, and what stands there."""
    here: Any = root
    if not reference.startswith("#/"):
        return reference == "#", here
    steps = reference[2:].split("/")
    for step in steps:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and name.isdecimal() and int(name) < len(here):
            here = here[int(name)]
        elif isinstance(here, dict) and name in here:
            here = here[name]
        else:
            return False, None
    if len(steps) == 2 and steps[0] in _DEFINITIONS:  # looked at with the whole
        return True, here
    return not isinstance(here, dict) or not malformed(here), here


def _combined(node: Json) -> Iterator[str]:
    if "not" in node:
        yield "Schema keyword 'not' is not supported"
    if "oneOf" in node:
        yield "Schema type 'oneOf' is not supported"
    beside = sorted(node.keys() & _ALONE) if "anyOf" in node else ()
    if beside:
        yield f"For 'anyOf', '{', '.join(beside)}' is not supported"


def _enumerated(node: Json) -> Iterator[str]:
    """Yield the values of an enumeration that are not of the one type that stands beside it."""
    kind = node.get("type")
    for value in node.get("enum", ()):
        if isinstance(value, dict | list):
            yield f"Invalid schema: Enum value {value!r} is not supported"
        if kind is not None and not _is_of(value, kind):
            yield f"Invalid schema: Enum value {value!r} does not match declared type '{kind}'"


def _is_of(value: object, kind: object) -> bool:
    if isinstance(kind, list):
        return False
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, float) and value.is_integer() and kind == "integer":
        return True
    return isinstance(value, _TYPES.get(str(kind), ()))


def _typed(node: Json, kind: object) -> Iterator[str]:
    if kind == "object":
        yield from _closed(node)
    if kind == "array" and node.get("minItems", 0) not in (0, 1):
        most = node.get("maxItems", "∞")
        yield (
            "For 'array' type, 'minItems' values other than 0 or 1 are not supported "
            f"(got: [{node['minItems']}, {most}])"
        )
    if kind == "string":
        yield from _written(node)
    found = sorted(node.keys() & _UNSUPPORTED.get(str(kind), frozenset()))
    if len(found) == 1:
        yield f"For '{kind}' type, property '{found[0]}' is not supported"
    elif found:
        yield f"For '{kind}' type, properties {', '.join(found)} are not supported"


def _closed(node: Json) -> Iterator[str]:
    more = node.get("additionalProperties")
    if more is None:
        yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
    elif more is not False:
        given = "true" if more is True else "object"
        yield (
            f"For 'object' type, 'additionalProperties: {given}' is not supported. "
            "Please set 'additionalProperties' to false"
        )


def _written(node: Json) -> Iterator[str]:
    """Yield what the format and the pattern of a string ask for in vain."""
    form = node.get("format")
    if form is not None and form not in _FORMATS:
        yield f"For 'string' type, format '{form}' is not supported"
    for token in _TOKEN.findall(node.get("pattern", "")):
        if token.startswith("(?"):
            yield "Invalid regex in pattern field: Quantifier '?' without preceding element"
        elif token[0] == "\\" and token[1] in "bB123456789":
            yield f"Invalid regex in pattern field: '{token}' is not supported"
