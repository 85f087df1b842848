"""How an answer ends: at a stop sequence, at `max_tokens`, at the end of the window."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.exchange import Call, Part, Reply, Stop, Text, Thinking, ToolCall
from chaoskit.provider.catalogue import Model
from chaoskit.provider.prompt import part_tokens, scaled
from chaoskit.provider.tokens import TokenCounter

__all__ = ["end"]


def end(
    reply: Reply, call: Call, model: Model, counter: TokenCounter, *, room: int
) -> tuple[Reply, int]:
    """Return the answer as far as it goes, and its tokens.

    `room` is what the window leaves for it. An answer has at least one token, unless none is
    allowed.
    """
    if call.stop_sequences:
        reply = _stopped(reply, call.stop_sequences)
    limit, stop = _limit(call, model, room)
    used = 0
    for at, part in enumerate(reply.content):
        size = part_tokens(part, model, counter)
        if used + size > limit:
            rest = _cut(part, limit - used, model, counter)
            if rest is not None:
                used += part_tokens(rest, model, counter)
            content = (*reply.content[:at], *(() if rest is None else (rest,)))
            return replace(reply, content=content, stop=stop, stop_sequence=None), _least(
                used, limit
            )
        used += size
    if limit == 0 and reply.stop != stop:
        reply = replace(reply, stop=stop, stop_sequence=None)
    return reply, _least(used, limit)


def _limit(call: Call, model: Model, room: int) -> tuple[int, Stop]:
    """Return the largest number of tokens, and why the answer stops there."""
    most = model.facts.max_output if call.max_tokens is None else call.max_tokens
    return (max(room, 0), "window_exceeded") if room < most else (most, "max_tokens")


def _least(used: int, limit: int) -> int:
    return max(used, min(1, limit))


def _stopped(reply: Reply, sequences: tuple[str, ...]) -> Reply:
    """Return the reply up to the first stop sequence in its text."""
    for at, part in enumerate(reply.content):
        if not isinstance(part, Text):
            continue
        places = [(part.text.find(word), word) for word in sequences if word]
        found = min((place for place in places if place[0] >= 0), default=None)
        if found is not None:
            before = (Text(part.text[: found[0]]),) if found[0] else ()
            return replace(
                reply,
                content=(*reply.content[:at], *before),
                stop="stop_sequence",
                stop_sequence=found[1],
            )
    return reply


def _cut(part: Part, tokens: int, model: Model, counter: TokenCounter) -> Part | None:
    """Return the beginning of a part that has at most so many tokens, or None for nothing."""
    if isinstance(part, Text):
        text = _beginning(part.text, tokens, model, counter)
        return replace(part, text=text) if text else None
    if isinstance(part, ToolCall):
        named = part_tokens(replace(part, arguments=""), model, counter)
        if named > tokens:
            return None
        return replace(part, arguments=_beginning(part.arguments, tokens - named, model, counter))
    if isinstance(part, Thinking) and part.tokens:
        return replace(part, tokens=tokens) if tokens else None
    if isinstance(part, Thinking):
        text = _beginning(part.text, tokens, model, counter)
        return replace(part, text=text) if text else None
    return None


def _beginning(text: str, tokens: int, model: Model, counter: TokenCounter) -> str:
    """Return the longest beginning of a text that counts at most so many of the model's tokens."""
    allowed = int((tokens + 0.5) / model.scale)
    while scaled(allowed, model.scale) > tokens:  # the scale is a float
        allowed -= 1
    return counter.cut(text, allowed)
