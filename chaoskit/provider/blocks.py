"""A prompt as the cache sees it: blocks in the order tools, system, messages.

Two prompts share a prefix exactly when their first blocks are equal. What does not stand in a
block but decides how it is read (the choice of tools, the mode of thinking, …) is a block of its
own without tokens, at the beginning of the section that it invalidates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Literal, NamedTuple, TypeAlias

from chaoskit.again import ByText
from chaoskit.exchange import (
    Call,
    Hosted,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Ttl,
)
from chaoskit.provider.prompt import builtin_tools, unmarked
from chaoskit.provider.tokens import MEMORY

__all__ = ["Block", "Blocks", "last_marked"]

Run: TypeAlias = Literal["", "tool_use", "tool_result"]

_CITED = '"citations":{"enabled":true'
_SHORT = 256
_CHUNK = 512  # characters; about 128 tokens, the step of automatic caching
_SYSTEM_OPTIONS = ("output_schema", "json_object", "speed")
_MESSAGE_OPTIONS = ("thinking", "effort")


class Block(NamedTuple):
    """One block.

    Attributes:
        where: its place, such as `tools[3]` or `messages[4].content[1]`, in parts.
        tokens: 0 for what is not sent as text.
        digest: of its content; equal blocks have equal digests.
        ttl: set where a cache breakpoint follows.
        run: neighbours of the same run count as one position when the cache looks back.
        text: what may be shared in part, or empty.
    """

    where: tuple[str, int, int]
    tokens: int
    digest: bytes
    ttl: Ttl | None = None
    run: Run = ""
    text: str = ""


class Blocks:
    """Takes prompts apart; remembers the digests of long texts."""

    def __init__(self) -> None:
        self._digest: ByText[bytes] = ByText(_digest, MEMORY)
        self.chunks: ByText[tuple[bytes, ...]] = ByText(_chunks, MEMORY)
        """Digests of ever longer beginnings of a text, in steps of `chunk` characters."""
        self.chunk = _CHUNK

    def marked(self, call: Call, tokens: tuple[int, ...], *, strict: bool) -> list[Block]:
        """Return the blocks up to the last breakpoint of a call that has one."""
        blocks = self.of(call, tokens, strict=strict, until=last_marked(call))
        last = max(at for at, block in enumerate(blocks) if block.ttl is not None)
        return blocks[: last + 1]

    def of(
        self, call: Call, tokens: tuple[int, ...], *, strict: bool, until: int | None = None
    ) -> list[Block]:
        """Return the blocks of a call whose tokens are known, or of its first messages.

        With `strict`, pictures anywhere and the choice of tools invalidate the messages, and
        documents anywhere that may be cited the system prompt as well.
        """
        sizes = iter(tokens)
        found = list(self._tools(call, sizes))
        settings = [(name, call.options[name]) for name in _SYSTEM_OPTIONS if name in call.options]
        if strict and _has_citations(call):
            settings.append(("citations", True))
        if settings:
            found.append(_settings("system", settings))
        for at, part in enumerate(call.system):
            found.append(self._part(part, ("system", at, -1), next(sizes), "system"))
        settings = [(name, call.options[name]) for name in _MESSAGE_OPTIONS if name in call.options]
        if strict:
            choice = call.tool_choice
            settings.append(("tool_choice", (choice.mode, choice.name, choice.parallel)))
            settings.append(("images", _has_images(call)))
        found.append(_settings("messages", settings))
        for at, message in enumerate(call.messages[:until]):
            role = message.role
            for index, part in enumerate(message.content):
                found.append(self._part(part, ("messages", at, index), next(sizes), role))
        return found

    def _tools(self, call: Call, sizes: Iterator[int]) -> Iterator[Block]:
        for at, tool in enumerate(call.tools):
            raw = tool.raw if tool.cache is None else unmarked(tool.raw)
            yield Block(("tools", at, -1), next(sizes), self._text("tool", raw), tool.cache)
        if call.options:
            for at, raw in enumerate(builtin_tools(call), len(call.tools)):
                yield Block(("tools", at, -1), next(sizes), self._text("tool", raw))

    def _part(self, part: Part, where: tuple[str, int, int], tokens: int, role: str) -> Block:
        if isinstance(part, Text):
            digest = self._text(role, part.text)
            return Block(where, tokens, digest, part.cache, "", part.text)
        ttl = None if isinstance(part, Thinking) else part.cache
        run: Run = ""
        text = ""
        if isinstance(part, ToolResult):
            run = "tool_result"
            text = part.text if len(part.content) == 1 else ""
        elif isinstance(part, ToolCall):
            run = "tool_use"
        return Block(where, tokens, self._content(part, role), ttl, run, text)

    def _content(self, part: Part, role: str) -> bytes:
        if isinstance(part, Text):
            return self._text(role, part.text)
        if isinstance(part, ToolResult):
            inner = b"".join(self._content(item, role) for item in part.content)
            return _digest(f"result:{part.is_error}:{part.call_id}:{inner.hex()}")
        if isinstance(part, ToolCall):
            lengths = f"{len(part.id)}:{len(part.name)}"
            return self._text("call", f"{lengths}:{part.id}{part.name}{part.arguments}")
        if isinstance(part, Image):
            return _digest(f"image:{part.source}")
        if isinstance(part, Thinking):
            return self._text("thinking", f"{len(part.text)}:{part.text}{part.signature}")
        if isinstance(part, Hosted):  # comes back as the dialect wrote it, never like this
            return self._text("hosted", repr(part))
        raw = part.raw if part.cache is None else unmarked(part.raw)
        return self._text(f"opaque:{part.kind}", raw)

    def _text(self, label: str, text: str) -> bytes:
        if len(text) < _SHORT:
            return _digest(f"{label}:{text}")
        return _digest(f"{label}\0{self._digest(text).hex()}")


def _settings(section: str, values: list[tuple[str, object]]) -> Block:
    text = json.dumps(values, sort_keys=True, default=str)
    return Block((section, -1, -1), 0, _digest(f"settings:{section}:{text}"))


def last_marked(call: Call) -> int:
    """Return up to how many messages the last breakpoint is in; 0 where none has one."""
    for at in range(len(call.messages), 0, -1):
        for part in call.messages[at - 1].content:
            if not isinstance(part, Thinking) and part.cache is not None:
                return at
    return 0


def _has_images(call: Call) -> bool:
    return any(
        isinstance(part, Image)
        or (isinstance(part, ToolResult) and any(isinstance(p, Image) for p in part.content))
        for message in call.messages
        for part in message.content
    ) or any(isinstance(part, Image) for part in call.system)


def _has_citations(call: Call) -> bool:
    return any(
        isinstance(part, Opaque) and part.kind == "document" and _CITED in part.raw
        for message in call.messages
        for part in message.content
    )


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _chunks(text: str) -> tuple[bytes, ...]:
    running = blake2b(digest_size=8)
    found = []
    for end in range(_CHUNK, len(text) + 1, _CHUNK):
        running.update(text[end - _CHUNK : end].encode("utf-8", "surrogatepass"))
        found.append(running.digest())
    return tuple(found)
