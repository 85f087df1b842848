"""A streamed answer: events in production's order, each named after the type of its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._pieces import deltas, fragments
from chaoskit.dialects.anthropic import headers, ids, threads
from chaoskit.dialects.anthropic.encode import block, envelope_of, shown
from chaoskit.exchange import Call, Part, Reply, Text, Thinking, ToolCall
from chaoskit.steps import Frame

__all__ = ["stream"]

_PING = Frame(kind="ping", name="ping", data='{"type":"ping"}')
_CUMULATIVE = frozenset(
    {
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
        "output_tokens_details",
        "server_tool_use",
    }
)
_STREAMED_INPUT = ("server_tool_use", "mcp_tool_use")
_STOP = Frame(kind="done", name="message_stop", data='{"type":"message_stop"}')


def stream(
    reply: Reply, call: Call, envelope: Envelope
) -> tuple[Mapping[str, str], tuple[Frame, ...]]:
    """Return the headers and the events of a streamed answer."""
    message = envelope_of(reply, call, envelope)
    frames = [_start(message)]
    told: list[Json] = []
    for part in shown(reply, call, envelope):
        made = block(part)
        if made is not None:
            frames.extend(_block(len(told), part, made))
            told.append(made)
    threads.keep(message["id"], told, call, envelope)
    if told:
        frames.insert(2, _PING)  # right after the first block has begun
    frames += [_end(message), _STOP]
    made_headers = headers.common(
        "text/event-stream; charset=utf-8", ids.request_id(envelope.ids), envelope
    )
    made_headers["cache-control"] = "no-cache"
    return made_headers | headers.limits(envelope), tuple(frames)


def _start(message: Json) -> Frame:
    """Return the message as it begins: nothing generated yet, the prompt's tokens final."""
    counted = message["usage"] | {"output_tokens": min(1, message["usage"]["output_tokens"])}
    counted["server_tool_use"] = None
    del counted["output_tokens_details"]
    message = {key: value for key, value in message.items() if key != "container"}
    empty = {"stop_reason": None, "stop_sequence": None, "stop_details": None, "usage": counted}
    data = dumps({"type": "message_start", "message": message | empty})
    return Frame(kind="start", name="message_start", data=data)


def _end(message: Json) -> Frame:
    """Return why the message ended, with all tokens so far."""
    told = ("stop_reason", "stop_sequence", "stop_details", "container")
    counted = {
        key: value
        for key, value in message["usage"].items()
        if key in _CUMULATIVE and value is not None
    }
    delta = {key: message[key] for key in told if key in message}
    data = dumps({"type": "message_delta", "delta": delta, "usage": counted})
    return Frame(kind="end", name="message_delta", data=data)


def _block(index: int, part: Part, made: Json) -> Iterator[Frame]:
    """Return the events of one content block."""
    if isinstance(part, Text):
        cited: Json = {"citations": []} if part.sources else {}
        yield _opened(index, {"type": "text", "text": ""} | cited)
        for piece in deltas(part.text):
            yield _delta("content", index, "text_delta", "text", piece)
        for citation in made.get("citations", ()):
            yield _cited(index, citation)
    elif isinstance(part, ToolCall):
        yield _opened(index, made | {"input": {}})
        for piece in ("", *fragments(part.arguments)):
            yield _delta("tool", index, "input_json_delta", "partial_json", piece)
    elif isinstance(part, Thinking):
        yield _opened(index, {"type": "thinking", "thinking": "", "signature": ""})
        for piece in deltas(part.text):
            yield _delta("content", index, "thinking_delta", "thinking", piece)
        yield _delta("block", index, "signature_delta", "signature", made["signature"])
    elif made["type"] in _STREAMED_INPUT:
        yield _opened(index, made | {"input": {}})
        for piece in ("", *fragments(dumps(made["input"]))):
            yield _delta("block", index, "input_json_delta", "partial_json", piece)
    else:
        yield _opened(index, made)
    data = f'{{"type":"content_block_stop","index":{index}}}'
    yield Frame(kind="block", name="content_block_stop", data=data)


def _opened(index: int, made: Json) -> Frame:
    data = dumps({"type": "content_block_start", "index": index, "content_block": made})
    return Frame(kind="block", name="content_block_start", data=data)


def _cited(index: int, citation: Json) -> Frame:
    delta = {"type": "citations_delta", "citation": citation}
    data = dumps({"type": "content_block_delta", "index": index, "delta": delta})
    return Frame(kind="block", name="content_block_delta", data=data)


def _delta(
    kind: Literal["block", "content", "tool"], index: int, name: str, key: str, piece: str
) -> Frame:
    data = (
        f'{{"type":"content_block_delta","index":{index},'
        f'"delta":{{"type":"{name}","{key}":{dumps(piece)}}}}}'
    )
    return Frame(kind=kind, name="content_block_delta", data=data)
