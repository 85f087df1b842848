"""Error responses: statuses, types and texts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import dumps, encoded
from chaoskit.dialects._proxy import foreign
from chaoskit.dialects.anthropic import headers, ids
from chaoskit.exchange import Call, HttpReply, Refusal
from chaoskit.steps import Frame

__all__ = ["error_frame", "refuse"]

_CREDIT = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to "
    "upgrade or purchase credits."
)
_UNPAID = {
    "credit": _CREDIT,
    "own_limit": "You have reached your specified API usage limits. You will regain access on ",
}
_KINDS: dict[str, tuple[int, str, str]] = {
    "invalid_request": (400, "invalid_request_error", "Invalid request"),
    "context_overflow": (400, "invalid_request_error", ""),
    "authentication": (401, "authentication_error", "invalid x-api-key"),
    "billing": (
        402,
        "billing_error",
        _CREDIT,
    ),
    "permission": (
        403,
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
    ),
    "not_found": (404, "not_found_error", "Not Found"),
    "conflict": (409, "conflict_error", "The request conflicts with another request."),
    "too_large": (413, "request_too_large", "Request exceeds the maximum size"),
    "rate_limited": (429, "rate_limit_error", ""),
    "quota_exhausted": (429, "rate_limit_error", ""),
    "server_error": (500, "api_error", "Internal server error"),
    "bad_gateway": (502, "api_error", "Bad gateway"),
    "unavailable": (503, "api_error", "Service temporarily unavailable"),
    "timeout": (504, "timeout_error", "The request timed out while processing."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_CODES = {"quota_exhausted": "enforced_spend_limit_reached"}
_RETRIED = frozenset({408, 409, 429})


def refuse(refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
    """Encode an error response."""
    refusal = _worded(refusal, envelope)
    status = refusal.status or _KINDS[refusal.kind][0]
    if refusal.body is not None:
        return foreign(refusal, status, envelope.wall)
    request = ids.request_id(envelope.ids)
    body = {"type": "error", "error": _error(refusal, call, envelope), "request_id": request}
    data = encoded(body)
    # A body that is too large never gets past the edge, which knows no organisation.
    known = refusal.kind not in {"authentication", "too_large"}
    made = headers.common("application/json", request, envelope, authenticated=known)
    made["x-should-retry"] = "true" if status in _RETRIED or status >= 500 else "false"
    if status == 429:
        made |= headers.limits(envelope)
    made |= refusal.retry_headers(envelope.wall) | dict(refusal.headers)
    return HttpReply.whole(status, made, data)


def error_frame(refusal: Refusal, envelope: Envelope) -> Frame:
    """Encode an error that comes after HTTP 200."""
    data = dumps({"type": "error", "error": _error(refusal, None, envelope)})
    return Frame(kind="error", name="error", data=data)


def _worded(refusal: Refusal, envelope: Envelope) -> Refusal:
    """Return a refusal for want of money in the form that it has where its reason is known."""
    text = _UNPAID.get(str(refusal.details.get("reason")))
    if refusal.kind != "billing" or text is None:
        return refusal
    if text.endswith(" "):
        text += f"{_next_month(envelope.wall)} at 00:00 UTC."
    return replace(refusal, kind="invalid_request", message=refusal.message or text)


def _error(refusal: Refusal, call: Call | None, envelope: Envelope) -> dict[str, object]:
    status, kind, text = _KINDS[refusal.kind]
    if refusal.status and refusal.status != status:
        kind = _TYPES.get(refusal.status, kind)
    if refusal.kind == "not_found" and "model" in refusal.details:
        text = f"model: {refusal.details['model']}"
    message = refusal.message or text or _text(refusal, call, envelope)
    error: dict[str, Any] = {"type": kind, "message": message}
    code = refusal.code or _CODES.get(refusal.kind)
    if code is not None:
        error["details"] = {"error_code": code}
        if "unsupported" in refusal.details:
            error["details"]["unsupported"] = str(refusal.details["unsupported"]).split(",")
    return error


def _text(refusal: Refusal, call: Call | None, envelope: Envelope) -> str:
    """Return the texts that hold numbers."""
    if refusal.kind == "context_overflow":
        tokens, window = (refusal.details.get(name, 0) for name in ("tokens", "window"))
        return f"prompt is too long: {tokens} tokens > {window} maximum"
    if refusal.kind == "quota_exhausted":
        return (
            "Your organization has reached its API usage limit for this month. You will regain "
            f"access on {_next_month(envelope.wall)} at 00:00 UTC."
        )
    name = refusal.limit or "requests"
    words = name.removeprefix("fast_").replace("_", " ")
    model = f", model: {call.model}" if call is not None and call.model else ""
    return (
        f"This request would exceed your organization's rate limit of "
        f"{_limit(name, refusal, envelope)}{words} per minute "
        f"(org: {headers.ORGANIZATION}{model}). For details, refer to: "
        "https://platform.claude.com/docs/en/api/rate-limits. You can see the response headers for "
        "current usage. Please reduce the prompt length or the maximum tokens requested, or try "
        "again later."
    )


def _limit(name: str, refusal: Refusal, envelope: Envelope) -> str:
    states = (state.limit for state in envelope.limits if state.name == name)
    value = refusal.details.get("limit_value") or next(states, 0)
    return f"{int(value):,} " if value else ""


def _next_month(wall: float) -> str:
    now = time.gmtime(wall)
    year, month = (now.tm_year + 1, 1) if now.tm_mon == 12 else (now.tm_year, now.tm_mon + 1)
    return f"{year:04d}-{month:02d}-01"
