"""Answers in one piece."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from chaoskit.again import ByTwo
from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import headers, ids, logprobs
from chaoskit.dialects.openai_chat import special
from chaoskit.exchange import Call, HttpReply, Reply, Text, ToolCall, Usage

__all__ = [
    "answer",
    "choices",
    "custom",
    "finish_reason",
    "identified",
    "is_plain",
    "opening",
    "plain",
    "usage",
]

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
    head = opening("chat.completion", call, envelope)
    rest = _rest_of_text(reply, call)
    if not rest:
        made = dumps(
            [
                {
                    "index": index,
                    "message": _message(said, call, index, envelope),
                    "logprobs": _logprobs(said, call),
                    "finish_reason": finish_reason(said, call),
                }
                for index in range(choices(call))
                for said in (answer(reply, index),)
            ]
        )
        rest = f',"choices":{made},"usage":{dumps(usage(reply.usage, call))}}}'
    data = f"{head}{rest}".encode()
    sent = headers.common("application/json", envelope)
    sent["content-length"] = str(len(data))
    sent.update(headers.limits(envelope))
    return HttpReply(status=200, headers=sent, body=data)


def opening(kind: str, call: Call, envelope: Envelope) -> str:
    """Return what an answer and each of its chunks begin with, as JSON without its end."""
    identity = ids.completion_id(envelope.ids)
    served = _served(
        str(call.options.get("served", call.model)),
        str(call.options.get("service_tier", "default")),
    )
    return f'{{"id":"{identity}","object":"{kind}","created":{int(envelope.wall)},{served}'


@lru_cache(maxsize=64)
def _served(model: str, tier: str) -> str:
    """Return what tells of the system that answered, as JSON without its ends."""
    made = {
        "model": model,
        "service_tier": tier,
        "system_fingerprint": ids.fingerprint(model),
    }
    return dumps(made)[1:-1]


def _logprobs(reply: Reply, call: Call) -> Json | None:
    top = logprobs.wanted(call)
    return None if top is None else {"content": logprobs.of(reply.text, top), "refusal": None}


def choices(call: Call) -> int:
    """Return how many answers the request asked for."""
    count = call.options.get("n", 1)
    return count if isinstance(count, int) else 1


def is_plain(reply: Reply, call: Call) -> bool:
    """Tell whether an answer is a text and nothing else."""
    if len(reply.content) != 1 or reply.others:
        return False
    (only,) = reply.content
    if not isinstance(only, Text) or only.sources:
        return False
    return "logprobs" not in call.options and "audio" not in call.options


def answer(reply: Reply, choice: int) -> Reply:
    """Return the answer of a choice."""
    return reply.others[choice - 1] if choice and reply.others else reply


def identified(reply: Reply, choice: int, envelope: Envelope) -> list[tuple[str, ToolCall]]:
    """Return the tool calls with their ids; each choice but the first has ids of its own."""
    return [
        (call.id if call.id and not choice else ids.call_id(envelope.ids), call)
        for call in reply.tool_calls
    ]


def finish_reason(reply: Reply, call: Call) -> str:
    """Return why the answer ended; a call of the one tool that was forced counts as `stop`."""
    if reply.stop == "tool_use":
        if call.tool_choice.mode == "tool":
            return "stop"
        if "functions" in call.options:
            return "function_call"
    return _FINISHES[reply.stop]


def usage(tokens: Usage, call: Call | None = None) -> Json:
    """Return the tokens of an exchange; those of the prompt include the cached ones.

    Of a spoken answer, all that is not reasoning is sound.
    """
    spoken = call is not None and "audio" in call.options
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
            "audio_tokens": tokens.output - tokens.reasoning if spoken else 0,
            "accepted_prediction_tokens": tokens.accepted,
            "rejected_prediction_tokens": tokens.rejected,
        },
    }


@ByTwo
def _rest_of_text(reply: Reply, call: Call) -> str:
    """Return what comes after the opening where the answer is a text; empty where it is not."""
    if not is_plain(reply, call):
        return ""
    made = _said(reply.text, finish_reason(reply, call), choices(call))
    return f',"choices":{made},"usage":{dumps(usage(reply.usage))}}}'


@lru_cache(maxsize=64)  # a script says the same again and again
def _said(text: str, finish: str, count: int) -> str:
    """Return the choices of an answer that calls no tool, as JSON."""
    message: Json = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    return dumps(
        [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index in range(count)
        ]
    )


def custom(call: Call) -> frozenset[str]:
    """Return the names of the tools that take any text."""
    tools: Any = call.options.get("builtin_tools", ())
    return frozenset(
        [str(tool["custom"].get("name")) for tool in tools if isinstance(tool.get("custom"), dict)]
    )


def _message(reply: Reply, call: Call, choice: int, envelope: Envelope) -> Json:
    calls = identified(reply, choice, envelope)
    message: Json = {
        "role": "assistant",
        "content": reply.text or (None if calls else ""),
        "refusal": None,
        "annotations": [],
    }
    if calls and "functions" in call.options:
        made = calls[0][1]
        message["function_call"] = {"name": made.name, "arguments": made.arguments}
    elif calls:
        names = custom(call)
        message["tool_calls"] = [_call(identity, made, names) for identity, made in calls]
    if special.applies(reply, call):
        special.complete(message, reply, call, envelope)
    return message


def _call(identity: str, made: ToolCall, custom_names: frozenset[str]) -> Json:
    if made.name in custom_names:
        inner = {"name": made.name, "input": made.arguments}
        return {"id": identity, "type": "custom", "custom": inner}
    function = {"name": made.name, "arguments": made.arguments}
    return {"id": identity, "type": "function", "function": function}
