"""JSON Schemas compiled to checks, as MCP servers and both vendors write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit_guards.argchoices import AllOf, AnyOf, Later
from chaoskit_guards.argcontainers import NO_DEFAULT, Field, ListOf, Record, TupleOf
from chaoskit_guards.argnodes import (
    Anything,
    Boolean,
    Choice,
    Node,
    Null,
    Number,
    Text,
)

__all__ = ["compile_schema"]

Json = Mapping[str, Any]

_KNOWN = frozenset(
    {
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "nullable",
        "oneOf",
        "pattern",
        "prefixItems",
        "properties",
        "required",
        "type",
        "uniqueItems",
    }
)
_REMARKS = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "example",
        "examples",
        "format",
        "readOnly",
        "title",
        "writeOnly",
    }
)


def compile_schema(schema: Json) -> Record:
    """Return the check of a tool's input schema.

    A name that it does not list is refused where it lists names and says nothing about others.

    Raises:
        TypeError: it is no object schema, or uses a keyword that is not supported; said when the
            tool is declared.
    """
    node = _Compiler(schema).node(schema, "#")
    if not isinstance(node, Record):
        raise TypeError("the schema of a tool's arguments describes an object")
    return node


class _Compiler:
    def __init__(self, root: Json) -> None:
        self._root = root
        self._refs: dict[str, Node] = {}

    def node(self, schema: Any, place: str) -> Node:
        if schema is True or schema == {}:
            return Anything()
        if not isinstance(schema, Mapping):
            raise TypeError(f"{place}: a schema is an object")
        if "$ref" in schema:
            return self._ref(schema["$ref"], place)
        strange = [
            key
            for key in schema
            if key not in _KNOWN and key not in _REMARKS and not key.startswith("x-")
        ]
        if strange:
            raise TypeError(f"{place}: the keyword {strange[0]!r} is not supported")
        parts = [
            node
            for node in (
                self._values(schema),
                self._typed(schema, place),
                self._options(schema, "anyOf", place),
                self._options(schema, "oneOf", place),
                *(
                    self.node(part, f"{place}/allOf/{index}")
                    for index, part in enumerate(schema.get("allOf", ()))
                ),
            )
            if node is not None
        ]
        made = AllOf(parts) if len(parts) > 1 else parts[0] if parts else Anything()
        return AnyOf([made, Null()]) if schema.get("nullable") is True else made

    def _ref(self, ref: object, place: str) -> Node:
        if not isinstance(ref, str) or not ref.startswith("#"):
            raise TypeError(f"{place}: only references within the schema are followed")
        if ref not in self._refs:
            later = Later()
            self._refs[ref] = later
            target: Any = self._root
            for part in ref.split("/")[1:]:
                key = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(target, Mapping) or key not in target:
                    raise TypeError(f"{place}: {ref} is not there")
                target = target[key]
            later.node = self._refs[ref] = self.node(target, ref)
        return self._refs[ref]

    def _values(self, schema: Json) -> Node | None:
        if "const" in schema:
            return Choice([schema["const"]])
        return Choice(schema["enum"]) if "enum" in schema else None

    def _options(self, schema: Json, key: str, place: str) -> Node | None:
        if key not in schema:
            return None
        options = [
            self.node(option, f"{place}/{key}/{index}") for index, option in enumerate(schema[key])
        ]
        return AnyOf(options, exact=key == "oneOf")

    def _typed(self, schema: Json, place: str) -> Node | None:
        kinds = schema.get("type")
        if kinds is None:
            if "properties" in schema or "required" in schema:
                kinds = "object"
            elif "items" in schema or "prefixItems" in schema:
                kinds = "array"
            else:
                return None
        if isinstance(kinds, list):
            nodes = [self._kind(kind, schema, place) for kind in kinds]
            return nodes[0] if len(nodes) == 1 else AnyOf(nodes)
        return self._kind(kinds, schema, place)

    def _kind(self, kind: Any, schema: Json, place: str) -> Node:
        if kind == "string":
            return Text(
                min_length=schema.get("minLength"),
                max_length=schema.get("maxLength"),
                pattern=schema.get("pattern"),
            )
        if kind in ("integer", "number"):
            return Number(
                integer=kind == "integer",
                ge=schema.get("minimum"),
                gt=schema.get("exclusiveMinimum"),
                le=schema.get("maximum"),
                lt=schema.get("exclusiveMaximum"),
                multiple_of=schema.get("multipleOf"),
            )
        if kind == "boolean":
            return Boolean()
        if kind == "null":
            return Null()
        if kind == "array":
            return self._array(schema, place)
        if kind == "object":
            return self._object(schema, place)
        raise TypeError(f"{place}: there is no type {kind!r}")

    def _array(self, schema: Json, place: str) -> Node:
        if "prefixItems" in schema:
            return TupleOf(
                [
                    self.node(part, f"{place}/prefixItems/{index}")
                    for index, part in enumerate(schema["prefixItems"])
                ]
            )
        return ListOf(
            self.node(schema.get("items", True), f"{place}/items"),
            min_length=schema.get("minItems"),
            max_length=schema.get("maxItems"),
            unique=schema.get("uniqueItems", False),
        )

    def _object(self, schema: Json, place: str) -> Record:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        extra = schema.get("additionalProperties", not properties)
        record = Record(
            extra=None if extra is False else self.node(extra, f"{place}/additionalProperties"),
            min_length=schema.get("minProperties"),
            max_length=schema.get("maxProperties"),
        )
        for name in dict.fromkeys([*properties, *required]):
            part = properties.get(name, True)
            told = part if isinstance(part, Mapping) else {}
            record.fields[name] = Field(
                name,
                self.node(part, f"{place}/properties/{name}"),
                required=name in required,
                default=told.get("default", NO_DEFAULT),
                description=told.get("description", ""),
            )
        return record
