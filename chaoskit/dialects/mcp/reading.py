"""JSON-RPC requests, whatever carries them: which operation they are, and what is wrong with them.

Each era has a ladder of its own; the first rung that fails is the error that is answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from chaoskit.dialects.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    UNSUPPORTED_VERSION,
)
from chaoskit.dialects.mcp.routing import mismatch
from chaoskit.exchange import Refusal, RefusalKind
from chaoskit.match import ToolOperation
from chaoskit.mcp import McpSettings
from chaoskit.tool_dialect import Asked

__all__ = [
    "CAPABILITIES",
    "VERSION",
    "Message",
    "Unreadable",
    "envelope_of",
    "handshake_request",
    "message_of",
    "modern_request",
    "refused",
]

Message: TypeAlias = dict[str, Any]

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"

_HANDSHAKE: Mapping[str, ToolOperation] = {
    "initialize": "connect",
    "tools/list": "list_tools",
    "tools/call": "run_tool",
    "ping": "manage",
}
_MODERN: Mapping[str, ToolOperation] = {
    "server/discover": "connect",
    "tools/list": "list_tools",
    "tools/call": "run_tool",
    "subscriptions/listen": "listen",
}
_KINDS: Mapping[int, RefusalKind] = {METHOD_NOT_FOUND: "not_found"}


class Unreadable(ValueError):  # noqa: N818 - it says what the bytes are
    """The bytes are no JSON."""


def message_of(data: bytes) -> Message | None:
    """Return a JSON-RPC request, notification or response; None where it is JSON and no such thing.

    Raises:
        Unreadable: it is no JSON.
    """
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    if not isinstance(said, dict) or said.get("jsonrpc") != "2.0":
        return None
    params, asked = said.get("params"), said.get("id")
    if not isinstance(said.get("method", ""), str) or not isinstance(params, (dict, type(None))):
        return None
    is_id = isinstance(asked, (str, int)) and not isinstance(asked, bool)
    if "method" in said:
        return said if is_id or "id" not in said else None
    return said if is_id and ("result" in said or "error" in said) else None


def envelope_of(message: Message) -> Mapping[str, Any] | None:
    """Return what a request of the stateless era says of itself; None for one of the other era."""
    meta = (message.get("params") or {}).get("_meta")
    return meta if isinstance(meta, dict) and VERSION in meta else None


def refused(code: int, message: str, *, data: object = None, status: int = 0) -> Refusal:
    """Return the refusal that is a JSON-RPC error; `data` is told with it."""
    return Refusal(
        kind=_KINDS.get(code, "invalid_request"),
        status=status,
        code=str(code),
        message=message,
        details={} if data is None else {"data": json.dumps(data)},
    )


def handshake_request(message: Message, settings: McpSettings, notes: dict[str, object]) -> Asked:
    """Return what a request of the handshake era asks, or what is wrong with it."""
    method, params = message["method"], message.get("params") or {}
    operation = _HANDSHAKE.get(method, "manage")
    wrong: Refusal | None = None
    if method not in _HANDSHAKE:
        wrong = refused(METHOD_NOT_FOUND, "Method not found", data=method)
    elif operation == "connect" and not settings.handshake:
        wrong = _unsupported(params.get("protocolVersion"), settings)
    elif (operation == "connect" and not _introduces(params)) or not _fits(operation, params):
        wrong = refused(INVALID_PARAMS, "Invalid request parameters", data="")
    if operation == "connect" and wrong is None:
        wanted, known = params["protocolVersion"], settings.handshake
        notes = notes | {"version": wanted if wanted in known else known[-1]}
    return _asked(operation, message, notes | {"era": "handshake"}, wrong)


def modern_request(
    message: Message,
    settings: McpSettings,
    notes: dict[str, object],
    headers: Mapping[str, str] | None = None,
) -> Asked:
    """Return what a request of the stateless era asks, or what is wrong with it.

    Args:
        headers: those of HTTP, which must say the same as the body.
    """
    method = message["method"]
    operation = _MODERN.get(method, "manage")
    wrong = _envelope(message, settings, headers)
    if wrong is None and method not in _MODERN:
        wrong = refused(METHOD_NOT_FOUND, "Method not found", data=method)
    if wrong is None and not _fits(operation, message.get("params") or {}):
        wrong = refused(INVALID_PARAMS, "Invalid request parameters", data="")
    return _asked(operation, message, notes | {"era": "modern"}, wrong)


def _envelope(
    message: Message, settings: McpSettings, headers: Mapping[str, str] | None
) -> Refusal | None:
    meta = (message.get("params") or {}).get("_meta")
    if not isinstance(meta, dict):
        return refused(
            INVALID_PARAMS,
            "params._meta must be an object carrying the required "
            f"{VERSION!r} and {CAPABILITIES!r} envelope keys",
        )
    if missing := [key for key in (VERSION, CAPABILITIES) if key not in meta]:
        told = f"params._meta is missing the required envelope key(s): {', '.join(missing)}"
        return refused(INVALID_PARAMS, told)
    if headers is not None and (told := mismatch(message, meta[VERSION], headers)):
        return refused(HEADER_MISMATCH, told)
    if not isinstance(meta[VERSION], str):
        told = "the protocol-version envelope value must be a string"
        return refused(INVALID_PARAMS, told)
    if meta[VERSION] not in settings.modern:
        return _unsupported(meta[VERSION], settings)
    return None


def _unsupported(requested: object, settings: McpSettings) -> Refusal:
    data: dict[str, object] = {"supported": list(settings.modern or settings.handshake)}
    if isinstance(requested, str):
        data["requested"] = requested
    return refused(UNSUPPORTED_VERSION, "Unsupported protocol version", data=data)


def _introduces(params: Message) -> bool:
    return (
        isinstance(params.get("protocolVersion"), str)
        and isinstance(params.get("capabilities"), dict)
        and isinstance(params.get("clientInfo"), dict)
    )


def _fits(operation: ToolOperation, params: Message) -> bool:
    if operation == "list_tools":
        return isinstance(params.get("cursor"), (str, type(None)))
    if operation == "run_tool":
        arguments = params.get("arguments")
        return isinstance(params.get("name"), str) and isinstance(arguments, (dict, type(None)))
    if operation == "listen":
        return isinstance(params.get("notifications"), dict)
    return True


def _asked(
    operation: ToolOperation, message: Message, notes: dict[str, object], wrong: Refusal | None
) -> Asked:
    params = message.get("params") or {}
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    notes = notes | {"id": message["id"], "method": message["method"], "token": token}
    notes["wanted"] = meta.get(VERSION) if isinstance(meta, dict) else None
    if "protocolVersion" in params:
        notes["wanted"] = params["protocolVersion"]
    running = operation == "run_tool" and isinstance(params.get("name"), str)
    if operation == "list_tools":
        notes["cursor"] = params.get("cursor")
    if operation == "listen":
        notes["filter"] = params.get("notifications")
    return Asked(
        dialect="mcp",
        operation=operation,
        tool=params["name"] if running else "",
        arguments=(params.get("arguments") or {}) if running and wrong is None else {},
        refusal=wrong,
        notes=notes,
    )
