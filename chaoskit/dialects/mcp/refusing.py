"""Refusals: errors of the protocol, and those of what stands before the server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from chaoskit.dialects.mcp import messages
from chaoskit.dialects.mcp.http import answered, json_reply
from chaoskit.dialects.mcp.lines import spoken
from chaoskit.exchange import HttpReply, Refusal, RefusalKind
from chaoskit.steps import Frame, Step
from chaoskit.timed import plain
from chaoskit.tool_dialect import Asked, Desk

__all__ = ["error_of", "refuse"]

_STATUS: dict[RefusalKind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "timeout": 504,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "quota_exhausted": 429,
    "server_error": 500,
    "unavailable": 503,
    "overloaded": 503,
    "bad_gateway": 502,
    "context_overflow": 400,
}
_TEXTS = {
    401: "Authentication required",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Content Too Large",
    429: "Too Many Requests",
    500: "Internal server error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def refuse(refusal: Refusal, asked: Asked, desk: Desk) -> tuple[Step, ...] | None:
    """Return the steps of a refusal; None where it makes no sense for this request."""
    if refusal.code == "session_expired":
        return _expired(refusal, asked, desk)
    if refusal.code == "unsupported_version":
        refusal_of_version = _version(refusal, asked)
        return None if refusal_of_version is None else _error(refusal_of_version, asked, desk)
    if asked.notes["carrier"] == "stdio" or (refusal.body is None and _code(refusal) is not None):
        return _error(refusal, asked, desk)
    return plain(_page(refusal, desk))


def error_of(refusal: Refusal, asked: Asked) -> Frame:
    """Return the JSON-RPC error that stands for a refusal."""
    code = _code(refusal)
    data = refusal.details.get("data")
    return messages.failure(
        asked.notes.get("id"),
        messages.INTERNAL if code is None else code,
        refusal.message or _TEXTS.get(_status(refusal), "Bad Request"),
        json.loads(str(data)) if data is not None else None,
    )


def _error(refusal: Refusal, asked: Asked, desk: Desk) -> tuple[Step, ...]:
    frame = error_of(refusal, asked)
    if asked.notes["carrier"] == "stdio":
        return spoken(asked, (frame,) if "id" in asked.notes else (), 0.0)
    if refusal.status:
        reply = json_reply(refusal.status, frame.data.encode(), refusal.headers)
        return plain(reply)
    if "id" not in asked.notes:  # of a notification, which has no answer to put it in
        return plain(json_reply(400, frame.data.encode(), refusal.headers))
    return answered(replace(asked, operation="manage"), (frame,), 0.0, desk)


def _expired(refusal: Refusal, asked: Asked, desk: Desk) -> tuple[Step, ...] | None:
    """Forget the session that a request belongs to."""
    session = asked.notes.get("session")
    if session is None or desk.shelf.get("session", str(session)) is None:
        return None
    desk.shelf.drop("session", str(session))
    frame = messages.failure(None, messages.INVALID_REQUEST, refusal.message or "Session not found")
    return plain(json_reply(404, frame.data.encode()))


def _version(refusal: Refusal, asked: Asked) -> Refusal | None:
    """Return the refusal of the revision that a client wants; None where it names none."""
    supported = [one for one in str(refusal.details.get("supported", "")).split(",") if one]
    handshake = asked.notes.get("era") == "handshake"
    if "id" not in asked.notes or (handshake and asked.operation != "connect"):
        return None
    requested = asked.notes.get("wanted") or "2026-07-28"
    data = json.dumps({"supported": supported, "requested": requested})
    code = messages.INVALID_PARAMS if handshake else messages.UNSUPPORTED_VERSION
    over_http = asked.notes["carrier"] == "http"
    return replace(
        refusal,
        code=str(code),
        status=400 if over_http and not handshake else 0,
        message="Unsupported protocol version",
        details={"data": data},
    )


def _page(refusal: Refusal, desk: Desk) -> HttpReply:
    """Return what a gateway answers, which knows nothing of the request's id."""
    status = _status(refusal)
    headers = {**refusal.retry_headers(desk.wall), **refusal.headers}
    if refusal.body is not None:
        return HttpReply.whole(status, headers, refusal.body)
    told = refusal.message or _TEXTS.get(status, "Bad Request")
    body: dict[str, Any]
    if status in (401, 403):
        error = "invalid_token" if status == 401 else "insufficient_scope"
        headers["www-authenticate"] = f'Bearer error="{error}", error_description="{told}"'
        body = {"error": error, "error_description": told}
        return json_reply(status, json.dumps(body).encode(), headers)
    frame = messages.failure(None, messages.INTERNAL, told)
    return json_reply(status, frame.data.encode(), headers)


def _status(refusal: Refusal) -> int:
    return refusal.status or _STATUS[refusal.kind]


def _code(refusal: Refusal) -> int | None:
    if refusal.code == "unknown_tool":
        return messages.INVALID_PARAMS
    try:
        return int(refusal.code or "")
    except ValueError:
        return None
