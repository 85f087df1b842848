"""The simulated service: what stands between a decoded request and its answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from typing import TypeAlias

from chaoskit.again import ByIdentity
from chaoskit.dialect import LimitState
from chaoskit.exchange import Call, Hosted, Refusal, Reply, Thinking, Usage
from chaoskit.provider.cache import PromptCache
from chaoskit.provider.cache_use import CacheUse
from chaoskit.provider.catalogue import Catalogue, Model, geo_factor, tier_factor, tool_price
from chaoskit.provider.ending import end
from chaoskit.provider.latency import Latency
from chaoskit.provider.limits import Account, RateLimits, Refused
from chaoskit.provider.prediction import predicted
from chaoskit.provider.prices import Prices, load
from chaoskit.provider.prompt import PromptCount, count, part_tokens
from chaoskit.provider.reasoning import reasoned
from chaoskit.provider.settings import USUAL, ProviderSettings
from chaoskit.provider.settings import Limits as LimitSettings
from chaoskit.provider.shelf import Room, Shelf
from chaoskit.provider.shortening import shortened
from chaoskit.provider.tokens import TokenCounter

__all__ = ["Admission", "Service", "Settled"]

Limits: TypeAlias = tuple[tuple[str, int], ...]

_REMEMBERED = 64
_FASTER = 2.5
_COUNTS = 5_000  # a minute
_FAST, _PRIORITY = "fast_", "priority_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A request that was let through.

    Attributes:
        at: when it was admitted, in seconds of the run.
        cache: what of the prompt is read from the cache, and written to it.
        limits: the limits after this request, for the headers.
        first_token: seconds until the answer begins.
        tier: of the service that the answer has, where it is not the usual one.
    """

    at: float
    model: Model
    account: Account
    prompt: PromptCount
    cache: CacheUse
    limits: tuple[LimitState, ...]
    latency: Latency
    first_token: float
    tier: str = ""

    @property
    def tokens_per_second(self) -> float:
        """The pace of the answer after its first token."""
        return self.latency.tokens_per_second


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An answer with its usage and its bill.

    Attributes:
        priced: whether the price of the model is known; `cost_usd` is 0 when it is not.
        seconds: from the request to the last token.
    """

    reply: Reply
    cost_usd: float
    priced: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vendor:
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
        return settings.of(provider, kind="fast_"), faster


class Service:
    """Rate limits, windows, prompt cache, prices and pace of every vendor, for one run.

    Its state depends on the calls it was given and their times, on nothing else.

    Args:
        loaded: the prices are at hand from the beginning: on virtual time, to load them in the
            middle of a run would look like an agent that is blocked.
    """

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        catalogue: Catalogue | None = None,
        counter: TokenCounter | None = None,
        loaded: bool = True,
    ) -> None:
        if loaded:
            load()
        settings = settings or ProviderSettings()
        self.settings = settings
        self.catalogue = catalogue or Catalogue(settings)
        self.counter = counter or TokenCounter()
        self.cache = PromptCache()
        self._limits = RateLimits()
        self._prices = Prices(settings)
        self._vendors: dict[str, _Vendor] = {}
        self._latest: dict[str, Account] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._room = Room()  # of all keys together
        self._counted: ByIdentity[Call, PromptCount | None] = ByIdentity(self._count)
        self._ended: dict[int, tuple[Reply, Call, int, tuple[Reply, int, int]]] = {}

    def count(self, call: Call) -> int:
        """Return the tokens of the call's prompt; 0 for a model that is not known."""
        counted = self._counted(call)
        return 0 if counted is None else counted.total

    def cacheable(self, call: Call) -> bool:
        """Tell whether tools and system prompt are long enough for the model's prompt cache."""
        model, prompt = self.catalogue.model(call.model, call.provider), self._counted(call)
        if model is None or prompt is None or not model.facts.cache_minimum:
            return False
        return prompt.tools + prompt.system >= model.facts.cache_minimum

    def admit(
        self, call: Call, *, now: float, caller: str = "", limited: bool = True
    ) -> Refusal | Admission:
        """Let a call through that the model is to answer, or refuse it as production does.

        Args:
            caller: who comes back when told to; the key unless given.
            limited: the rate limits hold for it.
        """
        model, prompt = self.catalogue.model(call.model, call.provider), self._counted(call)
        if model is None or prompt is None:
            return Refusal(kind="not_found", message=f"model: {call.model}")
        vendor = self._vendors.get(call.provider) or self._vendor(call.provider)
        overflow = _overflow(call, model, prompt)
        if overflow is not None and call.options.get("truncation") == "auto":
            call = shortened(call, prompt, model.facts.window)
            prompt = count(call, model, self.counter)
            overflow = _overflow(call, model, prompt)
        if overflow is not None:
            return overflow
        use = (
            self.cache.look_up(call, model, prompt, now=now)
            if vendor.settings.cache
            else CacheUse(uncached=prompt.total)
        )
        account, limits, latency = _terms(call, model, vendor)
        self._latest[call.key] = account
        refused = None
        if limited:
            refused = self._limits.admit(
                account,
                limits,
                _costs(call, vendor.settings, prompt, use),
                caller=caller or call.key,
                now=now,
            )
        if refused is not None:
            return _rate_limited(refused)
        if use.hits:
            self.cache.touch(use, now=now)
        states, tier = self._limits.states(account, now), ""
        if vendor.settings.priority_limits is not None and limited:
            tier, more = self._priority(call, vendor.settings.priority_limits, model, use, now)
            states += more
        return Admission(
            at=now,
            model=model,
            account=account,
            prompt=prompt,
            cache=use,
            limits=states,
            latency=latency,
            first_token=latency.first_token,
            tier=tier,
        )

    def settle(
        self, admission: Admission, call: Call, reply: Reply, *, now: float, begins: float
    ) -> Settled:
        """End the answer where it has to end, count it, bill it, and let the cache remember it.

        `begins` is when the first byte of the answer goes out.
        """
        model, use = admission.model, admission.cache
        room = model.facts.window - admission.prompt.total
        ended, output, reasoning = (
            self._end(reply, call, model, room) if call.operation == "generate" else (reply, 0, 0)
        )
        usage = Usage(
            input=use.uncached,
            cache_read=use.read,
            cache_write_5m=use.write_5m,
            cache_write_1h=use.write_1h,
            output=output,
            reasoning=reasoning,
            tier=admission.tier,
        )
        if "prediction" in call.options:
            usage = predicted(usage, ended, call, model, self.counter)
            output = usage.output
        self._charge(admission, output, now)
        if use.writes or use.route is not None:
            self.cache.store(use, started=admission.at, begins=begins)
        cost = self._prices.cost(call.provider, model.facts.name, usage)
        if cost and (tier := call.options.get("service_tier")):
            cost *= tier_factor(call.provider, str(tier))
        if cost and (geo := call.options.get("geo")):
            cost *= geo_factor(call.provider, str(geo))
        if cost is not None and len(ended.content) > 1:
            cost += _tools_usd(ended, call.provider)
        return Settled(
            reply=Reply(
                content=ended.content,
                stop=ended.stop,
                usage=usage,
                facts=ended.facts,
                stop_sequence=ended.stop_sequence,
                others=ended.others,
            ),
            cost_usd=0.0 if cost is None else cost,
            priced=cost is not None,
            seconds=admission.latency.seconds(output),
        )

    def states(self, key: str, now: float, call: Call | None = None) -> tuple[LimitState, ...]:
        """Return the limits for the headers of an answer that was not admitted.

        They are those of the call's model, or of the one that the key used last.
        """
        model = None if call is None else self.catalogue.model(call.model, call.provider)
        if call is not None and model is not None:
            vendor = self._vendors.get(call.provider) or self._vendor(call.provider)
            account, limits, _ = _terms(call, model, vendor)
            return self._limits.states(account, now, limits)
        latest = self._latest.get(key)
        return () if latest is None else self._limits.states(latest, now)

    def shelf(self, provider: str, key: str) -> Shelf:
        """Return what is kept for a key; other keys have no part in it."""
        shelf = self._shelves.get((provider, key))
        return (
            self._shelves.setdefault((provider, key), Shelf(room=self._room))
            if shelf is None
            else shelf
        )

    def deploy(self) -> None:
        """Empty the prompt caches, as a deploy of the service does."""
        self.cache.clear()

    def counting(self, call: Call, *, now: float) -> Refusal | None:
        """Refuse a request to count tokens that is one too many; its limit is one of its own."""
        if call.provider != "anthropic":
            return None
        vendor = self._vendors.get(call.provider) or self._vendor(call.provider)
        limit = vendor.settings.limits.counts_per_minute or _COUNTS
        refused = self._limits.admit(
            (call.provider, call.key, "count_tokens"),
            (("requests", limit),),
            (1,),
            caller=call.key,
            now=now,
        )
        return None if refused is None else _rate_limited(refused)

    def _priority(
        self, call: Call, bought: LimitSettings, model: Model, use: CacheUse, now: float
    ) -> tuple[str, tuple[LimitState, ...]]:
        """Return the tier in which a request is served, and the limits on what was bought."""
        account = (call.provider, call.key, f"{_PRIORITY}{model.group}")
        _, *limits = bought.of(call.provider, kind=_PRIORITY)
        burnt = use.uncached + use.read * 0.1 + use.write_5m * 1.25 + use.write_1h * 2
        wanted = not call.options.get("standard_only")
        costs = (ceil(burnt), 0)
        taken = wanted and self._limits.take(account, tuple(limits), costs, now=now)
        return "priority" if taken else "", self._limits.states(account, now)

    def _charge(self, admission: Admission, output: int, now: float) -> None:
        """Charge the tokens of an answer to the limits of its request."""
        provider, key, group = admission.account
        name = "fast_output_tokens" if group.startswith(_FAST) else "output_tokens"
        self._limits.charge(admission.account, name, output, now=now)
        if admission.tier:
            account = (provider, key, f"{_PRIORITY}{admission.model.group}")
            self._limits.charge(account, f"{_PRIORITY}output_tokens", output, now=now)

    def _end(self, reply: Reply, call: Call, model: Model, room: int) -> tuple[Reply, int, int]:
        """Return the answer as far as it goes, its tokens, and those that are not for the reader.

        A known answer to a known call ends as before.
        """
        known = self._ended.get(id(reply))
        if known is not None and known[0] is reply and known[1] is call and known[2] == room:
            return known[3]
        answer, output = end(reasoned(reply, call), call, model, self.counter, room=room)
        reasoning = _reasoning(answer, model, self.counter)
        if "n" in call.options:
            others = reply.others or (reply,) * (_choices(call) - 1)
            more = [
                end(reasoned(other, call), call, model, self.counter, room=room) for other in others
            ]
            answer = replace(answer, others=tuple([other for other, _ in more]))
            output += sum(tokens for _, tokens in more)
            reasoning += sum(_reasoning(other, model, self.counter) for other, _ in more)
        ended = (answer, output, reasoning)
        self._ended[id(reply)] = (reply, call, room, ended)
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]
        return ended

    def _count(self, call: Call) -> PromptCount | None:
        model = self.catalogue.model(call.model, call.provider)
        return None if model is None else count(call, model, self.counter)

    def _vendor(self, provider: str) -> _Vendor:
        settings = self.settings.of(provider)
        vendor = _Vendor(settings=settings, limits=settings.limits.of(provider))
        return self._vendors.setdefault(provider, vendor)


def _terms(call: Call, model: Model, vendor: _Vendor) -> tuple[Account, Limits, Latency]:
    """Return whose limits a request counts to, which they are, and the pace of its answer.

    Fast requests have others.
    """
    if call.options and call.options.get("speed") == "fast":
        return (call.provider, call.key, f"{_FAST}{model.group}"), *vendor.fast(call.provider)
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


def _tools_usd(reply: Reply, provider: str) -> float:
    """Return what the vendor's own tools cost that were used on the way to an answer."""
    used = [part.tool for part in reply.content if isinstance(part, Hosted) and not part.error]
    return sum(tool_price(provider, tool) for tool in used)


def _choices(call: Call) -> int:
    """Return how many answers the request wants, all of which are billed."""
    wanted = call.options.get("n", 1)
    return wanted if isinstance(wanted, int) else 1


def _reasoning(reply: Reply, model: Model, counter: TokenCounter) -> int:
    """Return the tokens of an answer that are not for the reader."""
    return sum(
        [part_tokens(part, model, counter) for part in reply.content if isinstance(part, Thinking)]
    )


def _too_long(model: Model, prompt: PromptCount) -> Refusal | None:
    """Return the refusal of texts to embed; each of them has the window for itself."""
    window, longest = model.facts.window, max(prompt.messages, default=0)
    if longest <= window:
        return None
    details = {"tokens": longest, "window": window}
    message = model.overflow_text.format(**details)
    return Refusal(kind="context_overflow", message=message, details=details)


def _costs(
    call: Call, vendor: ProviderSettings, prompt: PromptCount, use: CacheUse
) -> tuple[int, ...]:
    """Return what the request takes of each limit. Cache reads count at OpenAI only."""
    if call.provider == "openai":
        tokens = prompt.total
        if vendor.limits.counts_max_tokens:
            tokens = max(tokens, call.max_tokens or 0)
        return (1, tokens)
    return (1, prompt.total - use.read, 0)


def _rate_limited(refused: Refused) -> Refusal:
    return Refusal(
        kind="rate_limited",
        retry_after=refused.retry_after,
        limit=refused.limit,
        details={
            "limit_value": refused.value,
            "used": refused.used,
            "requested": refused.requested,
            "early": refused.early,
            "waited": refused.waited,
        },
    )
