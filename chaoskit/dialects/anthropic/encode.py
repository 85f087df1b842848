"""Answers to `generate` and `count_tokens` in one piece."""

from __future__ import annotations

import json
from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, encoded
from chaoskit.dialects.anthropic import headers, ids
from chaoskit.dialects.anthropic.signature import sign
from chaoskit.exchange import Call, HttpReply, Opaque, Part, Reply, Text, Thinking, ToolCall, Usage

__all__ = ["STOPS", "block", "count", "envelope_of", "plain", "usage"]

STOPS = {
    "end": "end_turn",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "window_exceeded": "model_context_window_exceeded",
}
_REFUSAL = {"type": "refusal", "category": None, "explanation": None}


def plain(reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
    """Encode an answer in one piece."""
    message = envelope_of(reply, call, envelope)
    message["content"] = [
        made for part in reply.content if (made := block(part, envelope)) is not None
    ]
    return _ok(message, envelope, limited=True)


def count(tokens: int, envelope: Envelope) -> HttpReply:
    """Encode the number of tokens of a prompt."""
    return _ok({"input_tokens": tokens}, envelope, limited=False)


def envelope_of(reply: Reply, call: Call, envelope: Envelope) -> Json:
    """Return the message around the content, which is left empty."""
    return {
        "model": call.options.get("served", call.model),
        "id": ids.message_id(envelope.ids),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": STOPS[reply.stop],
        "stop_sequence": reply.stop_sequence if reply.stop == "stop_sequence" else None,
        "stop_details": _REFUSAL if reply.stop == "refusal" else None,
        "usage": usage(reply.usage),
    }


def usage(tokens: Usage) -> Json:
    """Return the tokens of an exchange; zero is sent as 0."""
    return {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": 0},
        "service_tier": "standard",
    }


def block(part: Part, envelope: Envelope) -> Json | None:
    """Return one content block; None for parts that no answer of the API contains."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolCall):
        return {
            "type": "tool_use",
            "id": part.id or ids.tool_use_id(envelope.ids),
            "name": part.name,
            "input": _input(part.arguments),
        }
    if isinstance(part, Thinking):
        signature = part.signature or sign(part.text)
        return {"type": "thinking", "thinking": part.text, "signature": signature}
    if isinstance(part, Opaque):
        made: Json = json.loads(part.raw)
        return made
    return None


def _input(arguments: str) -> Any:
    """Return the arguments as JSON value, or the text itself where it is no JSON."""
    if not arguments:
        return {}
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _ok(body: Json, envelope: Envelope, *, limited: bool) -> HttpReply:
    data = encoded(body)
    made = headers.common("application/json", ids.request_id(envelope.ids), envelope)
    made["content-length"] = str(len(data))
    if limited:
        made |= headers.limits(envelope)
    return HttpReply(status=200, headers=made, body=data)
