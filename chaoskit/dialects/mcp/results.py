"""What the simulated tools say, as results of the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit.dialects.mcp.messages import SERVER
from chaoskit.fault import Offered, Result
from chaoskit.mcp import McpSettings
from chaoskit.tool import as_text

__all__ = ["called", "content", "discovered", "initialized", "listed", "stamped", "tool_of"]

_CAPABILITIES = {"tools": {"listChanged": True}}


def initialized(version: str, settings: McpSettings) -> dict[str, Any]:
    """Return the answer to `initialize`."""
    made: dict[str, Any] = {
        "protocolVersion": version,
        "capabilities": _CAPABILITIES,
        "serverInfo": SERVER,
    }
    return made | ({"instructions": settings.instructions} if settings.instructions else {})


def discovered(settings: McpSettings) -> dict[str, Any]:
    """Return the answer to `server/discover`."""
    made: dict[str, Any] = {
        "supportedVersions": list(settings.modern),
        "capabilities": _CAPABILITIES,
        "ttlMs": 0,
        "cacheScope": "private",
    }
    return made | ({"instructions": settings.instructions} if settings.instructions else {})


def listed(
    tools: tuple[Offered, ...], cursor: object, *, page: int, modern: bool
) -> dict[str, Any] | None:
    """Return one page of the tools; None where the cursor is none of ours."""
    start = 0
    if cursor is not None:
        digits = str(cursor).removeprefix("from-")
        if not (str(cursor).startswith("from-") and digits.isdecimal()):
            return None
        start = int(digits)
    end = start + page
    made: dict[str, Any] = {"tools": [tool_of(tool, modern=modern) for tool in tools[start:end]]}
    if end < len(tools):
        made["nextCursor"] = f"from-{end}"
    return made | ({"ttlMs": 0, "cacheScope": "private"} if modern else {})


def called(result: Result, tool: Offered, *, modern: bool) -> dict[str, Any]:
    """Return the answer to `tools/call`: what goes wrong in a tool is told to the model."""
    if result.error is not None:
        return {"content": [_text(result.error)], "isError": True}
    made: dict[str, Any] = {"content": content(result.value), "isError": False}
    if tool.output:
        value = result.value
        wrapped = not modern and not isinstance(value, dict)
        made["structuredContent"] = {"result": value} if wrapped else value
    return made


def stamped(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with what the stateless era asks of every one."""
    return {
        **result,
        "resultType": "complete",
        "_meta": {"io.modelcontextprotocol/serverInfo": SERVER},
    }


def tool_of(tool: Offered, *, modern: bool = True) -> dict[str, Any]:
    """Return a tool as lists show it."""
    made: dict[str, Any] = {"name": tool.name}
    if tool.title:
        made["title"] = tool.title
    made["description"] = tool.description
    made["inputSchema"] = {"type": "object", **tool.schema}
    if tool.output:
        made["outputSchema"] = _output(tool.output, modern=modern)
    if tool.reads:
        made["annotations"] = {"readOnlyHint": True}
    return made


def _output(schema: Mapping[str, Any], *, modern: bool) -> dict[str, Any]:
    """Return the schema of structured content, which was always an object in the handshake era."""
    if modern or schema.get("type", "object") == "object":
        return {"type": "object", **schema} if "type" not in schema else dict(schema)
    return {"type": "object", "properties": {"result": dict(schema)}, "required": ["result"]}


def content(value: object) -> list[dict[str, Any]]:
    """Return a value as servers do: one text for each item of a list, JSON where it is no text."""
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [block for item in value for block in content(item)]
    return [_text(as_text(value))]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
