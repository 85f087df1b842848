"""What a scenario file may say of the simulated service."""

from __future__ import annotations

import dataclasses
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaoskit.provider.latency import Latency
from chaoskit.settings import SomeTokens, Tokens, Usd, settings

__all__ = ["Limits", "ModelSettings", "PriceSettings", "ProviderSettings", "VendorSettings"]

Rate = Annotated[int, Field(ge=1)]

USUAL = (2_000_000, 400_000)
"""Tokens a minute of prompts and of answers in the Start tier."""


@settings
class Limits:
    """Rate limits of one key for one class of models. What is not set is as in the Start tier."""

    example: ClassVar[str] = """
    [provider.limits]
    requests_per_minute = 50
    input_tokens_per_minute = 40_000
    output_tokens_per_minute = 8_000
    counts_per_minute = 100
    # or
    [provider.openai.limits]
    tokens_per_minute = 200_000
    """

    requests_per_minute: Rate | None = None
    """Requests a minute; 1,000 unless set."""

    input_tokens_per_minute: Rate | None = None
    """Prompt tokens a minute, cache reads not counted; 2,000,000 unless set, at Anthropic 500,000
    for the largest models."""

    output_tokens_per_minute: Rate | None = None
    """Answer tokens a minute; 400,000 unless set, 100,000 for the largest models. OpenAI has no
    such limit."""

    tokens_per_minute: Rate | None = None
    """OpenAI's limit on the tokens of a request; `input_tokens_per_minute` unless set."""

    counts_per_minute: Rate | None = None
    """Anthropic's limit on requests that only count tokens; 5,000 unless set."""

    @property
    def counts_max_tokens(self) -> bool:
        """Tell whether a request takes at least its `max_tokens` of OpenAI's limit on tokens.

        It does in production. A scenario that limits the tokens of prompts only means only those.
        """
        return self.tokens_per_minute is not None or self.input_tokens_per_minute is None

    def of(
        self, provider: str, *, usual: tuple[int, int] = USUAL, kind: str = ""
    ) -> tuple[tuple[str, int], ...]:
        """Return the vendor's limits by name, a minute, in the order of its headers.

        Args:
            usual: tokens of prompts and of answers where nothing is set.
            kind: what the limits on tokens are of, such as `fast_`.
        """
        requests = ("requests", self.requests_per_minute or 1_000)
        if provider == "openai":
            tokens = self.tokens_per_minute or self.input_tokens_per_minute
            return (requests, ("tokens", tokens or 2_000_000))
        prompt = self.input_tokens_per_minute or self.tokens_per_minute
        return (
            requests,
            (f"{kind}input_tokens", prompt or usual[0]),
            (f"{kind}output_tokens", self.output_tokens_per_minute or usual[1]),
        )


@settings
class PriceSettings:
    """Prices in US dollars per million tokens, in place of the vendor's."""

    example: ClassVar[str] = """
    [provider]
    prices = { input = 3.0, output = 15.0, cache_read = 0.3, cache_write = 3.75 }
    """

    input: Usd
    """Prompt tokens."""

    output: Usd
    """Answer tokens."""

    cache_read: Usd | None = None
    """Prompt tokens read from the cache; a tenth of `input` unless set."""

    cache_write: Usd | None = None
    """Prompt tokens written to the cache; 1.25 times `input` unless set."""


@settings
class ModelSettings:
    """Facts of models, in place of the known ones."""

    example: ClassVar[str] = """
    [provider.per_model."claude-sonnet-4-6"]
    window = 64_000
    max_output = 8_000
    cache_minimum = 2_048
    lifecycle = "retired"
    """

    window: SomeTokens | None = None
    """Context window, in tokens."""

    max_output: Tokens | None = None
    """Largest `max_tokens`."""

    cache_minimum: Tokens | None = None
    """Smallest prefix that the prompt cache keeps, in tokens."""

    lifecycle: Literal["active", "deprecated", "retired"] | None = None
    """Where the model stands; a retired one is not found any more."""


@settings
class VendorSettings:
    """The service of one vendor; what is not set is as for all of them."""

    example: ClassVar[str] = """
    [provider.anthropic]
    limits = { requests_per_minute = 50 }
    fast_limits = { input_tokens_per_minute = 100_000 }
    priority_limits = { input_tokens_per_minute = 50_000, output_tokens_per_minute = 10_000 }
    latency = { first_token = "2s" }
    prices = { input = 3.0, output = 15.0 }
    cache = false
    window = 64_000
    max_output = 8_000
    cache_minimum = 2_048
    """

    limits: Limits | None = None
    """Rate limits of one key for one class of models."""

    fast_limits: Limits | None = None
    """Limits on tokens of requests with `speed = "fast"`, which have limits of their own."""

    priority_limits: Limits | None = None
    """Tokens a minute that were bought in advance: what fits in is served in the priority tier."""

    latency: Latency | None = None
    """The pace of the models."""

    prices: PriceSettings | None = None
    """Prices in place of the vendor's."""

    cache: bool | None = None
    """Whether there is a prompt cache."""

    window: SomeTokens | None = None
    """Context window of every model, in tokens."""

    max_output: Tokens | None = None
    """Largest `max_tokens` of every model."""

    cache_minimum: Tokens | None = None
    """Smallest prefix that the prompt cache keeps, in tokens, for every model."""


@settings
class ProviderSettings:
    """The simulated LLM service: limits, windows, prompt cache, prices, latency."""

    example: ClassVar[str] = """
    [provider]
    limits = { requests_per_minute = 50 }
    fast_limits = { output_tokens_per_minute = 20_000 }
    priority_limits = { input_tokens_per_minute = 50_000, output_tokens_per_minute = 10_000 }
    latency = { first_token = "2s" }
    prices = { input = 3.0, output = 15.0 }
    cache = true
    window = 64_000
    max_output = 8_000
    cache_minimum = 1_024
    models = ["claude-sonnet-4-6", "gpt-5.4"]
    per_model = { "gpt-5.4" = { window = 128_000 } }
    anthropic = { cache = false }
    openai = { limits = { tokens_per_minute = 200_000 } }
    """

    limits: Limits = dataclasses.field(default_factory=Limits)
    """Rate limits of one key for one class of models."""

    fast_limits: Limits | None = None
    """Anthropic's limits on tokens of requests with `speed = "fast"`; as `limits` unless set."""

    priority_limits: Limits | None = None
    """Tokens a minute that were bought in advance at Anthropic: what fits in is served in the
    priority tier."""

    latency: Latency = dataclasses.field(default_factory=Latency)
    """The pace of the models."""

    prices: PriceSettings | None = None
    """Prices in place of the vendor's."""

    cache: bool = True
    """Whether there is a prompt cache."""

    window: SomeTokens | None = None
    """Context window of every model, in tokens."""

    max_output: Tokens | None = None
    """Largest `max_tokens` of every model."""

    cache_minimum: Tokens | None = None
    """Smallest prefix that the prompt cache keeps, in tokens, for every model."""

    models: tuple[str, ...] | None = None
    """Names of the models that exist; any known or plausible name unless set."""

    per_model: dict[str, ModelSettings] = dataclasses.field(default_factory=dict)
    """Facts of single models, by name."""

    anthropic: VendorSettings | None = None
    """What is different at Anthropic."""

    openai: VendorSettings | None = None
    """What is different at OpenAI."""

    def of(self, provider: str) -> ProviderSettings:
        """Return the settings as they hold for one vendor."""
        vendor = {"anthropic": self.anthropic, "openai": self.openai}.get(provider)
        if vendor is None:
            return self
        own = {
            field.name: value
            for field in dataclasses.fields(VendorSettings)
            if (value := getattr(vendor, field.name)) is not None
        }
        if vendor.limits is not None:
            own["limits"] = _over(self.limits, vendor.limits)
        return dataclasses.replace(self, **own)


def _over(general: Limits, special: Limits) -> Limits:
    """Return the general limits with the special ones in their place, each for itself."""
    values = {
        field.name: value
        for field in dataclasses.fields(Limits)
        if (value := getattr(special, field.name)) is not None
    }
    return dataclasses.replace(general, **values)
