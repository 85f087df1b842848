"""Messages of other people's clients and servers, read without asking whether they are right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chaoskit.dialects._json import dumps
from chaoskit.dialects.mcp.reading import envelope_of
from chaoskit.dialects.mcp.results import content, tool_of
from chaoskit.fault import Offered, Result
from chaoskit.match import ToolOperation
from chaoskit.tool_dialect import Asked

__all__ = ["asked_of", "changed_listing", "changed_result", "meaning", "numbered", "tools_in"]

_BLOCKS = ("text", "image", "audio", "resource_link", "resource")
_LOOKED_AT: Mapping[str, ToolOperation] = {
    "initialize": "connect",
    "server/discover": "connect",
    "tools/list": "list_tools",
    "tools/call": "run_tool",
    "notifications/cancelled": "cancel",
}


def asked_of(message: dict[str, Any], carrier: str) -> Asked | None:
    """Return what a message asks of the tools; None where it is about something else."""
    operation = _LOOKED_AT.get(str(message.get("method")))
    if operation is None or (operation != "cancel" and "id" not in message):
        return None
    given = message.get("params")
    params: dict[str, Any] = given if isinstance(given, dict) else {}
    meta = params.get("_meta")
    notes: dict[str, object] = {
        "carrier": carrier,
        "era": "handshake" if envelope_of({"params": params}) is None else "modern",
        "token": meta.get("progressToken") if isinstance(meta, dict) else None,
        "wanted": params.get("protocolVersion") or "2026-07-28",
    }
    if operation == "cancel":
        notes["cancels"] = params.get("requestId")
    else:
        notes["id"] = message["id"]
    arguments = params.get("arguments")
    return Asked(
        dialect="mcp",
        operation=operation,
        tool=str(params.get("name", "")) if operation == "run_tool" else "",
        arguments=arguments if isinstance(arguments, dict) else {},
        notes=notes,
    )


def tools_in(result: Mapping[str, Any]) -> tuple[Offered, ...]:
    """Return the tools of one page of a list."""
    listed = result.get("tools", [])
    return tuple(
        Offered(
            name=str(tool.get("name", "")),
            title=str(tool.get("title") or ""),
            description=str(tool.get("description") or ""),
            schema=tool.get("inputSchema") or {},
            output=tool.get("outputSchema") or {},
            reads=bool((tool.get("annotations") or {}).get("readOnlyHint")),
        )
        for tool in listed
        if isinstance(tool, dict)
    )


def changed_listing(text: str, before: tuple[Offered, ...], after: tuple[Offered, ...]) -> str:
    """Return a page of a list with its tools changed; what nobody changed in one stays there."""
    said = json.loads(text)
    own = {str(tool.get("name")): tool for tool in said["result"]["tools"]}
    known = {tool.name: tool for tool in before}
    said["result"]["tools"] = [
        own[tool.name] if known.get(tool.name) == tool else own.get(tool.name, {}) | tool_of(tool)
        for tool in after
    ]
    return dumps(said)


def meaning(text: str) -> Result:
    """Return what a server's answer to a call says, for faults that work on values."""
    try:
        said = json.loads(text)
    except ValueError:
        return Result(value=text)
    if "error" in said:
        return Result(error=str(said["error"].get("message", "")))
    result = said.get("result") or {}
    blocks = result.get("content") or []
    texts = [block.get("text") for block in blocks if block.get("type") == "text"]
    if result.get("isError"):
        return Result(error="\n".join(map(str, texts)))
    if "structuredContent" in result:
        return Result(value=result["structuredContent"])
    if len(texts) != len(blocks):
        return Result(value=blocks)
    return Result(value=texts[0] if len(texts) == 1 else texts)


def changed_result(asked: Asked, text: str, given: Result) -> str:
    """Return the answer to a call with another result; what else the server said in it stays."""
    try:
        said = json.loads(text)
    except ValueError:
        said = {}
    result: dict[str, Any] = said.get("result") or {}
    if asked.notes["era"] == "modern":
        result.setdefault("resultType", "complete")
    if given.error is not None:
        result.pop("structuredContent", None)
        result |= {"content": content(given.error), "isError": True}
    else:
        value = given.value
        result |= {"content": value if _are_blocks(value) else content(value), "isError": False}
        if "structuredContent" in result:
            result["structuredContent"] = given.value
    return dumps({"jsonrpc": "2.0", "id": asked.notes["id"], "result": result})


def numbered(text: str, request: object) -> str:
    """Return an answer as one to the request of that id."""
    try:
        return dumps({**json.loads(text), "id": request})
    except (ValueError, TypeError):
        return text


def _are_blocks(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(block, dict) and block.get("type") in _BLOCKS for block in value
    )
