"""Answers to `generate` and `count_tokens` in one piece."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json
from chaoskit.dialects.anthropic import hosted, ids, replies, threads
from chaoskit.dialects.anthropic.diagnostics import diagnose
from chaoskit.dialects.anthropic.signature import sign
from chaoskit.exchange import (
    Call,
    Hosted,
    HttpReply,
    Opaque,
    Part,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)

__all__ = ["STOPS", "block", "count", "envelope_of", "plain", "shown", "usage"]

STOPS = {
    "end": "end_turn",
    "max_tokens": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "refusal": "refusal",
    "window_exceeded": "model_context_window_exceeded",
    "pause": "pause_turn",
}
_REFUSAL = {"type": "refusal", "category": None, "explanation": None}


def plain(reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
    """Encode an answer in one piece."""
    message = envelope_of(reply, call, envelope)
    said = shown(reply, call, envelope)
    message["content"] = [made for part in said if (made := block(part)) is not None]
    threads.keep(message["id"], message["content"], call, envelope)
    return replies.json(message, envelope, limited=True)


def count(tokens: int, envelope: Envelope) -> HttpReply:
    """Encode the number of tokens of a prompt."""
    return replies.json({"input_tokens": tokens}, envelope)


def envelope_of(reply: Reply, call: Call, envelope: Envelope) -> Json:
    """Return the message around the content, which is left empty."""
    name = ids.message_id(envelope.ids)
    made: Json = {
        "model": call.options.get("served", call.model),
        "id": name,
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": STOPS[reply.stop],
        "stop_sequence": reply.stop_sequence if reply.stop == "stop_sequence" else None,
        "stop_details": _REFUSAL if reply.stop == "refusal" else None,
        "usage": usage(reply.usage, call),
    }
    if (used := hosted.counted(reply)) is not None:
        made["usage"]["server_tool_use"] = used
    if (container := hosted.container(reply, envelope)) is not None:
        made["container"] = container
    if "diagnostics" in call.options:
        made["diagnostics"] = diagnose(name, call, reply.usage, envelope)
    return made


def usage(tokens: Usage, call: Call) -> Json:
    """Return the tokens of an exchange; zero is sent as 0."""
    made: Json = {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
        "service_tier": tokens.tier or "standard",
        "server_tool_use": None,
        "inference_geo": call.options.get("geo", "global"),
    }
    if "speed" in call.options:
        made["speed"] = call.options["speed"]
    return made


def shown(reply: Reply, call: Call, envelope: Envelope) -> tuple[Part, ...]:
    """Return the content as it is sent: calls have ids, thinking is signed and maybe untold."""
    omitted = call.options.get("thinking_omitted")
    history = call.messages if call.options.get("thinking_bound") else None
    said: list[Part] = []
    for part in reply.content:
        if isinstance(part, ToolCall) and not part.id:
            said.append(replace(part, id=ids.tool_use_id(envelope.ids)))
        elif isinstance(part, Thinking):
            text = "" if omitted else part.text
            signature = part.signature or sign(text, history)
            said.append(replace(part, text=text, signature=signature))
        elif isinstance(part, Hosted):
            said.extend(hosted.told(part, call, envelope))
        else:
            said.append(part)
    return tuple(said)


def block(part: Part) -> Json | None:
    """Return one content block; None for parts that no answer of the API contains."""
    if isinstance(part, Text):
        made: Json = {"type": "text", "text": part.text}
        if part.sources:
            made["citations"] = hosted.citations(part.sources)
        return made
    if isinstance(part, ToolCall):
        return {
            "type": "tool_use",
            "id": part.id,
            "name": part.name,
            "input": _input(part.arguments),
        }
    if isinstance(part, Thinking):
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    if isinstance(part, Opaque):
        kept: Json = json.loads(part.raw)
        return kept
    return None


def _input(arguments: str) -> Any:
    """Return the arguments as JSON value, or the text itself where it is no JSON."""
    if not arguments:
        return {}
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
