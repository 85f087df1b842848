"""The prompt tokens of one answer, from the usage of any vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PromptUsage", "read_usage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptUsage:
    """Where the tokens of a prompt came from; read, written and fresh add up to the prompt.

    Attributes:
        read: from the cache.
        written: into the cache.
        fresh: neither.
        written_long: those of `written` that stay for an hour, where that is told.
    """

    read: int = 0
    written: int = 0
    fresh: int = 0
    written_long: int = 0

    @property
    def total(self) -> int:
        """All tokens of the prompt."""
        return self.read + self.written + self.fresh


_WITHIN = ("cachedContentTokenCount", "cached_content_token_count", "prompt_cache_hit_tokens")


def _get(holder: object, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _first(holder: object, *names: str) -> Any:
    return next((found for name in names if (found := _get(holder, name)) is not None), None)


def _number(holder: object, *names: str) -> int | None:
    for name in names:
        value = _get(holder, name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return int(value)
    return None


def read_usage(response: object) -> PromptUsage | None:
    """Return the prompt tokens of a response or of its usage; None when it tells nothing.

    Anthropic, Bedrock and a router count cached tokens beside the input; OpenAI, Gemini and
    DeepSeek within it.
    """
    usage = _first(response, "usage", "usageMetadata", "usage_metadata") or response
    details = _first(usage, "prompt_tokens_details", "input_tokens_details")
    within = _number(details, "cached_tokens")
    read = _number(usage, "cache_read_input_tokens", "cacheReadInputTokens", "cache_read_tokens")
    written = _number(
        usage, "cache_creation_input_tokens", "cacheWriteInputTokens", "cache_write_tokens"
    )
    fresh = _number(usage, "input_tokens", "inputTokens")
    whole = _number(usage, "prompt_tokens", "promptTokenCount", "prompt_token_count")
    if whole is None and within is not None and read is None:
        whole = fresh  # the Responses API names the whole prompt `input_tokens`
    if whole is None:
        if fresh is None and read is None and written is None:
            return None
        long = _number(_get(usage, "cache_creation"), "ephemeral_1h_input_tokens") or 0
        return PromptUsage(
            read=read or 0,
            written=written or 0,
            fresh=fresh or 0,
            written_long=min(long, written or 0),
        )
    if within is None:
        within = _number(usage, *_WITHIN) or read
    cached = min(within or 0, whole)
    stored = min(_number(details, "cache_write_tokens") or written or 0, whole - cached)
    return PromptUsage(read=cached, written=stored, fresh=whole - cached - stored)
