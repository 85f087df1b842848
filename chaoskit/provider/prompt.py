"""How many tokens a prompt is: the same number for usage, `count_tokens`, limits and windows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

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
    ToolSpec,
)
from chaoskit.provider.catalogue import Model
from chaoskit.provider.tokens import TokenCounter
from chaoskit.quick import maker

__all__ = ["PromptCount", "builtin_tools", "count", "part_tokens", "scaled", "unmarked"]

_BINARY = re.compile(r"[A-Za-z0-9+/_=-]{1000,}")
_BINARY_RATE = 30  # base64 characters per token of an attached document: about 2,000 tokens a page


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptCount:
    """The tokens of one prompt.

    Attributes:
        messages: of each message, its overhead included.
        images: of all pictures, wherever they stand; part of the other numbers.
        overhead: what belongs to none of the others.
        blocks: of each block in the order of the prompt cache: tools, system, parts of messages.
    """

    tools: int
    system: int
    messages: tuple[int, ...]
    images: int
    overhead: int
    total: int
    blocks: tuple[int, ...]


_new_prompt_count = maker(PromptCount)


def count(call: Call, model: Model, counter: TokenCounter) -> PromptCount:
    """Return the tokens of the call's prompt, by part."""
    over = model.overhead
    tokens = _Tokens(model, counter)
    blocks = _tools(call, tokens)
    tools = sum(blocks)
    system = 0
    for at, part in enumerate(call.system):
        size = tokens.part(part) + (0 if at else over.system)
        blocks.append(size)
        system += size
    messages = []
    for message in call.messages:
        size = whole = over.message
        for part in message.content:
            size += tokens.part(part)
            blocks.append(size)
            whole += size
            size = 0
        messages.append(whole - over.message if message.content else whole)
    return _new_prompt_count(
        tools=tools,
        system=system,
        messages=tuple(messages),
        images=tokens.images,
        overhead=over.request,
        total=tools + system + sum(messages) + over.request,
        blocks=tuple(blocks),
    )


def part_tokens(part: Part, model: Model, counter: TokenCounter) -> int:
    """Return the tokens of one part."""
    return _Tokens(model, counter).part(part)


def builtin_tools(call: Call) -> tuple[str, ...]:
    """Return the JSON of the tools that the vendor runs, as the dialect kept them."""
    found = call.options.get("builtin_tools")
    if not isinstance(found, Iterable):
        return ()
    return tuple(
        json.dumps({key: value for key, value in tool.items() if key != "cache_control"})
        for tool in found
        if isinstance(tool, dict)
    )


@lru_cache(maxsize=256)
def unmarked(raw: str) -> str:
    """Return the JSON of a block without its cache breakpoint, which is not part of the prompt."""
    value: dict[str, object] = json.loads(raw)
    value.pop("cache_control", None)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Tokens:
    """The tokens of parts, for one model. Adds up the pictures on the way."""

    __slots__ = ("_image", "_over", "_scale", "_text", "images")

    def __init__(self, model: Model, counter: TokenCounter) -> None:
        self._scale = model.scale
        self._over = model.overhead
        self._image = model.image
        self._text: Callable[[str], int] = counter.text
        self.images = 0

    def text(self, text: str) -> int:
        return scaled(self._text(text), self._scale)

    def part(self, part: Part) -> int:
        if isinstance(part, Text):
            return scaled(self._text(part.text), self._scale)
        if isinstance(part, ToolResult):
            return self._over.result + sum(self.part(inner) for inner in part.content)
        if isinstance(part, ToolCall):
            return self._over.call + self.text(part.name) + self.text(part.arguments)
        if isinstance(part, Image):
            size = self._image.tokens(part.width, part.height)
            self.images += size
            return size
        if isinstance(part, Thinking):
            return part.tokens or self.text(part.text)
        if isinstance(part, Hosted):  # what it brought comes with the next prompt
            return self._over.call + self.text(part.name or part.tool) + self.text(part.query)
        return self._opaque(part)

    def tool(self, tool: ToolSpec) -> int:
        return self._over.tool + self.text(tool.raw if tool.cache is None else unmarked(tool.raw))

    def _opaque(self, part: Opaque) -> int:
        raw = part.raw if part.cache is None else unmarked(part.raw)
        binary = sum(len(run) for run in _BINARY.findall(raw))
        if binary:
            raw = _BINARY.sub("", raw)
        return self.text(raw) + binary // _BINARY_RATE


def _tools(call: Call, tokens: _Tokens) -> list[int]:
    blocks = [tokens.tool(tool) for tool in call.tools]
    blocks += [tokens.text(raw) for raw in builtin_tools(call)] if call.options else []
    if blocks:
        blocks[0] += tokens._over.tools  # noqa: SLF001 - the two are one thing
    return blocks


def scaled(tokens: int, scale: float) -> int:
    """Return tokens of the counter as tokens of a model."""
    return tokens if scale == 1.0 else int(tokens * scale + 0.5)
