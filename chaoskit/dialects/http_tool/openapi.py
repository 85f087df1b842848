"""The OpenAPI document of the tools as they are offered now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chaoskit.fault import Offered

__all__ = ["document"]

_VERSION = "3.1.0"
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_ERRORS = {
    "400": "The request cannot be read.",
    "404": "There is no such tool, or no such record.",
    "409": "What is to be made is there already.",
    "422": "The arguments violate the schema.",
    "429": "The tool was called too often; `retry-after` says when to come back.",
    "500": "The tool failed.",
}
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}
_RETRY_AFTER = {"retry-after": {"description": "Seconds.", "schema": {"type": "integer"}}}


def document(tools: tuple[Offered, ...], *, url: str = "/", own: bool = False) -> dict[str, Any]:
    """Return the document: one operation for each tool, named like it.

    Args:
        url: base URL of all tools but those with an API of their own.
        own: those are there as well.
    """
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, dict[str, Any]] = {}
    for tool in tools:
        path, method = f"/tools/{tool.name}", "post"
        if tool.route is not None:
            path, method = tool.route.path, tool.route.method.lower()
        made = _operation(tool, method, schemas)
        if tool.route is not None and not own:
            made["servers"] = [{"url": tool.route.origin}]
        paths.setdefault(path, {})[method] = made
    responses = {
        f"E{status}": {
            "description": told,
            **({"headers": _RETRY_AFTER} if status == "429" else {}),
            "content": _of_json({"$ref": "#/components/schemas/Error"}),
        }
        for status, told in _ERRORS.items()
    }
    return {
        "openapi": _VERSION,
        "info": {"title": "Simulated tools", "version": "1"},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {"schemas": schemas, "responses": responses},
    }


def _operation(tool: Offered, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": tool.name}
    if tool.title:
        made["summary"] = tool.title
    if tool.description:
        made["description"] = tool.description
    schema = {"type": "object", **tool.schema}
    place = _place(schemas, f"{tool.name}.input")
    rooted = _rooted(schema, f"#/components/schemas/{place}")
    parameters = []
    if tool.route is not None:
        names = tool.route.names
        parameters += [_parameter(rooted, name, "path") for name in names]
        if method in ("get", "delete"):
            others = [name for name in rooted.get("properties", {}) if name not in names]
            parameters += [_parameter(rooted, name, "query") for name in others]
        rooted = _without(rooted, names)
    if tool.key_header:
        parameters.append({"name": tool.key_header, "in": "header", "schema": {"type": "string"}})
    schemas[place] = rooted
    if parameters:
        made["parameters"] = parameters
    if method not in ("get", "delete"):
        needed = bool(rooted.get("required"))
        body = _of_json({"$ref": f"#/components/schemas/{place}"})
        made["requestBody"] = {"required": needed, "content": body}
    result: dict[str, Any] = {}
    if tool.output:
        named = _place(schemas, f"{tool.name}.output")
        result = {"$ref": f"#/components/schemas/{named}"}
        schemas[named] = _rooted(dict(tool.output), result["$ref"])
    created = tool.creates and tool.route is not None and method in ("post", "put")
    made["responses"] = {
        "201" if created else "200": {"description": "The result.", "content": _of_json(result)},
        **{status: {"$ref": f"#/components/responses/E{status}"} for status in _ERRORS},
    }
    return made


def _parameter(schema: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    kind = schema.get("properties", {}).get(name, {"type": "string"})
    needed = where == "path" or name in schema.get("required", ())
    return {"name": name, "in": where, "required": needed, "schema": kind}


def _without(schema: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of what is left for the body."""
    made = dict(schema)
    if "properties" in schema:
        made["properties"] = {k: v for k, v in schema["properties"].items() if k not in names}
    if "required" in schema:
        made["required"] = [name for name in schema["required"] if name not in names]
    return made


def _place(schemas: Mapping[str, Any], name: str) -> str:
    """Return a name for a schema that no other has."""
    stem = made = _STRANGE.sub("_", name)
    number = 1
    while made in schemas:
        number += 1
        made = f"{stem}.{number}"
    return made


def _rooted(value: Any, root: str) -> Any:
    """Return a schema whose references to itself hold where it stands in the document."""
    if isinstance(value, dict):
        return {
            key: root + inner[1:]
            if key == "$ref" and isinstance(inner, str) and inner[:1] == "#"
            else _rooted(inner, root)
            for key, inner in value.items()
        }
    return [_rooted(item, root) for item in value] if isinstance(value, list) else value


def _of_json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": dict(schema)}}
