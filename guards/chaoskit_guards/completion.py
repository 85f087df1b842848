"""What a router hands back: one answer in one shape, whichever vendor gave it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

from chaoskit_guards.errors import Attempt

__all__ = ["Completion", "RoutedText", "Usage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer, counted alike for every vendor.

    Attributes:
        input_tokens: prompt tokens that were neither read from nor written to a cache.
        output_tokens: tokens of the answer, reasoning included.
        cache_read_tokens: prompt tokens read from a cache.
        cache_write_tokens: prompt tokens written to a cache.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All tokens of the prompt."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    def in_anthropic_words(self) -> dict[str, int]:
        """Return the counts by Anthropic's names, as price functions know them."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_input_tokens": self.cache_read_tokens,
            "cache_creation_input_tokens": self.cache_write_tokens,
        }

    @property
    def total_tokens(self) -> int:
        """Prompt and answer together."""
        return self.prompt_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer, in the shape of an Anthropic message.

    Attributes:
        content: blocks of type `text`, `tool_use` and whatever else the provider sent. The input
            of a `tool_use` is the raw text where the model wrote broken JSON.
        stop_reason: `end_turn`, `tool_use`, `max_tokens`, `refusal`, …
        usage: tokens.
        provider: name of the provider that answered.
        model: model that was asked for.
        attempts: what happened on the way, the answer included.
        raw: the SDK's own object.
    """

    content: list[dict[str, Any]]
    stop_reason: str
    usage: Usage
    provider: str = ""
    model: str = ""
    attempts: tuple[Attempt, ...] = ()
    raw: object = field(default=None, repr=False, compare=False)

    @property
    def usd(self) -> float | None:
        """What all attempts cost together; None where the price of none is known."""
        known = [attempt.usd for attempt in self.attempts if attempt.usd is not None]
        return math.fsum(known) if known else None

    @property
    def text(self) -> str:
        """The text blocks, joined."""
        return "".join(b["text"] for b in self.content if b.get("type") == "text")

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The `tool_use` blocks."""
        return [block for block in self.content if block.get("type") == "tool_use"]

    @property
    def message(self) -> dict[str, Any]:
        """The turn to append to the history."""
        return {"role": "assistant", "content": self.content}


class RoutedText(str):
    """The text of an answer that remembers where it came from."""

    __slots__ = ("completion",)
    completion: Completion

    def __new__(cls, completion: Completion) -> Self:
        """Make the text of a completion."""
        text = super().__new__(cls, completion.text)
        text.completion = completion
        return text

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.completion,)

    @property
    def provider(self) -> str:
        """Name of the provider that answered."""
        return self.completion.provider

    @property
    def usage(self) -> Usage:
        """Tokens of the answer."""
        return self.completion.usage

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """What happened on the way."""
        return self.completion.attempts
