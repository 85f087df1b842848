"""What is published about each model's limits and cache: data, read by the longest prefix.

Numbers change with releases; every guard that reads them takes an override.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ModelFacts", "facts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Limits of a model; None where nothing is published or known.

    Attributes:
        vendor: `anthropic`, `openai` or empty.
        context_window: tokens of prompt and answer together.
        max_output: tokens of the answer.
        cache_minimum: shortest prefix in tokens that is cached at all.
        cache_read: price of reading a cached token, relative to an input token.
        cache_write: price of writing one for five minutes.
        cache_write_long: price of writing one for an hour.
    """

    vendor: str = ""
    context_window: int | None = None
    max_output: int | None = None
    cache_minimum: int | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_long: float | None = None


def _claude(window: int, output: int, minimum: int | None, read: float = 0.1) -> ModelFacts:
    return ModelFacts(
        vendor="anthropic",
        context_window=window,
        max_output=output,
        cache_minimum=minimum,
        cache_read=read,
        cache_write=1.25,
        cache_write_long=2.0,
    )


def _gpt(window: int | None, output: int | None, read: float | None, write: float) -> ModelFacts:
    return ModelFacts(
        vendor="openai",
        context_window=window,
        max_output=output,
        cache_minimum=1_024,
        cache_read=read,
        cache_write=write,
        cache_write_long=write,
    )


_FACTS = {
    "claude-": ModelFacts(
        vendor="anthropic", cache_read=0.1, cache_write=1.25, cache_write_long=2.0
    ),
    "claude-fable-5": _claude(1_000_000, 128_000, 512),
    "claude-fable-5-1": _claude(1_000_000, 128_000, 512, 0.025),
    "claude-fable-5-2": _claude(1_000_000, 128_000, None),
    "claude-haiku-4-5": _claude(200_000, 64_000, 4_096),
    "claude-haiku-5-5": _claude(200_000, 64_000, None),
    "claude-mythos-5": _claude(1_000_000, 128_000, 512),
    "claude-mythos-5-1": _claude(1_000_000, 128_000, 512, 0.025),
    "claude-mythos-5-2": _claude(1_000_000, 128_000, None),
    "claude-mythos-preview": _claude(1_000_000, 128_000, 2_048),
    "claude-opus-4-5": _claude(200_000, 64_000, 4_096),
    "claude-opus-4-6": _claude(1_000_000, 128_000, 4_096),
    "claude-opus-4-7": _claude(1_000_000, 128_000, 2_048),
    "claude-opus-4-8": _claude(1_000_000, 128_000, 1_024),
    "claude-opus-5": _claude(1_000_000, 128_000, 512),
    "claude-opus-5-5": _claude(1_000_000, 128_000, 512, 0.05),
    "claude-sonnet-4-5": _claude(200_000, 64_000, 1_024),
    "claude-sonnet-4-6": _claude(1_000_000, 128_000, 1_024),
    "claude-sonnet-5": _claude(1_000_000, 128_000, 1_024),
    "gpt-": _gpt(None, None, None, 1.0),
    "gpt-4.1": _gpt(1_047_576, 32_768, 0.25, 1.0),
    "gpt-4o": _gpt(128_000, 16_384, 0.5, 1.0),
    "gpt-5": _gpt(400_000, 128_000, 0.1, 1.0),
    "gpt-5.6": _gpt(400_000, 128_000, 0.1, 1.25),
    "o3": _gpt(200_000, 100_000, 0.25, 1.0),
    "o4-mini": _gpt(200_000, 100_000, 0.25, 1.0),
}

_NOTHING = ModelFacts()


def facts_of(model: str) -> ModelFacts:
    """Return what is known of a model; aliases, dates and regional prefixes do not matter."""
    name = model.rsplit("/", 1)[-1].lower()
    name = name.split("anthropic.", 1)[-1]
    best = max((known for known in _FACTS if name.startswith(known)), key=len, default="")
    return _FACTS.get(best, _NOTHING)
