"""The shared beginning of many requests, marked for the provider's prompt cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

from chaoskit_guards.models import facts_of
from chaoskit_guards.shapes import as_mapping
from chaoskit_guards.tokens import count_tokens

__all__ = ["CachePrefix", "PrefixDiff", "Ttl", "first_difference", "prefix_bytes"]

Ttl = Literal["5m", "1h"]
"""How long an entry lives after it was last read or written."""

_MOST_MARKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixDiff:
    """Where two prefixes part.

    Attributes:
        offset: the first byte that differs.
        part: `tools`, `system` or `messages`.
        before: the bytes around it as they were.
        after: the bytes around it as they are.
    """

    offset: int
    part: str
    before: str
    after: str

    def __str__(self) -> str:
        return (
            f"the prefix changed in {self.part} at byte {self.offset}: "
            f"{self.before!r} became {self.after!r}"
        )


def prefix_bytes(system: object = None, tools: object = None, messages: object = None) -> bytes:
    """Return the prefix as bytes, in the order in which it is cached: tools, system, messages."""
    parts = (("tools", tools), ("system", system), ("messages", messages))
    return b"".join(
        f"{name}:{json.dumps(_plain(value), ensure_ascii=False)}\n".encode("utf-8", "surrogatepass")
        for name, value in parts
        if value
    )


def _plain(value: object) -> object:
    """Return blocks without their cache marks; a text and its one block are the same prompt."""
    if isinstance(value, str):
        return [{"type": "text", "text": value}]
    mapping = as_mapping(value)
    if mapping is not None:
        return {key: _inner(item) for key, item in mapping.items() if key != "cache_control"}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _inner(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(item) if not isinstance(item, str) else item for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def first_difference(before: bytes, after: bytes) -> PrefixDiff | None:
    """Return where two prefixes part; None when one begins with the other."""
    shared = min(len(before), len(after))
    low, high = 0, shared
    while low < high:  # the longest common prefix, by halves at the speed of memcmp
        middle = (low + high + 1) // 2
        if before[:middle] == after[:middle]:
            low = middle
        else:
            high = middle - 1
    if low == shared:
        return None
    names = [
        (after.rfind(marker, 0, low + 1), part)
        for part in ("tools", "system", "messages")
        for marker in (f"\n{part}:[".encode(), f"{part}:[".encode())
    ]
    part = max(((at, name) for at, name in names if at >= 0), default=(0, "system"))[1]
    around = slice(max(0, low - 12), low + 12)
    return PrefixDiff(
        offset=low,
        part=part,
        before=before[around].decode("utf-8", "replace"),
        after=after[around].decode("utf-8", "replace"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePrefix:
    """The part that all requests share, byte for byte the same in warming and in real requests.

    Attributes:
        model: the model it is for; each model has its own cache.
        system: the system prompt, marked.
        tools: the tool definitions, or None.
        ttl: how long the entry lives.
        tokens: estimated tokens of tools and system.
        minimum: shortest prefix that this model caches; None when it is not known.
    """

    model: str
    system: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...] | None = None
    ttl: Ttl = "5m"
    tokens: int = 0
    minimum: int | None = None

    @classmethod
    def build(
        cls,
        model: str,
        system: str | Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        ttl: Ttl = "5m",
        minimum: int | None = None,
    ) -> CachePrefix:
        """Mark the end of the system prompt, or of the tools where there is no system prompt.

        Marks of the caller stay; one more is added only where there is room for it and the end is
        not marked yet.

        Raises:
            ValueError: there is nothing to cache, more than four marks were set, or a mark for an
                hour stands behind one for five minutes.
        """
        text = [{"type": "text", "text": system}] if isinstance(system, str) else system
        blocks = [deepcopy(dict(block)) for block in text if block.get("text") != ""]
        kept_tools = [deepcopy(dict(tool)) for tool in tools] if tools else []
        last = blocks or kept_tools
        if not last:
            raise ValueError("there is nothing to cache: the system prompt and tools are empty")
        marks = sum("cache_control" in block for block in (*blocks, *kept_tools))
        if marks > _MOST_MARKS:
            raise ValueError(f"{marks} blocks are marked for the cache; the most is {_MOST_MARKS}")
        if "cache_control" not in last[-1] and marks < _MOST_MARKS:
            mark = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
            last[-1]["cache_control"] = mark
        _check_order([*kept_tools, *blocks])
        return cls(
            model=model,
            system=tuple(blocks),
            tools=tuple(kept_tools) or None,
            ttl=ttl,
            tokens=count_tokens(blocks) + count_tokens(kept_tools),
            minimum=facts_of(model).cache_minimum if minimum is None else minimum,
        )

    @property
    def long_enough(self) -> bool | None:
        """Whether the provider will cache it at all; None when the minimum is not known."""
        return None if self.minimum is None else self.tokens >= self.minimum

    @property
    def fingerprint(self) -> str:
        """A short name of the prefix: the same for the same bytes and model, in every process."""
        body = prefix_bytes(self.system, self.tools)
        return hashlib.sha256(self.model.encode() + b"\0" + body).hexdigest()[:16]

    def system_blocks(self) -> list[dict[str, Any]]:
        """Return the marked system prompt for `system=`."""
        return [deepcopy(dict(block)) for block in self.system]

    def request(self, messages: Sequence[Any], **fields: Any) -> dict[str, Any]:
        """Return the keywords of a request that begins with this prefix.

        Raises:
            ValueError: `max_tokens=0` with something that the vendor refuses then.
        """
        if fields.get("max_tokens") == 0:
            _check_without_answer(fields)
        made: dict[str, Any] = {"model": self.model, "messages": list(messages), **fields}
        if self.system:
            made["system"] = self.system_blocks()
        if self.tools:
            made["tools"] = [deepcopy(dict(tool)) for tool in self.tools]
        return made


def _check_order(marked: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an entry that outlives one before it; the vendor does so with a bare 400."""
    lives = [
        (block["cache_control"] or {}).get("ttl", "5m")
        for block in marked
        if "cache_control" in block
    ]
    if lives != sorted(lives):  # "1h" sorts before "5m", as it has to stand
        raise ValueError("a cache mark with ttl 1h must stand before those of five minutes")


def _check_without_answer(fields: Mapping[str, Any]) -> None:
    """Refuse what cannot be had without an answer."""
    thinking, choice = fields.get("thinking") or {}, fields.get("tool_choice") or {}
    wrong = [
        name
        for name, set_ in (
            ("stream", fields.get("stream")),
            ("thinking", thinking.get("type", "disabled") != "disabled"),
            ("tool_choice", choice.get("type") in ("any", "tool")),
        )
        if set_
    ]
    if wrong:
        raise ValueError(f"max_tokens=0 does not go with {', '.join(wrong)}; give it at least 1")
