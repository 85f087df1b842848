"""Warms the prompt cache at deploy time, and makes sure that real requests read what was warmed."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import after_fork
from chaoskit_guards.keepalive import CachePrices, break_even_rate
from chaoskit_guards.models import facts_of
from chaoskit_guards.prefix import CachePrefix, Ttl
from chaoskit_guards.usage import PromptUsage, read_usage

__all__ = ["CacheWarmer", "WarmResult"]

_log = logging.getLogger("chaoskit_guards")

_PING = {"role": "user", "content": "Ready."}
_TTL_SECONDS = {"5m": 300.0, "1h": 3_600.0}

Blocks = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmResult:
    """How warming went.

    Attributes:
        verdict: `warmed`, written and read back; `already_warm`, the first request read it;
            `written`, not verified; `unverified`, written but the second request did not read it;
            `too_short`, the model does not cache so short a prefix; `not_cached`, nothing was
            written although it is long enough; `unknown`, the answer carries no usage.
        fingerprint: name of the prefix.
        written: tokens written to the cache.
        read: tokens read back from it.
        requests: requests that were made.
        elapsed: seconds it took.
    """

    verdict: Literal[
        "warmed", "already_warm", "written", "unverified", "too_short", "not_cached", "unknown"
    ]
    fingerprint: str
    written: int = 0
    read: int = 0
    requests: int = 0
    elapsed: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether real requests will find the prefix warm."""
        return self.verdict in ("warmed", "already_warm", "written")


class CacheWarmer:
    """Sends the shared prefix once, reads it back, and hands the same bytes to real requests.

    Real requests have to carry the mark as well: `client.messages.create(**warmer.prefix(system)
    .request(messages, max_tokens=512))`, or `system=warmer.cached_system(system)`.
    """

    def __init__(
        self,
        model: str,
        *,
        client: Any = None,
        ttl: Ttl = "5m",
        minimum_tokens: int | None = None,
        max_tokens: int = 1,
        verify: bool = True,
        pause: float = 2.0,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Warm for one model.

        Args:
            model: name of the model; each has its own cache.
            client: a client of the vendor's SDK; by default the installed one, made when needed.
            ttl: lifetime of the entry.
            minimum_tokens: shortest prefix that is cached; known for the published models.
            max_tokens: tokens of the answer; 0 is accepted by the vendor's own service.
            verify: read the entry back with a second request.
            pause: seconds before reading back; an entry is not readable at once.
            clock: seconds that only go forward.
            sleep: waits; may be a coroutine function in `warm`.
            listener: told of each result.

        Raises:
            ValueError: the model's vendor knows no marks; it says what to do there.
        """
        if ttl not in _TTL_SECONDS:
            raise ValueError(f"ttl must be '5m' or '1h', not {ttl!r}")
        if instead := _instead(model):
            raise ValueError(f"the cache of {model} cannot be warmed by marks: {instead}")
        self._model = model
        self._client = client
        self._ttl: Ttl = ttl
        self._minimum = minimum_tokens
        self._max_tokens = max_tokens
        self._verify = verify
        self._pause = pause
        self._clock = clock
        self._sleep = sleep
        self._listener = listener
        self._lock = threading.Lock()
        self._flights: dict[tuple[str, object], asyncio.Future[WarmResult]] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._used: dict[str, tuple[float, WarmResult]] = {}
        after_fork(self)

    def forked(self) -> None:
        """Begin anew in the child: whoever is warming is a thread or a task of the parent."""
        self._lock, self._turns, self._flights = threading.Lock(), {}, {}

    def prefix(self, system: str | Blocks = "", tools: Blocks | None = None) -> CachePrefix:
        """Return the marked prefix, the same for warming and for every real request.

        Raises:
            ValueError: there is nothing to cache, or more than four marks were set.
        """
        return CachePrefix.build(self._model, system, tools, self._ttl, self._minimum)

    def cached_system(self, system: str | Blocks) -> list[dict[str, Any]]:
        """Return the marked system prompt for `system=` of a real request."""
        return self.prefix(system).system_blocks()

    def touched(self, prefix: CachePrefix) -> None:
        """Note that a real request has used the prefix, which refreshes its entry for free."""
        with self._lock:
            known = self._used.get(prefix.fingerprint)
            if known is not None:
                self._used[prefix.fingerprint] = (self._now(), known[1])

    def expires_in(self, prefix: CachePrefix) -> float:
        """Return the seconds that the entry still lives, as far as this warmer knows; 0 if cold."""
        with self._lock:
            known = self._used.get(prefix.fingerprint)
        if known is None or not known[1].ok:
            return 0.0
        return max(0.0, known[0] + _TTL_SECONDS[self._ttl] - self._now())

    async def warm(
        self,
        system: str | Blocks = "",
        seed_messages: Sequence[Any] = (_PING,),
        *,
        tools: Blocks | None = None,
    ) -> WarmResult:
        """Warm the cache; callers that ask for the same prefix at once share one warming."""
        prefix = self.prefix(system, tools)
        key = (prefix.fingerprint, asyncio.get_running_loop())
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(self._warm(prefix, seed_messages))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)

    async def keep_warm(
        self,
        requests_per_hour: Callable[[], float],
        system: str | Blocks = "",
        seed_messages: Sequence[Any] = (_PING,),
        *,
        tools: Blocks | None = None,
        margin: float = 30.0,
    ) -> None:
        """Refresh the entry before it expires, while the traffic makes that the cheaper way.

        Runs until it is cancelled; what goes wrong is logged and tried again later. Where real
        requests are told to `touched`, those that refresh it for free are counted; at a rate below
        `break_even_rate` the entry is let go.

        Args:
            requests_per_hour: asked before each refresh for the traffic of late.
            system: system prompt, text or blocks.
            seed_messages: messages of the refreshing request.
            tools: tools before the system prompt.
            margin: seconds before the expiry at which it is refreshed.

        Raises:
            ValueError: the margin is not shorter than the lifetime.
        """
        life = _TTL_SECONDS[self._ttl]
        if not 0 <= margin < life:
            raise ValueError(f"margin is at least 0 and less than {life:.0f} seconds")
        prefix = self.prefix(system, tools)
        facts = facts_of(self._model)
        written = facts.cache_write if self._ttl == "5m" else facts.cache_write_long
        prices = CachePrices(
            read=0.1 if facts.cache_read is None else facts.cache_read,
            write=(1.25 if self._ttl == "5m" else 2.0) if written is None else written,
            ttl=life,
        )
        while True:
            left = self.expires_in(prefix) - margin
            if left > 0:
                await _settled((self._sleep or asyncio.sleep)(left))
                continue
            if requests_per_hour() >= break_even_rate(prices):
                try:
                    await self.warm(system, seed_messages, tools=tools)
                except Exception:  # noqa: BLE001 - a provider that is down is asked again later
                    _log.exception("the prompt cache could not be kept warm")
            else:
                emit(self._listener, "let_go", "warm", fingerprint=prefix.fingerprint)
            if self.expires_in(prefix) <= margin:  # let go, or not warm: look again later
                await _settled((self._sleep or asyncio.sleep)(life - margin))

    def warm_sync(
        self,
        system: str | Blocks = "",
        seed_messages: Sequence[Any] = (_PING,),
        *,
        tools: Blocks | None = None,
    ) -> WarmResult:
        """Warm the cache from a thread; threads that ask for the same prefix share one warming."""
        prefix = self.prefix(system, tools)
        with self._lock:
            turn = self._turns.setdefault(prefix.fingerprint, threading.Lock())
        asked = self._now()
        with turn:
            with self._lock:
                known = self._used.get(prefix.fingerprint)
            if known is not None and known[0] >= asked and known[1].ok:
                return known[1]
            client, made = self._client or _default_client("Anthropic"), self._client is None
            try:
                return self._run(prefix, seed_messages, client)
            finally:
                if made:
                    client.close()

    def _run(self, prefix: CachePrefix, seed: Sequence[Any], client: Any) -> WarmResult:
        steps = _Steps(prefix, verify=self._verify)
        began = self._now()
        while not steps.done:
            if steps.requests:
                (self._sleep or time.sleep)(self._pause)
            at = self._now()
            answer = client.messages.create(**self._request(prefix, seed))
            if inspect.isawaitable(answer):
                if inspect.iscoroutine(answer):
                    answer.close()
                raise TypeError("warm_sync needs a synchronous client; use `await warm(…)`")
            steps.take(answer)
        return self._finish(steps, began, at)

    async def _warm(self, prefix: CachePrefix, seed: Sequence[Any]) -> WarmResult:
        client, made = self._client or _default_client("AsyncAnthropic"), self._client is None
        try:
            steps = _Steps(prefix, verify=self._verify)
            began = self._now()
            while not steps.done:
                if steps.requests:
                    await _settled((self._sleep or asyncio.sleep)(self._pause))
                at = self._now()
                answer = client.messages.create(**self._request(prefix, seed))
                steps.take(await _settled(answer))
            return self._finish(steps, began, at)
        finally:
            if made:
                await _settled(client.close())

    def _request(self, prefix: CachePrefix, seed: Sequence[Any]) -> dict[str, Any]:
        return prefix.request(seed or (_PING,), max_tokens=self._max_tokens)

    def _finish(self, steps: _Steps, began: float, at: float) -> WarmResult:
        result = steps.result(self._now() - began)
        with self._lock:
            self._used[result.fingerprint] = (at, result)
        emit(
            self._listener,
            result.verdict,
            "warm",
            fingerprint=result.fingerprint,
            written=result.written,
            read=result.read,
        )
        if not result.ok:
            _log.warning(
                "the prompt cache is not warm (%s): the prefix of about %d tokens was written as "
                "%d and read as %d; %s caches from %s tokens",
                result.verdict,
                steps.prefix.tokens,
                result.written,
                result.read,
                self._model,
                steps.prefix.minimum or "an unknown number of",
            )
        return result

    def _now(self) -> float:
        return (self._clock or time.monotonic)()


class _Steps:
    """What to do after each answer, without knowing how requests are made."""

    def __init__(self, prefix: CachePrefix, *, verify: bool) -> None:
        self.prefix = prefix
        self.verify = verify
        self.usages: list[PromptUsage | None] = []
        self.done = False

    @property
    def requests(self) -> int:
        return len(self.usages)

    def take(self, answer: object) -> None:
        usage = read_usage(answer)
        self.usages.append(usage)
        wrote = usage is not None and usage.written > 0 and usage.read == 0
        self.done = not (self.verify and wrote and len(self.usages) == 1)

    def result(self, elapsed: float) -> WarmResult:
        first, last = self.usages[0], self.usages[-1]
        verdict: Any
        if first is None:
            verdict = "unknown"
        elif first.read > 0:
            verdict = "already_warm"
        elif first.written == 0:
            verdict = "too_short" if self.prefix.long_enough is False else "not_cached"
        elif len(self.usages) == 1:
            verdict = "written"
        else:
            verdict = "warmed" if last is not None and last.read > 0 else "unverified"
        return WarmResult(
            verdict=verdict,
            fingerprint=self.prefix.fingerprint,
            written=sum(usage.written for usage in self.usages if usage is not None),
            read=last.read if last is not None else 0,
            requests=len(self.usages),
            elapsed=elapsed,
        )


def _instead(model: str) -> str:
    """Return what to do where the vendor's cache works otherwise; empty where it knows marks."""
    if facts_of(model).vendor == "openai":
        return (
            "OpenAI caches by itself whatever requests begin with, from 1,024 tokens; keep that "
            "part the same, first, and give all of them one `prompt_cache_key`"
        )
    if model.rsplit("/", 1)[-1].lower().startswith("gemini"):
        return (
            "Gemini caches by itself what requests begin with; for a promise, make an entry "
            "with `caches.create` and name it as `cached_content`"
        )
    return ""


async def _settled(value: Any) -> Any:
    """Return a value that may still have to be awaited."""
    if isinstance(value, Awaitable):
        return await value
    return value


def _default_client(name: str) -> Any:
    """Return a client of the installed SDK; it is imported only here, when it is needed."""
    try:
        sdk = importlib.import_module("anthropic")
    except ImportError as error:
        raise RuntimeError(
            "CacheWarmer needs a client: install `anthropic` or give it `client=…`"
        ) from error
    return getattr(sdk, name)()
