"""The simulated service: what stands between a decoded request and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from chaoskit.again import ByIdentity
from chaoskit.dialect import LimitState
from chaoskit.exchange import Call, Refusal, Reply
from chaoskit.provider.billing import Bills, Settled
from chaoskit.provider.cache import PromptCache
from chaoskit.provider.cache_use import CacheUse
from chaoskit.provider.catalogue import Catalogue, Model
from chaoskit.provider.latency import Latency
from chaoskit.provider.limits import Account, RateLimits, Refused
from chaoskit.provider.prices import Prices, load
from chaoskit.provider.prompt import PromptCount
from chaoskit.provider.settings import Limits as LimitSettings
from chaoskit.provider.settings import ProviderSettings
from chaoskit.provider.shelf import Room, Shelf
from chaoskit.provider.shortening import shortened
from chaoskit.provider.tokens import TokenCounter
from chaoskit.provider.weighing import FAST, Scales, Weighed, costs
from chaoskit.quick import maker

__all__ = ["Admission", "Service", "Settled"]

_COUNTS = 5_000  # a minute
_PRIORITY = "priority_"


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


_new_admission = maker(Admission)


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
        self._bills = Bills(self.counter, Prices(settings))
        self._latest: dict[str, Account] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._room = Room()  # of all keys together
        self._scales = Scales(settings, self.catalogue, self.counter)
        self.weighed: ByIdentity[Call, Weighed | None] = ByIdentity(self._scales.weigh)
        """What is known of a call; None where its model is not."""

    def count(self, call: Call) -> int:
        """Return the tokens of the call's prompt; 0 for a model that is not known."""
        weighed = self.weighed(call)
        return 0 if weighed is None else weighed.prompt.total

    def admit(
        self, call: Call, *, now: float, caller: str = "", limited: bool = True
    ) -> Refusal | Admission:
        """Let a call through that the model is to answer, or refuse it as production does.

        Args:
            caller: who comes back when told to; the key unless given.
            limited: the rate limits hold for it.
        """
        weighed = self.weighed(call)
        if weighed is None:
            return Refusal(kind="not_found", message=f"model: {call.model}")
        if weighed.overflow is not None:
            if call.options.get("truncation") != "auto":
                return weighed.overflow
            call = shortened(call, weighed.prompt, weighed.model.facts.window)
            weighed = self._scales.weigh(call) or weighed
            if weighed.overflow is not None:
                return weighed.overflow
        model, prompt, account = weighed.model, weighed.prompt, weighed.account
        settings, use, taken = weighed.vendor.settings, weighed.use, weighed.costs
        if use is None:
            use = self.cache.look_up(call, model, prompt, now=now)
            taken = costs(call, weighed.vendor, prompt, use)
        self._latest[call.key] = account
        refused = None
        if limited:
            refused = self._limits.admit(
                account, weighed.limits, taken, caller=caller or call.key, now=now
            )
        if refused is not None:
            return _rate_limited(refused)
        if use.hits:
            self.cache.touch(use, now=now)
        states, tier = self._limits.states(account, now), ""
        if settings.priority_limits is not None and limited:
            tier, more = self._priority(call, settings.priority_limits, model, use, now)
            states += more
        return _new_admission(
            at=now,
            model=model,
            account=account,
            prompt=prompt,
            cache=use,
            limits=states,
            latency=weighed.latency,
            first_token=weighed.latency.first_token,
            tier=tier,
        )

    def settle(
        self, admission: Admission, call: Call, reply: Reply, *, now: float, begins: float
    ) -> Settled:
        """End the answer where it has to end, count it, bill it, and let the cache remember it.

        `begins` is when the first byte of the answer goes out.
        """
        use = admission.cache
        settled = self._bills.settle(
            reply,
            call,
            model=admission.model,
            prompt=admission.prompt,
            use=use,
            tier=admission.tier,
            latency=admission.latency,
        )
        self._charge(admission, settled.reply.usage.output, now)
        if use.writes or use.route is not None:
            self.cache.store(use, started=admission.at, begins=begins)
        return settled

    def states(self, key: str, now: float, call: Call | None = None) -> tuple[LimitState, ...]:
        """Return the limits for the headers of an answer that was not admitted.

        They are those of the call's model, or of the one that the key used last.
        """
        weighed = None if call is None else self.weighed(call)
        if weighed is not None:
            return self._limits.states(weighed.account, now, weighed.limits)
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
        limit = self._scales.vendor(call.provider).settings.limits.counts_per_minute or _COUNTS
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
        name = "fast_output_tokens" if group.startswith(FAST) else "output_tokens"
        self._limits.charge(admission.account, name, output, now=now)
        if admission.tier:
            account = (provider, key, f"{_PRIORITY}{admission.model.group}")
            self._limits.charge(account, f"{_PRIORITY}output_tokens", output, now=now)


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
