"""What the prompt cache really does: hits over all prompt tokens, money, and why it missed."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.hooks import asked
from chaoskit_guards.models import facts_of
from chaoskit_guards.prefix import PrefixDiff, first_difference, prefix_bytes
from chaoskit_guards.usage import PromptUsage, read_usage

__all__ = ["CacheBenchmark", "CacheRegression"]

_log = logging.getLogger("chaoskit_guards")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRegression:
    """The cache hits less than it did.

    Attributes:
        before: hit ratio of the requests before.
        after: hit ratio of the newest requests.
        diff: where the prefix changed; None when it did not or was not given.
    """

    before: float
    after: float
    diff: PrefixDiff | None = None

    def __str__(self) -> str:
        text = f"the cache hit ratio fell from {self.before:.1%} to {self.after:.1%}"
        return f"{text}: {self.diff}" if self.diff else text


class CacheBenchmark:
    """Adds up the prompt tokens of all requests; thread-safe."""

    def __init__(
        self,
        *,
        model: str = "",
        input_usd_per_million: float | None = None,
        recent: int = 10,
        drop: float = 0.3,
        on_regression: Callable[[CacheRegression], None] | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Measure one stream of requests.

        Args:
            model: gives the price ratios of reading and writing.
            input_usd_per_million: price of input tokens; savings are unknown in USD without it.
            recent: how many of the newest requests are compared with those before.
            drop: fall of the hit ratio that is a regression, 0 to 1.
            on_regression: told once each time a regression begins.
            listener: told of the same as an event.
        """
        if recent < 1 or not 0 < drop <= 1:
            raise ValueError(f"recent must be at least 1 and drop in (0, 1]: {recent}, {drop}")
        facts = facts_of(model)
        self._read_price = 0.1 if facts.cache_read is None else facts.cache_read
        self._write_price = 1.25 if facts.cache_write is None else facts.cache_write
        self._long_price = 2.0 if facts.cache_write_long is None else facts.cache_write_long
        self._usd = input_usd_per_million
        self._drop = drop
        self._on_regression = on_regression
        self._listener = listener
        self._lock = own_lock(self)
        self._newest: deque[PromptUsage] = deque(maxlen=recent)
        self._read = self._written = self._fresh = self._long = 0
        self._requests = self._hits = 0
        self._old_read = self._old_total = 0
        self._hit_prefix: bytes | None = None
        self._last_prefix: bytes | None = None
        self._regression: CacheRegression | None = None

    def record(
        self,
        cache_read_tokens: int = 0,
        input_tokens: int = 0,
        cache_creation_tokens: int = 0,
        *,
        prefix: object = None,
    ) -> None:
        """Add one request, in the vendor's words where cached tokens stand beside the input.

        Args:
            cache_read_tokens: tokens read from the cache.
            input_tokens: tokens that neither came from the cache nor went there.
            cache_creation_tokens: tokens written to the cache.
            prefix: the system prompt or the keywords of the request, to name what changed.
        """
        given = (cache_read_tokens, input_tokens, cache_creation_tokens)
        if any(not value >= 0 for value in given):
            raise ValueError(f"token counts must not be negative: {given}")
        usage = PromptUsage(
            read=cache_read_tokens, written=cache_creation_tokens, fresh=input_tokens
        )
        self._add(usage, prefix)

    def record_response(self, response: object, *, prefix: object = None) -> None:
        """Add one response, or its usage, of any vendor.

        Raises:
            ValueError: the response does not tell its prompt tokens.
        """
        usage = read_usage(response)
        if usage is None:
            raise ValueError("this response carries no usage of prompt tokens")
        self._add(usage, prefix)

    def _add(self, usage: PromptUsage, prefix: object) -> None:
        body = _as_bytes(prefix)
        with self._lock:
            if len(self._newest) == self._newest.maxlen:
                oldest = self._newest[0]
                self._old_read += oldest.read
                self._old_total += oldest.total
            self._newest.append(usage)
            self._requests += 1
            self._read += usage.read
            self._written += usage.written
            self._fresh += usage.fresh
            self._long += usage.written_long
            if body is not None:
                self._last_prefix = body
            if usage.read:
                self._hits += 1
                self._hit_prefix = body or self._hit_prefix
            before = self._regression
            self._regression = self._compare()
            began = self._regression if before is None else None
        if began is not None:
            _log.warning("%s", began)
            emit(self._listener, "regression", "cache", before=began.before, after=began.after)
            if self._on_regression is not None:
                asked("on_regression", self._on_regression, began)

    def _compare(self) -> CacheRegression | None:
        total = sum(usage.total for usage in self._newest)
        full = len(self._newest) == self._newest.maxlen
        if not (full and total and self._old_total):
            return None
        before = self._old_read / self._old_total
        after = sum(usage.read for usage in self._newest) / total
        if before - after < self._drop:
            return None
        return CacheRegression(before=before, after=after, diff=self._diff())

    def _diff(self) -> PrefixDiff | None:
        if self._hit_prefix is None or self._last_prefix is None:
            return None
        return first_difference(self._hit_prefix, self._last_prefix)

    def hit_ratio(self) -> float:
        """Return the share of all prompt tokens that came from the cache; 0 without requests."""
        with self._lock:
            total = self._read + self._written + self._fresh
            return self._read / total if total else 0.0

    def recent_hit_ratio(self) -> float:
        """Return the same for the newest requests only."""
        with self._lock:
            total = sum(usage.total for usage in self._newest)
            return sum(usage.read for usage in self._newest) / total if total else 0.0

    def request_hit_rate(self) -> float:
        """Return the share of requests that read anything from the cache; 0 without requests."""
        with self._lock:
            return self._hits / self._requests if self._requests else 0.0

    def net_savings_tokens(self) -> float:
        """Return the input tokens that the cache saved, less its write premium; may be negative."""
        with self._lock:
            brief = self._written - self._long
            paid = brief * (self._write_price - 1) + self._long * (self._long_price - 1)
            return self._read * (1 - self._read_price) - paid

    def net_savings_usd(self) -> float | None:
        """Return the same in USD; None when the price of input tokens was not given."""
        return None if self._usd is None else self.net_savings_tokens() * self._usd / 1_000_000

    def regression(self) -> CacheRegression | None:
        """Return the regression that is going on, or None."""
        with self._lock:
            return self._regression

    def why_missed(self) -> PrefixDiff | None:
        """Return where the newest prefix parts from the last one that hit; None if it does not."""
        with self._lock:
            return self._diff()


def _as_bytes(prefix: object) -> bytes | None:
    if prefix is None:
        return None
    if isinstance(prefix, (bytes, bytearray)):
        return bytes(prefix)
    if isinstance(prefix, dict) and ("system" in prefix or "tools" in prefix):
        return prefix_bytes(prefix.get("system"), prefix.get("tools"))
    system, tools = getattr(prefix, "system", prefix), getattr(prefix, "tools", None)
    return prefix_bytes(system, tools)
