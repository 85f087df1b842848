"""What of a call depends on the call and the service's settings alone, found once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from chaoskit.exchange import Call, Refusal
from chaoskit.provider.cache import is_kept
from chaoskit.provider.cache_use import CacheUse
from chaoskit.provider.catalogue import Catalogue, Model
from chaoskit.provider.latency import Latency
from chaoskit.provider.limits import Account
from chaoskit.provider.prompt import PromptCount, count
from chaoskit.provider.settings import USUAL, ProviderSettings
from chaoskit.provider.tokens import TokenCounter
from chaoskit.quick import maker

__all__ = ["FAST", "Limits", "Scales", "Vendor", "Weighed", "costs"]

Limits: TypeAlias = tuple[tuple[str, int], ...]

FAST = "fast_"
"""What the limits on fast requests are called."""

_FASTER = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A call on the scales.

    Attributes:
        overflow: how a request is refused that is too large for the window.
        cacheable: tools and system prompt are long enough for the model's prompt cache.
        use: what the cache does, where that does not depend on what it holds.
        account, limits: what the request counts to.
        latency: the pace of its answer.
        costs: what it takes of each limit, where `use` is known.
    """

    model: Model
    prompt: PromptCount
    vendor: Vendor
    overflow: Refusal | None
    cacheable: bool
    use: CacheUse | None
    account: Account
    limits: Limits
    latency: Latency
    costs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's settings, and the limits that follow from them."""

    settings: ProviderSettings
    limits: Limits
    by_rates: dict[tuple[int, int], Limits] = field(default_factory=dict)

    def limits_of(self, model: Model) -> Limits:
        """Return the limits on requests to a model of a class that has its own."""
        rates = model.rates or USUAL
        if rates not in self.by_rates:
            settings = self.settings.limits
            self.by_rates[rates] = settings.of(model.facts.provider, usual=rates)
        return self.by_rates[rates]

    def fast(self, provider: str) -> tuple[Limits, Latency]:
        """Return the limits and the pace of requests that are to be fast."""
        settings = self.settings.fast_limits or self.settings.limits
        pace = self.settings.latency
        faster = replace(pace, tokens_per_second=pace.tokens_per_second * _FASTER)
        return settings.of(provider, kind=FAST), faster


_new_weighed = maker(Weighed)
_new_cache_use = maker(CacheUse)


class Scales:
    """Weighs calls."""

    def __init__(
        self, settings: ProviderSettings, catalogue: Catalogue, counter: TokenCounter
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._counter = counter
        self._vendors: dict[str, Vendor] = {}

    def vendor(self, provider: str) -> Vendor:
        """Return a vendor."""
        vendor = self._vendors.get(provider)
        if vendor is not None:
            return vendor
        settings = self._settings.of(provider)
        made = Vendor(settings=settings, limits=settings.limits.of(provider))
        return self._vendors.setdefault(provider, made)

    def weigh(self, call: Call) -> Weighed | None:
        """Return what is known of a call; None where its model is not."""
        model = self._catalogue.model(call.model, call.provider)
        if model is None:
            return None
        prompt, vendor = count(call, model, self._counter), self.vendor(call.provider)
        minimum, use = model.facts.cache_minimum, None
        if not vendor.settings.cache or not is_kept(call, model, prompt):
            use = _new_cache_use(uncached=prompt.total)
        account, limits, latency = _terms(call, model, vendor)
        return _new_weighed(
            model=model,
            prompt=prompt,
            vendor=vendor,
            overflow=_overflow(call, model, prompt),
            cacheable=bool(minimum) and prompt.tools + prompt.system >= minimum,
            use=use,
            account=account,
            limits=limits,
            latency=latency,
            costs=() if use is None else costs(call, vendor, prompt, use),
        )


def costs(call: Call, vendor: Vendor, prompt: PromptCount, use: CacheUse) -> tuple[int, ...]:
    """Return what a request takes of each limit. Cache reads count at OpenAI only."""
    if call.provider == "openai":
        tokens = prompt.total
        if vendor.settings.limits.counts_max_tokens:
            tokens = max(tokens, call.max_tokens or 0)
        return (1, tokens)
    return (1, prompt.total - use.read, 0)


def _terms(call: Call, model: Model, vendor: Vendor) -> tuple[Account, Limits, Latency]:
    """Return whose limits a request counts to, which they are, and the pace of its answer.

    Fast requests have others.
    """
    if call.options and call.options.get("speed") == "fast":
        return (call.provider, call.key, f"{FAST}{model.group}"), *vendor.fast(call.provider)
    limits = vendor.limits if model.rates is None else vendor.limits_of(model)
    return (call.provider, call.key, model.group), limits, vendor.settings.latency


def _overflow(call: Call, model: Model, prompt: PromptCount) -> Refusal | None:
    """Return the refusal of a request that is too large for the window."""
    if "embedding" in model.facts.features:
        return _too_long(model, prompt)
    window, output = model.facts.window, call.max_tokens or 0
    requested = prompt.total + output
    if requested <= window:
        return None
    details = {
        "tokens": prompt.total,
        "window": window,
        "max_tokens": output,
        "requested": requested,
    }
    if prompt.total > window:
        return Refusal(kind="context_overflow", details=details)
    if "overflow_stops" not in model.facts.features:
        message = model.overflow_text.format(**details)
        return Refusal(kind="context_overflow", message=message, details=details)
    return None


def _too_long(model: Model, prompt: PromptCount) -> Refusal | None:
    """Return the refusal of texts to embed; each of them has the window for itself."""
    window, longest = model.facts.window, max(prompt.messages, default=0)
    if longest <= window:
        return None
    details = {"tokens": longest, "window": window}
    message = model.overflow_text.format(**details)
    return Refusal(kind="context_overflow", message=message, details=details)
