"""The JSON Schema of scenario files, for editors, from the same definitions that read them."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from chaoskit.behaviours import BEHAVIOURS
from chaoskit.checks import CHECKS
from chaoskit.faults import FAULTS
from chaoskit.registry import Registry
from chaoskit.scenario_tables import HEALTHY, LISTS, NAMED, SECTIONS, Kept, Strikes
from chaoskit.story import Story
from chaoskit.when import When

__all__ = ["Node", "schema", "schema_of", "schema_text"]

Node: TypeAlias = dict[str, Any]

_DROPPED = ("title", "$defs", "$ref", "discriminator", "anyOf", "oneOf", "properties")


def schema_text() -> str:
    """Return the schema as it stands in a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema_of(make: type) -> Node:
    """Return what a table of these settings may contain, as one schema without references."""
    made = TypeAdapter(make).json_schema()
    return _plain(made, made.get("$defs", {}))


def schema() -> Node:
    """Return the schema of a whole scenario file."""
    strikes = schema_of(Strikes)["properties"]
    strikes["when"] = {"$ref": "#/definitions/when"}
    properties: Node = {
        **schema_of(Story)["properties"],
        **{key: schema_of(make) for key, make in SECTIONS.items()},
        **{key: _list_of(schema_of(make)) for key, make in LISTS.items()},
        **{
            key: {"type": "object", "additionalProperties": schema_of(make)}
            for key, make in NAMED.items()
        },
        "behaviour": {"oneOf": [_member(BEHAVIOURS, name, "use", {}) for name in BEHAVIOURS]},
        "faults": _list_of({"oneOf": [_member(FAULTS, name, "fault", strikes) for name in FAULTS]}),
        "promises": _list_of(
            {
                "oneOf": [
                    _member(CHECKS, name, "check", schema_of(Kept)["properties"]) for name in CHECKS
                ]
            }
        )
        | {"minItems": 1},
    }
    healthy = {key: _partial(properties[key]) for key in HEALTHY}
    healthy["behaviour"] = {"type": "object"}
    properties["healthy"] = {
        "description": "What is different when nothing is wrong: the world of the healthy run.",
        "type": "object",
        "properties": healthy,
        "additionalProperties": False,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A scenario of chaoskit",
        "type": "object",
        "properties": properties,
        "required": ["title", "workload", "promises"],
        "additionalProperties": False,
        "definitions": {"when": schema_of(When)},
    }


def _list_of(node: Node) -> Node:
    return {"type": "array", "items": node}


def _member(registry: Registry[Any], name: str, word: str, beside: Node) -> Node:
    """Return the schema of an entry that names this member of a catalogue at `word`."""
    node = schema_of(registry[name])
    node["properties"] = {word: {"const": name}} | node.get("properties", {}) | beside
    node["required"] = [*([] if name == "helpful" else [word]), *node.get("required", ())]
    return node


def _plain(node: Node, known: Node) -> Node:
    """Return a schema of pydantic's without references, titles and the null that TOML lacks."""
    plain: Node = {}
    if "$ref" in node:
        plain |= _plain(known[node["$ref"].rpartition("/")[2]], known)
    options = [
        _plain(option, known)
        for option in (*node.get("anyOf", ()), *node.get("oneOf", ()))
        if option != {"type": "null"}
    ]
    if len(options) == 1:
        plain |= options[0]
    elif options:
        plain["anyOf"] = options
    for word, value in node.items():
        if word in _DROPPED or (word == "default" and value is None):
            continue
        if word in ("items", "additionalProperties") and isinstance(value, dict):
            plain[word] = _plain(value, known)
        else:
            plain[word] = " ".join(value.split()) if word == "description" else value
    if "properties" in node:
        plain["properties"] = {
            key: _plain(value, known) for key, value in node["properties"].items()
        }
    return plain


def _partial(node: Any) -> Any:
    """Return a schema in which nothing is required."""
    if isinstance(node, dict):
        return {
            key: _partial(value)
            for key, value in node.items()
            if key != "required" or not isinstance(value, list)
        }
    return [_partial(item) for item in node] if isinstance(node, list) else node
