"""Error responses, and errors after HTTP 200."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import errors
from chaoskit.exchange import Call, HttpReply, Refusal
from chaoskit.steps import Frame

__all__ = ["error_frame", "refuse"]

_OVERFLOW = (
    "Your input exceeds the context window of this model. Please adjust your input and try again."
)
_FAILURES = {"server_error": "server_error", "rate_limited": "rate_limit_exceeded"}
"""Refusals after which a response has failed, rather than the stream; and its error code."""


def refuse(refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
    """Encode an error response."""
    return errors.refuse(_worded(refusal), call, envelope)


def error_frame(refusal: Refusal, envelope: Envelope) -> Frame:
    """Encode an error that comes after HTTP 200: the response failed, or the stream did."""
    error = errors.error(_worded(refusal), None, envelope)
    event: Json
    if refusal.kind in _FAILURES:
        told = {"code": _FAILURES[refusal.kind], "message": error["message"]}
        event = {"type": "response.failed", "response": {"status": "failed", "error": told}}
    else:
        code = error["code"] or error["type"]
        event = {"type": "error", "code": code, "message": error["message"]}
        event["param"] = error["param"]
        if envelope.lane is not None:
            event = {"type": "error", "error": error}
    if envelope.lane is not None and envelope.lane.name:
        event["stream_id"] = envelope.lane.name
    name = event["type"]
    return Frame(kind="error", name=name, data=dumps(event | {"sequence_number": 0}))


def _worded(refusal: Refusal) -> Refusal:
    """Return the refusal in the words that differ from those of Chat Completions."""
    if refusal.kind != "context_overflow":
        return refusal
    return replace(refusal, message=_OVERFLOW, param=refusal.param or "input")
