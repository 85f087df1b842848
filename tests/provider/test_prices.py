"""What an exchange costs."""

import datetime as dt
from decimal import Decimal

import genai_prices
import pytest

from chaoskit.exchange import Usage
from chaoskit.provider.prices import Prices
from chaoskit.provider.settings import PriceSettings, ProviderSettings, VendorSettings

SMALL = Usage(input=1_000, cache_read=20_000, cache_write_5m=300, cache_write_1h=40, output=500)
LARGE = Usage(input=300_000, cache_read=20_000, output=500)
DAY = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("usage", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-6"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-haiku-5-5"),
        ("anthropic", "claude-opus-5-5"),
        ("openai", "gpt-5.4-2026-03-05"),
        ("openai", "gpt-5.6-sol"),
    ],
)
def test_price_is_that_of_the_library(provider, model, usage):
    """Our arithmetic agrees with the price data's own, tiers included."""
    write = usage.cache_write_5m + usage.cache_write_1h
    theirs = genai_prices.Usage(
        input_tokens=usage.prompt,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=write,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output,
    )
    expected = genai_prices.calc_price(
        theirs, model, provider_id=provider, genai_request_timestamp=DAY
    )
    assert float(expected.total_price) == pytest.approx(Prices().cost(provider, model, usage))


def test_documented_price_of_a_small_exchange():
    """Sonnet 4.6: 3 dollars in, 15 out, 0.30 read, 3.75 and 6 written, per million."""
    expected = Decimal("0.003") + Decimal("0.006") + Decimal("0.001125") + Decimal("0.00024")
    assert float(expected + Decimal("0.0075")) == pytest.approx(
        Prices().cost("anthropic", "claude-sonnet-4-6", SMALL)
    )


def test_unknown_price_is_not_zero():
    """Nobody is told that a call was free when its price is not known."""
    assert Prices().cost("anthropic", "claude-never", SMALL) is None
    assert Prices().cost("nobody", "gpt-4o", SMALL) is None


def test_scenario_sets_prices():
    """Cache prices follow from the input unless they are set."""
    settings = ProviderSettings(
        prices=PriceSettings(input=10.0, output=20.0),
        openai=VendorSettings(
            prices=PriceSettings(input=1.0, output=2.0, cache_read=0.0, cache_write=4.0)
        ),
    )
    million = Usage(
        input=10**6, cache_read=10**6, cache_write_5m=10**6, cache_write_1h=10**6, output=10**6
    )
    prices = Prices(settings)
    assert prices.cost("anthropic", "claude-never", million) == pytest.approx(
        10 + 1 + 12.5 + 20 + 20
    )
    assert prices.cost("openai", "gpt-4o", million) == pytest.approx(1 + 0 + 4 + 6.4 + 2)
