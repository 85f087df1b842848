"""Short hashes by which requests are recognised without being kept."""

from __future__ import annotations

from hashlib import blake2b

from chaoskit.again import ByText
from chaoskit.exchange import Call, Message, Part, Text, ToolCall, ToolResult

__all__ = ["digest", "prefix", "step"]


_MEMORY = 1_000_000  # characters of texts whose hashes are remembered
_COMMON = 1_000  # characters: conversations of a longer shape are seldom alike


def digest(data: bytes | str) -> str:
    """Return the hash of some bytes or text: 16 hexadecimal digits."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return blake2b(raw, digest_size=8).hexdigest()


_known = ByText(digest, _MEMORY)


def prefix(call: Call) -> str:
    """Return the hash of tools and system prompt, what a prompt cache keeps across users."""
    if not call.tools and not call.system:
        return ""
    return _known("\x00".join([*[tool.raw for tool in call.tools], *map(_whole, call.system)]))


def step(call: Call) -> str:
    """Return the hash of where a conversation stands, without the words of its user.

    A retry keeps it even when a nonce or the time of day changes in the prompt; a further tool
    call, tool result or turn does not.
    """
    shape = "\x00".join([_shape(message) for message in call.messages])
    return _known(shape) if len(shape) <= _COMMON else digest(shape)


def _shape(message: Message) -> str:
    told = message.role in ("user", "system")
    parts = [
        "text" if told and isinstance(part, Text) else _whole(part) for part in message.content
    ]
    return f"{message.role}\x01" + "\x01".join(parts)


def _whole(part: Part) -> str:
    if isinstance(part, Text):  # most are
        return part.text
    match part:
        case ToolCall():
            return f"{part.name}\x02{part.arguments}"
        case ToolResult():
            return "\x02".join(_whole(item) for item in part.content)
        case _:
            return repr(part)
