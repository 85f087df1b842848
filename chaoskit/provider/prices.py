"""What an exchange costs, from the price data of genai-prices; nothing is downloaded.

The library is asked once per model. What an exchange costs is then plain arithmetic.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from chaoskit.errors import UsageError
from chaoskit.exchange import Usage
from chaoskit.provider.catalogue import as_of
from chaoskit.provider.settings import PriceSettings, ProviderSettings

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, PriceCalculation, Tier, TieredPrices

__all__ = ["Prices", "Rates", "load"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per token. `above` is the size of prompt, in tokens, beyond which they apply."""

    input: float
    output: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    above: int = -1

    def cost(self, usage: Usage) -> float:
        """Return what an exchange costs, in US dollars."""
        return (
            usage.input * self.input
            + usage.output * self.output
            + usage.cache_read * self.cache_read
            + usage.cache_write_5m * self.cache_write_5m
            + usage.cache_write_1h * self.cache_write_1h
        )


class Prices:
    """The prices of every model, or those that a scenario sets."""

    def __init__(self, settings: ProviderSettings | None = None) -> None:
        self._settings = settings or ProviderSettings()
        self._known: dict[tuple[str, str], tuple[Rates, ...]] = {}

    def cost(self, provider: str, model: str, usage: Usage) -> float | None:
        """Return what an exchange costs, in US dollars; None when nobody knows the price."""
        rates = self._rates(provider, model)
        if len(rates) > 1:  # crossing a tier changes the price of all tokens
            prompt = usage.prompt
            return next(rate for rate in rates if prompt > rate.above).cost(usage)
        return rates[0].cost(usage) if rates else None

    def _rates(self, provider: str, model: str) -> tuple[Rates, ...]:
        """Return the rates of a model, those for the largest prompts first."""
        key = (provider, model)
        if key not in self._known:
            override = self._settings.of(provider).prices
            self._known[key] = _set(override) if override else _looked_up(provider, model)
        return self._known[key]


def _set(prices: PriceSettings) -> tuple[Rates, ...]:
    read = prices.input * 0.1 if prices.cache_read is None else prices.cache_read
    write = prices.input * 1.25 if prices.cache_write is None else prices.cache_write
    hour = prices.input * 2.0 if prices.cache_write is None else prices.cache_write * 1.6
    return (
        Rates(
            input=prices.input / _MILLION,
            output=prices.output / _MILLION,
            cache_read=read / _MILLION,
            cache_write_5m=write / _MILLION,
            cache_write_1h=hour / _MILLION,
        ),
    )


def load() -> None:
    """Load the price data; where nobody has, the first exchange that costs anything waits for it.

    Raises:
        UsageError: they cannot be loaded.
    """
    _library()


@cache
def _library() -> Callable[..., PriceCalculation]:
    """Load the price data, which takes up to a quarter of a second, and return their function."""
    try:
        import genai_prices  # noqa: PLC0415 - so that the command line starts without it

        usage = genai_prices.Usage(input_tokens=1)
        genai_prices.calc_price(usage, "gpt-4o", provider_id="openai")  # loads them
    except Exception as error:  # whatever a broken installation raises
        raise UsageError(
            f"the prices of genai-prices cannot be loaded ({type(error).__name__}: {error}): "
            "install it anew"
        ) from error
    return genai_prices.calc_price


@cache
def _looked_up(provider: str, model: str) -> tuple[Rates, ...]:
    day = dt.datetime.combine(as_of(), dt.time(12), dt.UTC)
    try:
        found = _library()(
            {"input_tokens": 1}, model, provider_id=provider, genai_request_timestamp=day
        )
    except LookupError:
        return ()
    price = found.model_price
    steps = {-1, *(tier.start for value in _values(price) for tier in _tiers(value))}
    return tuple(_at(price, above) for above in sorted(steps, reverse=True))


def _values(price: ModelPrice) -> tuple[Decimal | TieredPrices | None, ...]:
    return (
        price.input_mtok,
        price.output_mtok,
        price.cache_read_mtok,
        price.cache_write_mtok,
        price.cache_write_1h_mtok,
    )


def _tiers(value: Decimal | TieredPrices | None) -> list[Tier]:
    return [] if value is None or isinstance(value, Decimal) else list(value.tiers)


def _at(price: ModelPrice, above: int) -> Rates:
    """Return the rates for prompts above a size; a kind without a price is paid like its base."""
    values = [_per_token(value, above) for value in _values(price)]
    prompt = values[0] or 0.0
    output, read, write, hour = values[1:]
    short = prompt if write is None else write
    return Rates(
        input=prompt,
        output=output or 0.0,
        cache_read=prompt if read is None else read,
        cache_write_5m=short,
        cache_write_1h=short if hour is None else hour,
        above=above,
    )


def _per_token(value: Decimal | TieredPrices | None, above: int) -> float | None:
    if value is None:
        return None
    if isinstance(value, Decimal):
        return float(value) / _MILLION
    fitting = [tier.price for tier in value.tiers if tier.start <= above]
    return float(fitting[-1] if fitting else value.base) / _MILLION
