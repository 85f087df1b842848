"""When it pays to keep a cache entry alive: arithmetic over list-price ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["CachePrices", "best_ttl", "break_even_rate", "hourly_cost"]

_HOUR = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePrices:
    """Prices relative to one input token.

    Attributes:
        read: a token from the cache.
        write: a token into the cache, for `ttl`.
        ttl: seconds that an entry lives after it was last used.
    """

    read: float = 0.1
    write: float = 1.25
    ttl: float = 300.0


FIVE_MINUTES = CachePrices()
ONE_HOUR = CachePrices(write=2.0, ttl=_HOUR)


def break_even_rate(prices: CachePrices = FIVE_MINUTES) -> float:
    """Return the requests an hour from which keeping the entry alive is cheaper than letting go.

    Requests are taken to come at random at an even rate. Refreshing costs a read for each lifetime
    that passes without a request; letting go costs a write instead of a read for each request that
    comes after one.
    """
    saved = prices.write - prices.read
    if saved <= prices.read:
        return math.inf
    return -math.log(1 - prices.read / saved) / prices.ttl * _HOUR


def hourly_cost(
    tokens: int, requests_per_hour: float, prices: CachePrices = FIVE_MINUTES, *, keep: bool = False
) -> float:
    """Return what the prefix costs in an hour, in input tokens, kept alive or not."""
    rate = max(0.0, requests_per_hour)
    cold = math.exp(-rate * prices.ttl / _HOUR)
    if not keep:
        return tokens * rate * (prices.read + (prices.write - prices.read) * cold)
    refreshes = rate * cold / (1 - cold) if rate and cold < 1 else _HOUR / prices.ttl
    return tokens * prices.read * (rate + refreshes)


def best_ttl(tokens: int, requests_per_hour: float) -> str:
    """Return the lifetime, `5m` or `1h`, that costs less at this rate of requests."""
    short = hourly_cost(tokens, requests_per_hour, FIVE_MINUTES)
    return "5m" if short <= hourly_cost(tokens, requests_per_hour, ONE_HOUR) else "1h"
