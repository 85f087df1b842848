"""How a conversation is divided into system prompt and messages."""

from __future__ import annotations

from chaoskit.exchange import Message, Part

__all__ = ["divided"]


def divided(messages: tuple[Message, ...]) -> tuple[tuple[Part, ...], tuple[Message, ...]]:
    """Return what the system messages at the beginning say, and the rest, which is not empty."""
    system: list[Part] = []
    first = 0
    for message in messages[:-1]:
        if message.role != "system":
            break
        system += message.content
        first += 1
    return tuple(system), messages[first:]
