"""Ask the next provider when one is down, and the first one again when it is back.

Each provider has a breaker of its own, one deadline covers everything, and every failure has its
own consequence: an overloaded provider is left alone for a while, a rate-limited one as long as it
asks for, one that refuses our credentials much longer; a bad request or a mistake on this side is
nobody else's business and is raised as it is.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Executor
from typing import Any

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.clients import Caller, ProviderConfig
from chaoskit_guards.completion import Completion, RoutedText
from chaoskit_guards.course import Course, asked, asked_here
from chaoskit_guards.events import Listener
from chaoskit_guards.hedge import arace, race
from chaoskit_guards.price import Price
from chaoskit_guards.provider import Provider
from chaoskit_guards.route import Route, Terms
from chaoskit_guards.routed_stream import RoutedStream
from chaoskit_guards.rules import Rules
from chaoskit_guards.settings import Random
from chaoskit_guards.tokens import count_tokens as _estimate
from chaoskit_guards.translate import OPTIONS, Request, copied, neutral

__all__ = ["FallbackRouter", "ProviderConfig", "RoutedStream", "Rules"]


class FallbackRouter:
    """Answers from the first provider that can. Durations are seconds.

    Messages, tools and `tool_choice` are in the shape of Anthropic's Messages API, or messages and
    tools in that of OpenAI's Chat Completions; each provider gets them in its own words.

    Args:
        providers: those to ask, in the order of `priority`.
        deadline: bound of one request with all its attempts.
        rules: how failures are treated.
        breaker: makes the breaker of a provider from its name.
        count_tokens: counts the tokens of system prompt, tools and messages, for providers with a
            `context_window` or `max_usd`; the estimate of `count_tokens` when it is None.
        price: gives the USD of a call from its model and usage, for `max_usd` and the audit trail.
        clock: monotonic seconds; `time.monotonic` when it is None.
        sleep: `time.sleep` when it is None.
        async_sleep: `asyncio.sleep` when it is None.
        rng: source of jitter; the `random` module when it is None.
        executor: runs sync calls while `Rules.hedge_after` is set; threads of its own when None.
        listener: told about every attempt and every change of a breaker.

    Raises:
        ValueError: no provider, two of one name, or a ceiling without a price.
    """

    def __init__(
        self,
        providers: Sequence[ProviderConfig],
        *,
        deadline: float = 300.0,
        rules: Rules | None = None,
        breaker: Callable[[str], CircuitBreaker] | None = None,
        count_tokens: Callable[[Any], int] | None = None,
        price: Price | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        async_sleep: Callable[[float], Awaitable[object]] | None = None,
        rng: Random | None = None,
        executor: Executor | None = None,
        listener: Listener | None = None,
    ) -> None:
        names = [provider.name for provider in providers]
        if not names:
            raise ValueError("a router needs at least one provider")
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two providers are called {', '.join(doubled)}")
        if not deadline > 0:
            raise ValueError("deadline is more than 0 seconds")
        self.deadline = deadline
        if price is None and any(provider.max_usd is not None for provider in providers):
            raise ValueError("max_usd needs a price function: give the router price=…")
        measured = any(p.context_window is not None or p.max_usd is not None for p in providers)
        self._count_tokens = (count_tokens or _estimate) if measured else None
        self._clock = clock
        self._sleep = sleep
        self._async_sleep = async_sleep
        self._rng = rng
        self._executor = executor
        self._listener = listener
        self._providers = [
            Provider(Caller(config), (breaker or self._breaker)(config.name))
            for config in sorted(providers, key=lambda config: config.priority)
        ]
        self._names = frozenset(names)
        self._terms = Terms(
            providers=self._providers,
            rules=rules or Rules(),
            spread=self._spread,
            lot=self._lot,
            price=price,
        )

    def call(self, messages: Sequence[Any], max_tokens: int = 1024, **keywords: Any) -> RoutedText:
        """Return the text of an answer; the keywords are those of `complete`."""
        return RoutedText(self.complete(messages, max_tokens, **keywords))

    async def acall(
        self, messages: Sequence[Any], max_tokens: int = 1024, **keywords: Any
    ) -> RoutedText:
        """Return the text of an answer; the keywords are those of `complete`."""
        return RoutedText(await self.acomplete(messages, max_tokens, **keywords))

    def complete(
        self,
        messages: Sequence[Any],
        max_tokens: int = 1024,
        *,
        system: Any = None,
        tools: Sequence[Any] | None = None,
        skip_providers: Collection[str] = (),
        deadline: float | None = None,
        **options: Any,
    ) -> Completion:
        """Return an answer with all its blocks, tool calls included.

        Args:
            messages: the conversation.
            max_tokens: bound of the answer.
            system: system prompt, text or blocks.
            tools: tools that the model may call.
            skip_providers: names of providers to leave out.
            deadline: in place of the router's own.
            options: temperature, top_p, stop_sequences, tool_choice.

        Raises:
            AllProvidersFailed: nobody answered; it names each provider and why.
        """
        course = self._course(
            messages=messages,
            max_tokens=max_tokens,
            system=system,
            tools=tools,
            skip=skip_providers,
            deadline=deadline,
            options=options,
        )
        hedge_after = self._terms.rules.hedge_after
        while (ask := course.step()) is not None:
            if hedge_after is not None:
                if race(course, ask, after=hedge_after, executor=self._executor):
                    break
                continue
            try:
                completion = asked_here(ask)
            except BaseException as error:
                if not course.failed(ask, error):
                    raise
            else:
                if course.answered(ask, completion):
                    break
        return course.result()

    async def acomplete(
        self,
        messages: Sequence[Any],
        max_tokens: int = 1024,
        *,
        system: Any = None,
        tools: Sequence[Any] | None = None,
        skip_providers: Collection[str] = (),
        deadline: float | None = None,
        **options: Any,
    ) -> Completion:
        """Return an answer without blocking; see `complete`.

        Raises:
            AllProvidersFailed: nobody answered; it names each provider and why.
        """
        course = self._course(
            messages=messages,
            max_tokens=max_tokens,
            system=system,
            tools=tools,
            skip=skip_providers,
            deadline=deadline,
            options=options,
        )
        hedge_after = self._terms.rules.hedge_after
        while (ask := await course.astep()) is not None:
            if hedge_after is not None:
                delay = (self._async_sleep or asyncio.sleep)(hedge_after)
                if await arace(course, ask, delay=delay):
                    break
                continue
            try:
                completion = await asked(ask)
            except BaseException as error:
                if not await course.afailed(ask, error):
                    raise
            else:
                if await course.aanswered(ask, completion):
                    break
        return course.result()

    def stream(
        self,
        messages: Sequence[Any],
        max_tokens: int = 1024,
        *,
        system: Any = None,
        tools: Sequence[Any] | None = None,
        skip_providers: Collection[str] = (),
        deadline: float | None = None,
        **options: Any,
    ) -> RoutedStream:
        """Return an iterator over the pieces of the text; see `complete`.

        Until the first piece is out another provider may take over; after it a failure is raised,
        because what has been shown cannot be taken back.
        """
        return RoutedStream(
            self._course(
                messages=messages,
                max_tokens=max_tokens,
                system=system,
                tools=tools,
                skip=skip_providers,
                deadline=deadline,
                options=options,
            )
        )

    def reinstate(self, name: str) -> None:
        """Ask a provider again at once, for example after its key was changed."""
        for provider in self._providers:
            if provider.config.name == name:
                provider.reinstate()
                return
        raise ValueError(f"no provider is called {name!r}")

    def breakers(self) -> dict[str, CircuitBreaker]:
        """Return the breaker of each provider."""
        return {p.config.name: p.breaker for p in self._providers}

    def _breaker(self, name: str) -> CircuitBreaker:
        return CircuitBreaker(
            name=name,
            failure_threshold=5,
            recovery_timeout=30.0,
            max_recovery_timeout=120.0,
            failure_rate=0.5,
            minimum_calls=20,
            clock=self._clock,
            rng=self._rng,
            listener=self._listener,
        )

    def _course(
        self,
        *,
        messages: Sequence[Any],
        max_tokens: int,
        system: Any,
        tools: Sequence[Any] | None,
        skip: Collection[str],
        deadline: float | None,
        options: dict[str, Any],
    ) -> Course:
        unknown = sorted(set(options) - set(OPTIONS)) if options else ()
        if unknown:
            raise TypeError(
                f"{', '.join(unknown)}: not known to all vendors; give it to one provider with "
                "ProviderConfig(options=…)"
            )
        if isinstance(skip, str) or (skip and not self._names.issuperset(skip)):
            raise ValueError(f"skip_providers names nobody: {skip!r}")
        if deadline is not None and math.isnan(deadline):
            raise ValueError("deadline is a number of seconds, not NaN")
        system, said = neutral(messages, system)
        tokens = None
        if self._count_tokens is not None:
            beside = [{"role": "user", "content": system}] if system else []
            tokens = self._count_tokens([*beside, *(tools or ()), *said])
        request = Request(
            system=system,
            messages=said,
            tools=tools,
            max_tokens=max_tokens,
            options=copied(options) if options else options,
            prompt_tokens=tokens,
        )
        clock = self._clock or time.monotonic
        ends = clock() + (self.deadline if deadline is None else deadline)
        route = Route(self._terms, request, skip=skip, deadline=ends, clock=clock)
        return Course(route, self._sleep, self._async_sleep, self._listener)

    def _spread(self, seconds: float) -> float:
        return seconds + (self._rng or random).uniform(0.0, max(0.1, seconds / 4))

    def _lot(self) -> float:
        return (self._rng or random).uniform(0.0, 1.0)
