"""JSON-RPC messages, as frames: one message is one frame, whatever carries it."""

from __future__ import annotations

from typing import Any, Literal

from chaoskit.dialects._json import dumps
from chaoskit.steps import Frame

__all__ = [
    "HEADER_MISMATCH",
    "INTERNAL",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "SERVER",
    "UNSUPPORTED_VERSION",
    "failure",
    "notification",
    "response",
]

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

SERVER = {"name": "chaoskit", "version": "0.1.0"}
"""How the server introduces itself."""


def response(request: object, result: dict[str, Any]) -> Frame:
    """Return the answer to a request, by its id."""
    return _frame("content", {"id": request, "result": result})


def failure(request: object, code: int, message: str, data: object = None) -> Frame:
    """Return the error that answers a request; its id is None where it could not be read."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return _frame("content", {"id": request, "error": error})


def notification(method: str, params: dict[str, Any] | None = None) -> Frame:
    """Return a message that wants no answer."""
    return _frame("block", {"method": method} | ({} if params is None else {"params": params}))


def _frame(kind: Literal["content", "block"], message: dict[str, Any]) -> Frame:
    return Frame(kind=kind, name="message", data=dumps({"jsonrpc": "2.0", **message}))
