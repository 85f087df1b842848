"""Answers in one piece."""

from __future__ import annotations

from functools import lru_cache

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, encoded
from chaoskit.dialects._openai import headers, ids, logprobs
from chaoskit.exchange import Call, HttpReply, Reply, ToolCall, Usage

__all__ = ["choices", "completion", "finish_reason", "identified", "plain", "usage"]

_FINISHES = {
    "end": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "window_exceeded": "length",
    "pause": "stop",
}


def plain(reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
    """Encode an answer in one piece."""
    made = completion("chat.completion", call, envelope)
    made["choices"] = (
        [
            {
                "index": index,
                "message": _message(reply, index, envelope),
                "logprobs": _logprobs(reply, call),
                "finish_reason": finish_reason(reply, call),
            }
            for index in range(choices(call))
        ]
        if reply.tool_calls or logprobs.wanted(call) is not None
        else _said(reply.text, finish_reason(reply, call), choices(call))
    )
    made["usage"] = _counted(reply.usage)
    data = encoded(made)
    head = headers.common("application/json", envelope)
    head["content-length"] = str(len(data))
    return HttpReply(status=200, headers=head | headers.limits(envelope), body=data)


def completion(kind: str, call: Call, envelope: Envelope) -> Json:
    """Return what an answer and each of its chunks begin with."""
    served = str(call.options.get("served", call.model))
    return {
        "id": ids.completion_id(envelope.ids),
        "object": kind,
        "created": int(envelope.wall),
        "model": served,
        "service_tier": call.options.get("service_tier", "default"),
        "system_fingerprint": ids.fingerprint(served),
    }


def _logprobs(reply: Reply, call: Call) -> Json | None:
    top = logprobs.wanted(call)
    return None if top is None else {"content": logprobs.of(reply.text, top), "refusal": None}


def choices(call: Call) -> int:
    """Return how many answers the request asked for."""
    count = call.options.get("n", 1)
    return count if isinstance(count, int) else 1


def identified(reply: Reply, choice: int, envelope: Envelope) -> list[tuple[str, ToolCall]]:
    """Return the tool calls with their ids; each choice but the first has ids of its own."""
    return [
        (call.id if call.id and not choice else ids.call_id(envelope.ids), call)
        for call in reply.tool_calls
    ]


def finish_reason(reply: Reply, call: Call) -> str:
    """Return why the answer ended; a call of the one tool that was forced counts as `stop`."""
    if reply.stop == "tool_use" and call.tool_choice.mode == "tool":
        return "stop"
    return _FINISHES[reply.stop]


def usage(tokens: Usage) -> Json:
    """Return the tokens of an exchange; those of the prompt include the cached ones."""
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cache_read,
            "audio_tokens": 0,
            "cache_write_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


@lru_cache(maxsize=64)  # a script says the same again and again
def _said(text: str, finish: str, count: int) -> list[Json]:
    """Return the choices of an answer that calls no tool."""
    message: Json = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return [
        {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
        for index in range(count)
    ]


_counted = lru_cache(maxsize=64)(usage)


def _message(reply: Reply, choice: int, envelope: Envelope) -> Json:
    calls = identified(reply, choice, envelope)
    message: Json = {
        "role": "assistant",
        "content": reply.text or (None if calls else ""),
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = [
            {
                "id": identity,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for identity, call in calls
        ]
    return message
