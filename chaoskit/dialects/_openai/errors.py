"""Error responses: statuses, types, codes and texts."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps, encoded
from chaoskit.dialects._openai import headers
from chaoskit.dialects._proxy import foreign
from chaoskit.exchange import Call, HttpReply, Refusal
from chaoskit.steps import Frame

__all__ = ["error", "error_frame", "refuse"]


class _Kind(NamedTuple):
    status: int
    type: str
    code: str | None
    text: str


_INVALID = "invalid_request_error"
_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    "information on this error, read the docs: "
    "https://platform.openai.com/docs/guides/error-codes/api-errors."
)
_SORRY = "The server had an error while processing your request. Sorry about that!"
_KINDS: dict[str, _Kind] = {
    "invalid_request": _Kind(400, _INVALID, None, "Invalid request."),
    "context_overflow": _Kind(400, _INVALID, "context_length_exceeded", ""),
    "authentication": _Kind(401, _INVALID, "invalid_api_key", "Incorrect API key provided."),
    "billing": _Kind(429, "insufficient_quota", "insufficient_quota", _QUOTA),
    "permission": _Kind(
        403, _INVALID, None, "You have insufficient permissions for this operation."
    ),
    "not_found": _Kind(404, _INVALID, None, "Not found."),
    "conflict": _Kind(409, _INVALID, None, "The resource is in use by another request."),
    "too_large": _Kind(413, _INVALID, None, "The request is too large."),
    "rate_limited": _Kind(429, "", "rate_limit_exceeded", ""),
    "quota_exhausted": _Kind(429, "insufficient_quota", "insufficient_quota", _QUOTA),
    "server_error": _Kind(500, "server_error", None, _SORRY),
    "bad_gateway": _Kind(502, "server_error", None, "Bad gateway."),
    "unavailable": _Kind(503, "server_error", None, "The service is temporarily unavailable."),
    "timeout": _Kind(504, "server_error", None, "The request timed out."),
    "overloaded": _Kind(
        503,
        "server_error",
        "server_is_overloaded",
        "The engine is currently overloaded, please try again later.",
    ),
}
_LIMITS = {"requests": ("requests", "requests per min (RPM)")}
_TOKENS = ("tokens", "tokens per min (TPM)")


def refuse(refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
    """Encode an error response."""
    status = refusal.status or _KINDS[refusal.kind].status
    if refusal.body is not None:
        return foreign(refusal, status, envelope.wall)
    data = encoded({"error": error(refusal, call, envelope)})
    known = refusal.kind != "authentication"
    made = headers.common("application/json", envelope, authenticated=known)
    if known:
        made |= headers.limits(envelope)
    made |= refusal.retry_headers(envelope.wall)
    if refusal.retry_after is not None and refusal.retry_after_form != "date":
        made["retry-after-ms"] = str(ceil(round(refusal.retry_after * 1000, 6)))
    made |= refusal.headers
    return HttpReply.whole(status, made, data)


def error_frame(refusal: Refusal, envelope: Envelope) -> Frame:
    """Encode an error that comes after HTTP 200."""
    data = dumps({"error": error(refusal, None, envelope)})
    return Frame(kind="error", name="", data=data)


def error(refusal: Refusal, call: Call | None, envelope: Envelope) -> Json:
    """Return the error; all four keys are always there."""
    kind = _KINDS[refusal.kind]
    name = kind.type or _LIMITS.get(refusal.limit or "requests", _TOKENS)[0]
    if kind.type == _INVALID and refusal.status >= 500:
        name = "server_error"
    param = refusal.param
    if param is None and refusal.kind == "context_overflow":
        param = "messages"
    if refusal.kind == "not_found" and "model" in refusal.details:
        kind = _gone(str(refusal.details["model"]))
    # A missing key has no code, only a wrong one has.
    own_words = refusal.kind == "authentication" and refusal.message
    code = refusal.code or (None if own_words else kind.code)
    message = refusal.message or kind.text or _text(refusal, call, envelope)
    return {"message": message, "type": name, "param": param, "code": code}


def _gone(model: str) -> _Kind:
    """Return the error for a model that was retired."""
    text = (
        f"The model `{model}` has been deprecated, learn more here: "
        "https://platform.openai.com/docs/deprecations"
    )
    return _Kind(404, _INVALID, "model_not_found", text)


def _text(refusal: Refusal, call: Call | None, envelope: Envelope) -> str:
    """Return the texts that hold numbers."""
    details = refusal.details
    if refusal.kind == "context_overflow":
        return (
            f"This model's maximum context length is {details.get('window', 0)} tokens. However, "
            f"your messages resulted in {details.get('tokens', 0)} tokens. Please reduce the "
            "length of the messages."
        )
    words = _LIMITS.get(refusal.limit or "requests", _TOKENS)
    states = (state for state in envelope.limits if _LIMITS.get(state.name, _TOKENS) is words)
    state = next(states, None)
    limit = details.get("limit_value", state.limit if state else 0)
    used = details.get("used", state.limit - state.remaining if state else 0)
    requested = details.get("requested", 1)
    model = call.model if call is not None and call.model else "the model"
    wait = headers.go_duration(refusal.retry_after or 0)
    return (
        f"Rate limit reached for {model} in organization {headers.ORGANIZATION} on "
        f"{words[1]}: Limit {limit}, Used {used}, Requested {requested}. "
        f"Please try again in {wait}. Visit https://platform.openai.com/account/rate-limits to "
        "learn more."
    )
