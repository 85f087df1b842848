"""A streamed answer: named and numbered events, without a terminator of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import headers
from chaoskit.dialects._openai.obfuscation import padding
from chaoskit.dialects._pieces import deltas, fragments
from chaoskit.dialects.openai_responses.encode import begun, keep, response
from chaoskit.exchange import Call, Reply
from chaoskit.steps import Frame

__all__ = ["events", "sequence", "stream", "told"]

Kind: TypeAlias = Literal["start", "block", "content", "tool", "done"]
_Event: TypeAlias = tuple[Kind, str, str]


def stream(
    reply: Reply, call: Call, envelope: Envelope
) -> tuple[Mapping[str, str], tuple[Frame, ...]]:
    """Return the headers and the events of a streamed answer."""
    made = response(reply, call, envelope)
    keep(made, call, envelope)
    padded = call.options.get("obfuscated", True) is not False
    lane = "" if envelope.lane is None else envelope.lane.name
    return told(envelope) | headers.limits(envelope), events(made, padded=padded, lane=lane)


def told(envelope: Envelope) -> dict[str, str]:
    """Return the headers of a stream."""
    made = headers.common("text/event-stream; charset=utf-8", envelope)
    made["cache-control"] = "no-cache"
    return made


def events(made: Json, *, padded: bool = True, lane: str = "") -> tuple[Frame, ...]:
    """Return the events that build a response; the pieces of it may be padded.

    Args:
        lane: of a WebSocket, where the client gave it a name.
    """
    end = f',"stream_id":{dumps(lane)}' if lane else ""
    return tuple(
        [
            Frame(
                kind=kind,
                name=name,
                data=(
                    f'{{"type":"{name}","sequence_number":{number},{fields}'
                    f"{padding(len(fields)) if padded and name.endswith('.delta') else ''}{end}}}"
                ),
            )
            for number, (kind, name, fields) in enumerate(_events(made))
        ]
    )


def sequence(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Return the frames; an error among them is numbered, and knows the response that failed."""
    if all(frame.kind != "error" for frame in frames):
        return tuple(frames)
    number, opening, found = -1, None, []
    for frame in frames:
        made = frame
        if frame.kind == "error":
            event = json.loads(frame.data)
            event["sequence_number"] = number + 1
            if opening is not None and "response" in event:
                event["response"] = json.loads(opening.data)["response"] | event["response"]
            made = replace(frame, data=dumps(event))
        elif frame.kind == "start":
            opening = frame
        number += 1
        found.append(made)
    return tuple(found)


def _events(made: Json) -> Iterator[_Event]:
    """Yield kind, name and fields of each event."""
    opening = f'"response":{dumps(begun(made, "in_progress"))}'
    yield "start", "response.created", opening
    yield "start", "response.in_progress", opening
    for at, item in enumerate(made["output"]):
        yield from _ITEMS[item["type"]](item, f'"output_index":{at}')
    yield "done", f"response.{made['status']}", f'"response":{dumps(made)}'


def _message(item: Json, place: str) -> Iterator[_Event]:
    yield _added(item | {"status": "in_progress", "content": []}, place)
    here = f'"item_id":"{item["id"]}",{place},"content_index":0'
    (part,) = item["content"]
    empty = dumps(part | {"text": "", "logprobs": [], "annotations": []})
    yield "block", "response.content_part.added", f'{here},"part":{empty}'
    likely = part["logprobs"]
    told = "[]"
    if likely:  # token by token
        tokens = [_told(token) for token in likely]
        told = dumps(tokens)
        pieces = [(token["token"], dumps([token])) for token in tokens]
    else:
        pieces = [(piece, "[]") for piece in deltas(part["text"])]
    for piece, one in pieces:
        fields = f'{here},"delta":{dumps(piece)},"logprobs":{one}'
        yield "content", "response.output_text.delta", fields
    for number, cited in enumerate(part["annotations"]):
        fields = f'{here},"annotation_index":{number},"annotation":{dumps(cited)}'
        yield "block", "response.output_text.annotation.added", fields
    text = f'{here},"text":{dumps(part["text"])},"logprobs":{told}'
    yield "block", "response.output_text.done", text
    yield "block", "response.content_part.done", f'{here},"part":{dumps(part)}'
    yield _done(item, place)


def _told(token: Json) -> Json:
    """Return a token as events tell it: without the bytes."""
    told = ("token", "logprob")
    others = [{name: other[name] for name in told} for other in token["top_logprobs"]]
    return {name: token[name] for name in told} | {"top_logprobs": others}


def _call(item: Json, place: str) -> Iterator[_Event]:
    yield _added(item | {"status": "in_progress", "arguments": ""}, place)
    here = f'"item_id":"{item["id"]}",{place}'
    for piece in fragments(item["arguments"]):
        yield "tool", "response.function_call_arguments.delta", f'{here},"delta":{dumps(piece)}'
    whole = f'{here},"name":{dumps(item["name"])},"arguments":{dumps(item["arguments"])}'
    yield "block", "response.function_call_arguments.done", whole
    yield _done(item, place)


def _custom(item: Json, place: str) -> Iterator[_Event]:
    yield _added(item | {"input": ""}, place)
    here = f'"item_id":"{item["id"]}",{place}'
    for piece in fragments(item["input"]):
        yield "tool", "response.custom_tool_call_input.delta", f'{here},"delta":{dumps(piece)}'
    whole = f'{here},"input":{dumps(item["input"])}'
    yield "block", "response.custom_tool_call_input.done", whole
    yield _done(item, place)


def _reasoning(item: Json, place: str) -> Iterator[_Event]:
    yield _added(item | {"summary": []}, place)
    name = "response.reasoning_summary"
    for at, part in enumerate(item["summary"]):
        here = f'"item_id":"{item["id"]}",{place},"summary_index":{at}'
        yield "block", f"{name}_part.added", f'{here},"part":{dumps(part | {"text": ""})}'
        for piece in deltas(part["text"]):
            yield "block", f"{name}_text.delta", f'{here},"delta":{dumps(piece)}'
        yield "block", f"{name}_text.done", f'{here},"text":{dumps(part["text"])}'
        yield "block", f"{name}_part.done", f'{here},"part":{dumps(part)}'
    yield _done(item, place)


def _hosted(item: Json, place: str) -> Iterator[_Event]:
    """Yield the events of a tool that the vendor runs: begun, at work, done."""
    kind = item["type"]
    written, emptied, working = _AT_WORK[kind]
    yield _added(item | emptied | {"status": "in_progress"}, place)
    here = f'"item_id":"{item["id"]}",{place}'
    yield "block", f"response.{kind}.in_progress", here
    if written:
        name = f"response.{kind}_{written}"
        for piece in fragments(item[written]):
            yield "block", f"{name}.delta", f'{here},"delta":{dumps(piece)}'
        yield "block", f"{name}.done", f'{here},"{written}":{dumps(item[written])}'
    if working:
        yield "block", f"response.{kind}.{working}", here
    if item["status"] == "completed":
        yield "block", f"response.{kind}.completed", here
    elif kind == "mcp_call":
        yield "block", "response.mcp_call.failed", here
    yield _done(item, place)


# What of an item is streamed, what it lacks at first, and the word for its work.
_AT_WORK: dict[str, tuple[str, Json, str]] = {
    "web_search_call": ("", {}, "searching"),
    "file_search_call": ("", {"results": None}, "searching"),
    "code_interpreter_call": ("code", {"code": "", "outputs": None}, "interpreting"),
    "image_generation_call": ("", {"result": None}, "generating"),
    "mcp_call": ("arguments", {"arguments": "", "output": None, "error": None}, ""),
}
_ITEMS = {
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _custom,
    "reasoning": _reasoning,
    **dict.fromkeys(_AT_WORK, _hosted),
}


def _added(item: Json, place: str) -> _Event:
    return "block", "response.output_item.added", f'{place},"item":{dumps(item)}'


def _done(item: Json, place: str) -> _Event:
    return "block", "response.output_item.done", f'{place},"item":{dumps(item)}'
