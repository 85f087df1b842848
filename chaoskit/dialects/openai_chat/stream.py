"""A streamed answer: chunks without event names, and a terminator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

from chaoskit.alike import Alike, Rests
from chaoskit.dialect import Envelope
from chaoskit.dialects._json import dumps
from chaoskit.dialects._openai import headers, logprobs
from chaoskit.dialects._openai.obfuscation import padding
from chaoskit.dialects._pieces import deltas as pieces
from chaoskit.dialects._pieces import fragments
from chaoskit.dialects.openai_chat import special
from chaoskit.dialects.openai_chat.encode import (
    answer,
    choices,
    custom,
    finish_reason,
    identified,
    is_plain,
    opening,
    usage,
)
from chaoskit.exchange import Call, Reply, ToolCall
from chaoskit.steps import Frame

__all__ = ["stream"]

_DONE = Frame(kind="done", name="", data="[DONE]")
_ROLE = '{"role":"assistant","content":%s,"refusal":null}'

_Delta: TypeAlias = tuple[Literal["start", "content", "tool", "end"], str, str, str]
"""What a chunk is for; its delta, its finish reason and its logprobs as JSON."""


def stream(reply: Reply, call: Call, envelope: Envelope) -> tuple[Mapping[str, str], Alike]:
    """Return the headers and the chunks of a streamed answer.

    With `include_usage` every chunk has a `usage`, null but in the last, which has no choices;
    without it no chunk has any.
    """
    told = dumps(usage(reply.usage, call)) if call.options.get("include_usage") else ""
    padded = call.options.get("obfuscated", True) is not False
    head = opening("chat.completion.chunk", call, envelope)
    count = choices(call)
    if is_plain(reply, call):
        rests = _said(reply.text, finish_reason(reply, call), count, told, padded)
    else:
        deltas = [list(_deltas(reply, call, index, envelope)) for index in range(count)]
        rests = _rests(deltas, told, padded=padded)
    made = headers.common("text/event-stream; charset=utf-8", envelope)
    made["cache-control"] = "no-cache"
    return made | headers.limits(envelope), Alike(head, rests)


@lru_cache(maxsize=64)  # a script says the same again and again
def _said(text: str, finish: str, count: int, told: str, padded: bool) -> Rests:
    """Return the chunks of an answer that calls no tool, without what they begin with."""
    deltas: list[_Delta] = [("start", _ROLE % '""', "null", "null")]
    deltas += [("content", f'{{"content":{dumps(one)}}}', "null", "null") for one in pieces(text)]
    return _rests([[*deltas, ("end", "{}", f'"{finish}"', "null")]] * count, told, padded=padded)


def _rests(deltas: list[list[_Delta]], told: str, *, padded: bool) -> Rests:
    """Return the chunks of some choices, and of their usage, without what they begin with."""
    tail = ',"usage":null' if told else ""
    frames: list[Frame] = []
    for index, choice in enumerate(deltas):
        for kind, delta, finish, likely in choice:
            data = (
                f',"choices":[{{"index":{index},"delta":{delta},"logprobs":{likely},'
                f'"finish_reason":{finish}}}]{tail}{padding(len(delta)) if padded else ""}}}'
            )
            frames.append(Frame(kind=kind, name="", data=data))
    if told:
        pad = padding(len(told)) if padded else ""
        frames.append(Frame("usage", "", f',"choices":[],"usage":{told}{pad}}}'))
    return Rests(frames, _DONE)


def _deltas(reply: Reply, call: Call, choice: int, envelope: Envelope) -> Iterator[_Delta]:
    """Yield the deltas of one choice."""
    reply = answer(reply, choice)
    calls = identified(reply, choice, envelope)
    spoken = "audio" in call.options
    text = "" if spoken else reply.text
    yield "start", _ROLE % ("null" if calls and not text else '""'), "null", "null"
    top = logprobs.wanted(call)
    if top is None:
        for piece in pieces(text):
            yield "content", f'{{"content":{dumps(piece)}}}', "null", "null"
    else:  # token by token
        for token in logprobs.of(text, top):
            likely = dumps({"content": [token], "refusal": None})
            yield "content", f'{{"content":{dumps(token["token"])}}}', "null", likely
    if spoken or (reply.content and special.applies(reply, call)):
        for delta in special.chunks(reply, call, envelope):
            yield "content", delta, "null", "null"
    if calls and "functions" in call.options:
        yield from _function_call(calls[0][1])
        calls = []
    names = custom(call) if calls else frozenset()
    for index, (identity, made) in enumerate(calls):
        if made.name in names:
            yield from _custom(index, identity, made)
            continue
        begun = {
            "index": index,
            "id": identity,
            "type": "function",
            "function": {"name": made.name, "arguments": ""},
        }
        yield "tool", f'{{"tool_calls":[{dumps(begun)}]}}', "null", "null"
        for piece in fragments(made.arguments):
            more = f'{{"index":{index},"function":{{"arguments":{dumps(piece)}}}}}'
            yield "tool", f'{{"tool_calls":[{more}]}}', "null", "null"
    yield "end", "{}", f'"{finish_reason(reply, call)}"', "null"


def _function_call(made: ToolCall) -> Iterator[_Delta]:
    """Yield the deltas of a call by its old name, which has neither an id nor an index."""
    begun = dumps({"name": made.name, "arguments": ""})
    yield "tool", f'{{"function_call":{begun}}}', "null", "null"
    for piece in fragments(made.arguments):
        yield "tool", f'{{"function_call":{{"arguments":{dumps(piece)}}}}}', "null", "null"


def _custom(index: int, identity: str, made: ToolCall) -> Iterator[_Delta]:
    """Yield the deltas of a call of a tool that takes any text."""
    begun = {
        "index": index,
        "id": identity,
        "type": "custom",
        "custom": {"name": made.name, "input": ""},
    }
    yield "tool", f'{{"tool_calls":[{dumps(begun)}]}}', "null", "null"
    for piece in fragments(made.arguments):
        more = f'{{"index":{index},"custom":{{"input":{dumps(piece)}}}}}'
        yield "tool", f'{{"tool_calls":[{more}]}}', "null", "null"
