"""The way of one request through the providers: who is asked next, and what a failure means.

It performs nothing itself; the router asks, sleeps and tells it how things went.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chaoskit_guards.clients import NotConfigured
from chaoskit_guards.completion import Completion, Usage
from chaoskit_guards.errors import (
    AllProvidersFailed,
    Attempt,
    CircuitOpenError,
    GuardError,
    UntranslatableRequest,
)
from chaoskit_guards.failures import Failure, classify
from chaoskit_guards.permit import Ending, Permit
from chaoskit_guards.price import Price, cost
from chaoskit_guards.provider import Provider
from chaoskit_guards.rules import Rules
from chaoskit_guards.translate import Request

__all__ = ["Ask", "Pause", "Route", "Terms"]


@dataclass(slots=True)
class Ask:
    """Ask this provider now, if its breaker admits it; then tell that breaker how it went.

    Attributes:
        permit: the admission, which `admitted` brings.
        verdict: what the breaker is to be told.
        fault: the error with which it is told of a failure; None: just that it was one.
    """

    provider: Provider
    request: dict[str, Any]
    timeout: float
    began: float
    permit: Permit | None = None
    verdict: Ending = "success"
    fault: BaseException | None = None

    def settle(self) -> None:
        """Tell the breaker."""
        if self.permit is not None:
            self.permit.end(self.verdict, self.fault)

    async def asettle(self) -> None:
        """Tell the breaker without blocking."""
        if self.permit is not None:
            await self.permit.aend(self.verdict, self.fault)


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before the next step."""

    seconds: float
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all requests of a router have in common.

    Attributes:
        providers: in the order in which they are asked.
        rules: how failures are treated.
        spread: adds jitter to a wait.
        lot: gives a number from 0 to 1 that is compared with a provider's share.
        price: gives the USD of a call.
    """

    providers: Sequence[Provider]
    rules: Rules
    spread: Callable[[float], float]
    lot: Callable[[], float]
    price: Price | None


class Route:
    """One request on its way.

    Args:
        terms: those of the router.
        request: what is asked.
        skip: names of providers to leave out.
        deadline: the moment at which everything must be over.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        terms: Terms,
        request: Request,
        *,
        skip: Collection[str],
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        self.attempts: list[Attempt] = []
        self._terms = terms
        self._request = request
        self._deadline = deadline
        self._clock = clock
        self._todo: list[Provider] = []
        self._asked: dict[str, int] = {}
        self._limited: list[Provider] = []
        self._patient: Provider | None = None
        self._overflow: tuple[int | None, Exception] | None = None
        self._last: Exception | None = None
        self._kept: Completion | None = None
        ramp = terms.rules.ramp
        if not (skip or ramp):
            self._todo += terms.providers
            return
        later: list[Provider] = []
        for provider in terms.providers:
            if provider.config.name in skip:
                self._skip(provider, "left out by the caller")
            elif ramp and terms.lot() >= provider.share(clock(), ramp):
                later.append(provider)
            else:
                self._todo.append(provider)
        self._todo += later

    def step(self) -> Ask | Pause | None:
        """Return what to do next; None when there is a result and nobody has a better one.

        Raises:
            AllProvidersFailed: nobody is left to ask.
        """
        if self._patient is not None:
            provider, self._patient = self._patient, None
            self._todo.insert(0, provider)
            return self._pause(provider)
        ask = self.another()
        return ask if ask is not None or self._kept is not None else self._last_resort()

    def another(self) -> Ask | None:
        """Return whom to ask without waiting; None when there is nobody."""
        while self._todo:
            ask = self._try(self._todo.pop(0))
            if ask is not None:
                return ask
        return None

    def admitted(self, ask: Ask, permit: Permit) -> Ask:
        """Note that the provider may be asked."""
        ask.permit = permit
        name = ask.provider.config.name
        self._asked[name] = self._asked.get(name, 0) + 1
        return ask

    def refused(self, ask: Ask, error: GuardError) -> None:
        """Note that the provider's breaker does not admit the request."""
        if not isinstance(error, CircuitOpenError):
            self._skip(ask.provider, str(error))
            return
        ask.provider.refused()
        self._skip(ask.provider, f"circuit open, {error}", error.retry_after)

    def answered(self, ask: Ask, completion: Completion, *, final: bool = False) -> bool:
        """Note an answer and return whether it is the result; see `result`.

        Args:
            ask: what was asked.
            completion: the answer.
            final: it is the result whatever it says.
        """
        provider = ask.provider
        provider.came_back(ask.began)
        unwanted = not final and completion.stop_reason in self._terms.rules.unwanted
        outcome = "unwanted" if unwanted else "answered"
        self.attempts.append(
            Attempt(
                provider=provider.config.name,
                model=provider.config.model,
                outcome=outcome,
                detail=outcome,
                elapsed=self._clock() - ask.began,
                usd=None if self._terms.price is None else self._cost(provider, completion.usage),
            )
        )
        self._kept = Completion(
            content=completion.content,
            stop_reason=completion.stop_reason,
            usage=completion.usage,
            provider=provider.config.name,
            model=provider.config.model,
            raw=completion.raw,
            attempts=tuple(self.attempts),
        )
        return not unwanted

    def result(self) -> Completion | None:
        """Return the answer to hand out, with its whole story; None while there is none."""
        kept = self._kept
        if kept is None or len(kept.attempts) == len(self.attempts):
            return kept
        return replace(kept, attempts=tuple(self.attempts))

    def outrun(self, ask: Ask) -> None:
        """Note that somebody else answered first and this request was given up."""
        ask.verdict = "neutral"
        asked = Usage(
            input_tokens=self._request.prompt_tokens or 0, output_tokens=self._request.max_tokens
        )
        self._note(ask, "hedged", usd=self._cost(ask.provider, asked))

    def failed(self, ask: Ask, error: BaseException) -> bool:
        """Note a failure and return whether somebody else may be asked."""
        failure = _judge(error)
        kind, provider, now = failure.kind, ask.provider, self._clock()
        self._note(ask, kind, failure, error)
        if not isinstance(error, Exception) or kind in ("cancelled", "local"):
            ask.verdict = "neutral"
            return False
        self._last = error
        if kind == "invalid_request":  # the provider works, the request does not
            return self._kept is not None
        if kind == "context_overflow":
            self._overflow = (provider.config.context_window, error)
        elif kind in ("auth", "not_found", "quota"):
            ask.verdict = "neutral"
            provider.rest(now + self._terms.rules.out_of_route, kind)
        elif kind == "rate_limited" and failure.retry_after:
            ask.verdict = "neutral"
            provider.rest(now + failure.retry_after, kind)
            self._limited.append(provider)
            if self._may_wait(provider, self._terms.rules.patience):
                self._patient = provider
        else:
            ask.verdict = "failure"
            told = failure.retry_after or kind == "rate_limited"
            ask.fault = error if told else None
        return True

    def stop(self) -> BaseException:
        """Return the error to raise when nobody is left."""
        if self._overflow is not None and self._last is self._overflow[1]:
            return self._overflow[1]
        error = AllProvidersFailed(tuple(self.attempts))
        error.__cause__ = self._last
        return error

    def _try(self, provider: Provider) -> Ask | None:
        config, now = provider.config, self._clock()
        left = self._deadline - now
        if left <= 0:
            self._skip(provider, "no time left")
            return None
        wait, why = provider.resting(now)
        if wait > 0:
            if why == "rate_limited":
                self._limited.append(provider)
            reason = f"{why.replace('_', ' ')}, left alone for {wait:.1f} s"
            self._skip(provider, reason, wait)
            return None
        measured = config.context_window is not None or self._overflow is not None
        if measured and not self._fits(provider):
            self._skip(provider, "the prompt does not fit into its window")
            return None
        if config.max_usd is not None and (dear := self._too_dear(provider, config.max_usd)):
            self._skip(provider, dear)
            return None
        asked = self._request
        try:
            request = provider.caller.request(asked)
        except UntranslatableRequest as error:
            self._last = error
            self._skip(provider, f"cannot be asked this: {error}")
            return None
        # What is left is shared with those who may have to be asked after this one.
        timeout, share = provider.caller.timeout(asked.max_tokens), left / (1 + len(self._todo))
        return Ask(provider, request, min(share, timeout), now)

    def _fits(self, provider: Provider) -> bool:
        window = provider.config.context_window
        if self._overflow is not None:
            refused_by, _ = self._overflow
            if window is None or (refused_by is not None and window <= refused_by):
                return False
        tokens = self._request.prompt_tokens
        return window is None or tokens is None or tokens + self._request.max_tokens <= window

    def _cost(self, provider: Provider, usage: Usage) -> float | None:
        return cost(self._terms.price, provider.config.model, usage.in_anthropic_words())

    def _too_dear(self, provider: Provider, most: float) -> str:
        """Return why it is not asked; empty when it may be."""
        tokens = self._request.prompt_tokens or 0
        asked = Usage(input_tokens=tokens, output_tokens=self._request.max_tokens)
        usd = self._cost(provider, asked)
        if usd is None:
            return "its price is not known"
        return f"about {usd:.4f} USD are above its ceiling" if usd > most else ""

    def _last_resort(self) -> Pause:
        """Wait for a rate-limited provider when everybody else has been tried."""
        waitable = [p for p in self._limited if self._may_wait(p, self._terms.rules.max_wait)]
        self._limited = []
        if not waitable:
            raise self.stop()
        provider = min(waitable, key=lambda p: p.resting(self._clock())[0])
        self._todo.append(provider)
        return self._pause(provider)

    def _pause(self, provider: Provider) -> Pause:
        wait, _ = provider.resting(self._clock())
        return Pause(self._terms.spread(wait), provider.config.name)

    def _may_wait(self, provider: Provider, bound: float) -> bool:
        now = self._clock()
        wait, why = provider.resting(now)
        return (
            why == "rate_limited"
            and wait <= bound
            and wait < self._deadline - now
            and self._asked.get(provider.config.name, 0) < self._terms.rules.rounds
        )

    def _skip(self, provider: Provider, detail: str, retry_after: float | None = None) -> None:
        self.attempts.append(
            Attempt(
                provider=provider.config.name,
                model=provider.config.model,
                outcome="skipped",
                detail=detail,
                retry_after=retry_after,
            )
        )

    def _note(
        self,
        ask: Ask,
        outcome: str,
        failure: Failure | None = None,
        error: BaseException | None = None,
        usd: float | None = None,
    ) -> None:
        status = failure.status if failure is not None else None
        what = outcome.replace("_", " ") + (f" ({status})" if status else "")
        if isinstance(error, NotConfigured):
            what = str(error)
        elif outcome == "unknown":
            what = type(error).__name__
        self.attempts.append(
            Attempt(
                provider=ask.provider.config.name,
                model=ask.provider.config.model,
                outcome=outcome,
                detail=what,
                status_code=status,
                elapsed=self._clock() - ask.began,
                retry_after=failure.retry_after if failure is not None else None,
                usd=usd,
            )
        )


def _judge(error: BaseException) -> Failure:
    if isinstance(error, NotConfigured):
        return Failure("auth")
    if isinstance(error, UnicodeDecodeError) or type(error).__name__ == "JSONDecodeError":
        return Failure("server")  # only the SDK decodes here, and only what the provider sent
    return classify(error)
