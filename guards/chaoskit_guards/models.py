"""What is published about each model's limits and cache: data, read by name and version.

Numbers change with releases; every guard that reads them takes an override. A version that is not
listed is not guessed from its neighbours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chaoskit_guards.media import CLAUDE, CLAUDE_LARGE, GEMINI, GPT, ImageRule

__all__ = ["ModelFacts", "facts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Limits of a model; None where nothing is published or known.

    Attributes:
        vendor: `anthropic`, `openai`, `google` or empty.
        context_window: tokens of prompt and answer together.
        max_input: tokens of the prompt alone, where they are fewer than the window.
        max_output: tokens of the answer.
        cache_minimum: shortest prefix in tokens that is cached at all.
        cache_read: price of reading a cached token, relative to an input token.
        cache_write: price of writing one for five minutes.
        cache_write_long: price of writing one for an hour.
        token_scale: tokens of a text, relative to those of the o200k vocabulary.
        image: what the model takes for pictures.
    """

    vendor: str = ""
    context_window: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    cache_minimum: int | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_long: float | None = None
    token_scale: float = 1.0
    image: ImageRule | None = None


def _claude(window: int, output: int | None, minimum: int | None, read: float = 0.1) -> ModelFacts:
    """Return the facts of a model from 4.7 on, whose vocabulary is smaller."""
    return ModelFacts(
        vendor="anthropic",
        token_scale=1.3,
        image=CLAUDE_LARGE,
        context_window=window,
        max_output=output,
        cache_minimum=minimum,
        cache_read=read,
        cache_write=1.25,
        cache_write_long=2.0,
    )


def _older(window: int, output: int | None, minimum: int | None) -> ModelFacts:
    facts = _claude(window, output, minimum)
    return replace(facts, token_scale=1.0, image=CLAUDE)


def _gpt(
    window: int | None,
    output: int | None,
    read: float | None,
    write: float = 1.0,
    *,
    prompt: int | None = None,
    image: ImageRule = GPT,
) -> ModelFacts:
    return ModelFacts(
        vendor="openai",
        context_window=window,
        max_input=prompt,
        max_output=output,
        image=image,
        cache_minimum=1_024,
        cache_read=read,
        cache_write=write,
        cache_write_long=write,
    )


def _gemini(output: int | None = 65_536, read: float = 0.1) -> ModelFacts:
    return ModelFacts(
        vendor="google",
        image=GEMINI,
        context_window=1_048_576,
        max_output=output,
        cache_read=read,
        cache_write=1.0,
    )


_PATCHES = ImageRule("patches", most=2_500)
_MINI = ImageRule("patches", most=1_536, factor=1.62)
_NANO = ImageRule("patches", most=1_536, factor=2.46)
_O4_MINI = ImageRule("patches", most=1_536, factor=1.72)
_GPT_4O_MINI = ImageRule("tiles", base=2_833, tile=5_667)

_CHAT = _gpt(128_000, 16_384, 0.1)
_GPT_5 = _gpt(400_000, 128_000, 0.1, prompt=272_000)
_GPT_5_4 = _gpt(1_050_000, 128_000, 0.1, image=_PATCHES)
_GPT_5_6 = _gpt(1_050_000, 128_000, 0.1, 1.25, prompt=922_000, image=_PATCHES)
_GPT_6_1 = _gpt(1_050_000, 128_000, 0.05, 1.25, prompt=922_000, image=_PATCHES)
_GPT_5_MINI = replace(_GPT_5, image=_MINI)
_GPT_5_NANO = replace(_GPT_5, image=_NANO)

_FACTS = {
    "claude-3-5-haiku": _older(200_000, 8_192, 2_048),
    "claude-3-5-sonnet": _older(200_000, 8_192, 1_024),
    "claude-3-7-sonnet": _older(200_000, None, 1_024),
    "claude-fable-5": _claude(1_000_000, 128_000, 512),
    "claude-fable-5-1": _claude(1_000_000, 128_000, 512, 0.025),
    "claude-fable-5-2": _claude(1_000_000, 128_000, None),
    "claude-haiku-4-5": _older(200_000, 64_000, 4_096),
    "claude-haiku-5-5": _claude(1_000_000, 128_000, None),
    "claude-mythos-5": _claude(1_000_000, 128_000, 512),
    "claude-mythos-5-1": _claude(1_000_000, 128_000, 512, 0.025),
    "claude-mythos-5-2": _claude(1_000_000, 128_000, None),
    "claude-mythos-preview": _claude(1_000_000, 128_000, 2_048),
    "claude-opus-4": _older(200_000, None, 1_024),
    "claude-opus-4-0": _older(200_000, None, 1_024),
    "claude-opus-4-1": _older(200_000, None, 1_024),
    "claude-opus-4-5": _older(200_000, 64_000, 4_096),
    "claude-opus-4-6": _older(1_000_000, 128_000, 4_096),
    "claude-opus-4-7": _claude(1_000_000, 128_000, 2_048),
    "claude-opus-4-8": _claude(1_000_000, 128_000, 1_024),
    "claude-opus-5": _claude(1_000_000, 128_000, 512),
    "claude-opus-5-5": _claude(1_000_000, 128_000, 512, 0.05),
    "claude-sonnet-4": _older(200_000, None, 1_024),
    "claude-sonnet-4-0": _older(200_000, None, 1_024),
    "claude-sonnet-4-5": _older(200_000, 64_000, 1_024),
    "claude-sonnet-4-6": _older(1_000_000, 128_000, 1_024),
    "claude-sonnet-5": _claude(1_000_000, 128_000, 1_024),
    "claude-sonnet-5-5": _claude(1_000_000, 128_000, None, 0.05),
    "gemini-2.5-flash": _gemini(),
    "gemini-2.5-flash-lite": _gemini(),
    "gemini-2.5-pro": _gemini(),
    "gemini-3-flash-preview": _gemini(),
    "gemini-3.1-flash-lite": _gemini(),
    "gemini-3.1-pro-preview": _gemini(),
    "gemini-3.5-flash": _gemini(),
    "gemini-3.5-flash-lite": _gemini(),
    "gemini-3.6-flash": _gemini(),
    "gemini-3.7-flash": _gemini(),
    "gemini-3.8-flash": _gemini(),
    "gemini-4-argon": _gemini(None, 0.05),
    "gpt-4.1": _gpt(1_047_576, 32_768, 0.25),
    "gpt-4.1-mini": _gpt(1_047_576, 32_768, 0.25, image=_MINI),
    "gpt-4.1-nano": _gpt(1_047_576, 32_768, 0.25, image=_NANO),
    "gpt-4o": _gpt(128_000, 16_384, 0.5),
    "gpt-4o-mini": _gpt(128_000, 16_384, 0.5, image=_GPT_4O_MINI),
    "gpt-5": _GPT_5,
    "gpt-5-chat": _CHAT,
    "gpt-5-codex": _GPT_5,
    "gpt-5-mini": _GPT_5_MINI,
    "gpt-5-nano": _GPT_5_NANO,
    "gpt-5.1": _GPT_5,
    "gpt-5.1-chat": _CHAT,
    "gpt-5.1-codex": _GPT_5,
    "gpt-5.2": _GPT_5,
    "gpt-5.2-chat": _CHAT,
    "gpt-5.2-codex": _GPT_5,
    "gpt-5.3-chat": _CHAT,
    "gpt-5.3-codex": _GPT_5,
    "gpt-5.4": _GPT_5_4,
    "gpt-5.4-mini": _GPT_5_MINI,
    "gpt-5.4-nano": _GPT_5_NANO,
    "gpt-5.5": _GPT_5_4,
    "gpt-5.6": _GPT_5_6,
    "gpt-5.6-luna": _GPT_5_6,
    "gpt-5.6-sol": _GPT_5_6,
    "gpt-5.6-terra": _GPT_5_6,
    "gpt-6-astra": _GPT_5_6,
    "gpt-6-luna": _GPT_5_6,
    "gpt-6-sol": _GPT_5_6,
    "gpt-6.1-sol": _GPT_6_1,
    "gpt-6.1-terra": _GPT_6_1,
    "o1": _gpt(200_000, 100_000, 0.5),
    "o3": _gpt(200_000, 100_000, 0.25),
    "o3-mini": _gpt(200_000, 100_000, 0.5),
    "o4-mini": _gpt(200_000, 100_000, 0.25, image=_O4_MINI),
}

_VENDORS = {
    "claude-": ModelFacts(
        vendor="anthropic", cache_read=0.1, cache_write=1.25, cache_write_long=2.0
    ),
    "gemini-": ModelFacts(vendor="google"),
    "gpt-": _gpt(None, None, None),
}
_NOTHING = ModelFacts()

_TAIL = re.compile(
    r"(?:[-@]\d{8}|-\d{4}-\d\d-\d\d|-latest|@default)?(?:-v\d+)?(?::\w+)?(?:-preview[-\w]*)?"
)
"""What may follow a name without making it another model: a date, a revision, an alias."""


def facts_of(model: str) -> ModelFacts:
    """Return what is known of a model; aliases, dates and regional prefixes do not matter."""
    name = model.rsplit("/", 1)[-1].lower()
    name = name.split("anthropic.", 1)[-1]
    if name.startswith("claude-"):
        name = name.replace(".", "-")
    for end in range(len(name), 0, -1):
        facts = _FACTS.get(name[:end])
        if facts is not None and _TAIL.fullmatch(name, end):
            return facts
    return next((f for prefix, f in _VENDORS.items() if name.startswith(prefix)), _NOTHING)
