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
from chaoskit.dialects.openai_chat.encode import (
    choices,
    finish_reason,
    identified,
    opening,
    usage,
)
from chaoskit.exchange import Call, Reply, Usage
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
    told = reply.usage if call.options.get("include_usage") else None
    padded = call.options.get("obfuscated", True) is not False
    head = opening("chat.completion.chunk", call, envelope)
    count, finish = choices(call), finish_reason(reply, call)
    if reply.tool_calls or logprobs.wanted(call) is not None:
        deltas = [list(_deltas(reply, call, index, envelope)) for index in range(count)]
        rests = _rests(deltas, told, padded=padded)
    else:
        rests = _said(reply.text, finish, count, told, padded)
    made = headers.common("text/event-stream; charset=utf-8", envelope)
    made["cache-control"] = "no-cache"
    return made | headers.limits(envelope), Alike(head, rests)


@lru_cache(maxsize=64)  # a script says the same again and again
def _said(text: str, finish: str, count: int, told: Usage | None, padded: bool) -> Rests:
    """Return the chunks of an answer that calls no tool, without what they begin with."""
    deltas: list[_Delta] = [("start", _ROLE % '""', "null", "null")]
    deltas += [("content", f'{{"content":{dumps(one)}}}', "null", "null") for one in pieces(text)]
    return _rests([[*deltas, ("end", "{}", f'"{finish}"', "null")]] * count, told, padded=padded)


def _rests(deltas: list[list[_Delta]], told: Usage | None, *, padded: bool) -> Rests:
    """Return the chunks of some choices, without what they begin with."""
    tail = "" if told is None else ',"usage":null'
    frames: list[Frame] = []
    for index, choice in enumerate(deltas):
        for kind, delta, finish, likely in choice:
            data = (
                f',"choices":[{{"index":{index},"delta":{delta},"logprobs":{likely},'
                f'"finish_reason":{finish}}}]{tail}{padding(len(delta)) if padded else ""}}}'
            )
            frames.append(Frame(kind=kind, name="", data=data))
    if told is not None:
        counted = dumps(usage(told))
        pad = padding(len(counted)) if padded else ""
        frames.append(Frame("usage", "", f',"choices":[],"usage":{counted}{pad}}}'))
    return Rests(frames, _DONE)


def _deltas(reply: Reply, call: Call, choice: int, envelope: Envelope) -> Iterator[_Delta]:
    """Yield the deltas of one choice."""
    calls = identified(reply, choice, envelope)
    text = reply.text
    yield "start", _ROLE % ("null" if calls and not text else '""'), "null", "null"
    top = logprobs.wanted(call)
    if top is None:
        for piece in pieces(text):
            yield "content", f'{{"content":{dumps(piece)}}}', "null", "null"
    else:  # token by token
        for token in logprobs.of(text, top):
            likely = dumps({"content": [token], "refusal": None})
            yield "content", f'{{"content":{dumps(token["token"])}}}', "null", likely
    for index, (identity, made) in enumerate(calls):
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
