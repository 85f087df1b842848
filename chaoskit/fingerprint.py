"""Short hashes by which requests are recognised without being kept."""

from __future__ import annotations

from hashlib import blake2b

from chaoskit.exchange import Call, Message, Part, Text, ToolCall, ToolResult

__all__ = ["digest", "prefix", "step"]


def digest(data: bytes | str) -> str:
    """Return the hash of some bytes or text: 16 hexadecimal digits."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return blake2b(raw, digest_size=8).hexdigest()


def prefix(call: Call) -> str:
    """Return the hash of tools and system prompt, what a prompt cache keeps across users."""
    if not call.tools and not call.system:
        return ""
    return digest("\x00".join([*(tool.raw for tool in call.tools), *map(_whole, call.system)]))


def step(call: Call) -> str:
    """Return the hash of where a conversation stands, without the words of its user.

    A retry keeps it even when a nonce or the time of day changes in the prompt; a further tool
    call, tool result or turn does not.
    """
    return digest("\x00".join([_shape(message) for message in call.messages]))


def _shape(message: Message) -> str:
    told = message.role in ("user", "system")
    parts = [
        "text" if told and isinstance(part, Text) else _whole(part) for part in message.content
    ]
    return f"{message.role}\x01" + "\x01".join(parts)


def _whole(part: Part) -> str:
    match part:
        case Text():
            return part.text
        case ToolCall():
            return f"{part.name}\x02{part.arguments}"
        case ToolResult():
            return "\x02".join(_whole(item) for item in part.content)
        case _:
            return repr(part)
