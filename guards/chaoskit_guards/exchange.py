"""The decisions about one HTTP request under the guards; a transport performs them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetTimeout, GuardError, RetryError
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.failures import classify
from chaoskit_guards.permit import Ending, Permit
from chaoskit_guards.price import Price, cost
from chaoskit_guards.reservation import Reservation
from chaoskit_guards.retry_config import RetryConfig
from chaoskit_guards.retry_run import Env, Run, moment
from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.settings import Random
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.wire_usage import amounts, usage_in

__all__ = ["Exchange", "HttpGuards", "Sent"]


_log = logging.getLogger("chaoskit_guards.transport")
_COUNTED = ("system", "messages", "input", "tools")
_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@dataclass(slots=True, kw_only=True)
class HttpGuards:
    """What all requests of one transport share; `GuardedTransport` documents the settings."""

    retry: RetryConfig | None
    breaker: Callable[[str], CircuitBreaker] | None
    budget: BudgetWindow | None
    price: Price | None
    expected_output: int
    scrubber: Scrubber
    logger: logging.Logger | None
    listener: Listener | None
    clock: Callable[[], float] | None
    sleep: Callable[[float], object] | None
    async_sleep: Callable[[float], Awaitable[object]] | None
    rng: Random | None
    breakers: dict[str, CircuitBreaker] = field(default_factory=dict)
    told_sdk: bool = False

    def env(self) -> Env:
        """Return what the retries of one request run with."""
        return Env(
            config=self.retry or RetryConfig(max_attempts=1),
            name="transport",
            clock=self.clock,
            sleep=self.sleep,
            async_sleep=self.async_sleep,
            rng=self.rng,
            listener=self.listener,
            told_sdk=True,  # the SDK stands above; it is noticed by its header
        )

    def breaker_of(self, host: str) -> CircuitBreaker | None:
        """Return the breaker of a host."""
        if self.breaker is None:
            return None
        known = self.breakers.get(host)
        return known or self.breakers.setdefault(host, self.breaker(host))


class Refused(Exception):  # noqa: N818 - carries a status to those who judge it; never leaves here
    """An answer with an error status, in the shape that `classify` reads."""

    def __init__(self, response: Any, body: object) -> None:
        super().__init__(response.status_code)
        self.status_code = response.status_code
        self.response = response
        self.body = body


@dataclass(frozen=True, slots=True)
class _End:
    """How an attempt ended: what the breaker hears, and what was used; None gives it back."""

    verdict: Ending
    error: BaseException | None = None
    used: Mapping[str, float] | None = None


class Sent:
    """One attempt: its admission, its booking and how it ended, which is settled once.

    Attributes:
        learns: an answer or a refusal from which the budget learns.
    """

    __slots__ = ("_end", "_ended", "booked", "guards", "learns", "model", "permit")

    def __init__(self, guards: HttpGuards, booked: Reservation | None, model: str) -> None:
        self.guards = guards
        self.booked = booked
        self.permit: Permit | None = None
        self.model = model
        self.learns: Any = None
        self._end: _End | None = None
        self._ended = False

    def succeeded(self, usage: Mapping[str, Any], model: str = "") -> None:
        """The provider answered to the end."""
        if self._ended:
            return
        used: dict[str, float] = dict(amounts(usage))  # nothing told: the estimate stays
        usd = cost(self.guards.price, model or self.model, usage) if used else None
        if usd is not None:
            used["usd"] = usd
        self._ends(_End("success", used=used))

    def failed(self, error: BaseException) -> None:
        """The attempt failed, or was given up by the caller; nothing was delivered."""
        limited = isinstance(error, Exception) and classify(error).kind == "rate_limited"
        # A provider that counts our requests is not down.
        self._ends(_End("neutral") if limited else _End("failure", error))

    def broke_off(self, error: BaseException | None) -> None:
        """The answer ended early after a part of it was delivered, which has been paid for."""
        self._ends(_End("failure", error, used={}))

    def settle(self) -> None:
        """Tell budget and breaker what there is to tell."""
        budget, learns, end = self._take()
        if budget is not None and learns is not None:
            budget.learn(learns)
        if end is None:
            return
        if self.booked is not None and end.used is None:
            self.booked.cancel(sent=True)
        elif self.booked is not None:
            self.booked.settle(**end.used or {})
        if self.permit is not None:
            self.permit.end(end.verdict, end.error)

    async def asettle(self) -> None:
        """Tell budget and breaker what there is to tell, without blocking where they are shared."""
        budget, learns, end = self._take()
        if budget is not None and learns is not None:
            await budget.alearn(learns)
        if end is None:
            return
        if self.booked is not None and end.used is None:
            await self.booked.acancel(sent=True)
        elif self.booked is not None:
            await self.booked.asettle(**end.used or {})
        if self.permit is not None:
            await self.permit.aend(end.verdict, end.error)

    def _ends(self, end: _End) -> None:
        if not self._ended:
            self._ended = True
            self._end = end

    def _take(self) -> tuple[BudgetWindow | None, Any, _End | None]:
        learns, self.learns = self.learns, None
        end, self._end = self._end, None
        return self.guards.budget, learns, end


class Exchange:
    """One request, from its first attempt to what is handed back."""

    def __init__(self, guards: HttpGuards, request: Any) -> None:
        self.library: Any = sys.modules[type(request).__module__.partition(".")[0]]
        self.guards = guards
        self.request = request
        self.env = guards.env()
        self._run = Run(self.env, moment(), self.env.begin())
        self._began = 0.0
        # A body that is made while it is sent cannot be sent again.
        self._whole = isinstance(request.stream, self.library.ByteStream)
        self._repeats = self._whole and guards.retry is not None and not self._sdk_repeats()
        self._body = self._json()

    @property
    def expected(self) -> dict[str, Any]:
        """What to book for one attempt."""
        patience = self.env.config.deadline
        said = [self._body[name] for name in _COUNTED if self._body.get(name)]
        if not said:
            return {"estimated_tokens": 0, "timeout": patience}
        bound = next((self._body[n] for n in _BOUNDS if isinstance(self._body.get(n), int)), None)
        flat = [{"role": "user", "content": it} if isinstance(it, str) else it for it in said]
        messages = [one for it in flat for one in (it if isinstance(it, list) else [it])]
        output = self.guards.expected_output if bound is None else bound
        expected = {"messages": messages, "max_tokens": output, "timeout": patience}
        if self.guards.price is not None:
            usage = {"input_tokens": count_tokens(messages), "output_tokens": output}
            expected["usd"] = cost(self.guards.price, str(self._body.get("model", "")), usage)
        return expected

    def not_booked(self, error: BudgetTimeout) -> Exception:
        """Return the error of the HTTP library for a wait that was too long."""
        made: Exception = self.library.PoolTimeout(str(error), request=self.request)
        return made

    def begin(self, booked: Reservation | None) -> Sent:
        """Return an attempt that may be made now.

        Raises:
            ConnectError: of the HTTP library; the breaker of the host is open.
        """
        sent, breaker = self._new(booked)
        if breaker is not None:
            try:
                sent.permit = breaker.acquire()
            except GuardError as error:
                if booked is not None:
                    booked.cancel()
                raise self._refusal(error) from error
        self._began = self.env.now()
        return sent

    async def abegin(self, booked: Reservation | None) -> Sent:
        """Return an attempt that may be made now, without blocking where the breaker is shared.

        Raises:
            ConnectError: of the HTTP library; the breaker of the host is open.
        """
        sent, breaker = self._new(booked)
        if breaker is not None:
            try:
                sent.permit = await breaker.aacquire()
            except GuardError as error:
                if booked is not None:
                    await booked.acancel()
                raise self._refusal(error) from error
        self._began = self.env.now()
        return sent

    def failed(self, sent: Sent, error: BaseException) -> float | None:
        """Return the seconds to wait before the next attempt; None means: raise the error."""
        sent.failed(error)
        self._tell(type(error).__name__)
        return self._wait(error) if isinstance(error, Exception) else None

    def is_whole(self, response: Any) -> bool:
        """Return whether the body is read before anything of it is handed back."""
        kind = str(response.headers.get("content-type", ""))
        failed: bool = response.status_code >= 400
        return failed or kind.startswith("application/json")

    def answered(self, sent: Sent, response: Any, body: bytes) -> tuple[Any, float | None]:
        """Return the answer to hand back, and the seconds to wait where it is tried again."""
        self._tell(response.status_code)
        told = self._decoded(response, body)
        headers, wait = response.headers, None
        if response.status_code >= 400:
            refused = Refused(response, told)
            sent.failed(refused)
            sent.learns = refused
            wait = self._wait(refused)
            if wait is None and self._whole and self.guards.retry is not None:
                headers = headers.copy()
                headers["x-should-retry"] = "false"  # one layer owns the retries
        else:
            model = told.get("model") if isinstance(told, Mapping) else None
            sent.succeeded(usage_in(told), model if isinstance(model, str) else "")
            sent.learns = response
        return self.rebuilt(response, self.library.ByteStream(body), headers), wait

    def opened(self, sent: Sent, response: Any) -> None:
        """Note that a stream has begun."""
        self._tell(response.status_code)
        sent.learns = response
        if sent.permit is not None:
            sent.permit.first_item()

    def rebuilt(self, response: Any, stream: Any, headers: Any = None) -> Any:
        """Return the answer with another body."""
        return self.library.Response(
            response.status_code,
            headers=response.headers if headers is None else headers,
            stream=stream,
            extensions=response.extensions,
        )

    def _new(self, booked: Reservation | None) -> tuple[Sent, CircuitBreaker | None]:
        sent = Sent(self.guards, booked, str(self._body.get("model", "")))
        return sent, self.guards.breaker_of(self.request.url.host)

    def _refusal(self, error: GuardError) -> Exception:
        made: Exception = self.library.ConnectError(str(error), request=self.request)
        return made

    def _wait(self, error: Exception) -> float | None:
        if not self._repeats:
            return None
        try:
            return self._run.wait(error)
        except RetryError:
            return None  # the answer or the failure itself says what happened

    def _sdk_repeats(self) -> bool:
        """Whether an SDK above repeats this request, so that attempts would multiply."""
        count = self.request.headers.get("x-stainless-retry-count", "0")
        if not count.isdigit() or int(count) == 0:
            return False
        emit(self.guards.listener, "sdk_retries", "transport", count=int(count))
        if not self.guards.told_sdk:
            self.guards.told_sdk = True
            _log.warning(
                "the SDK above the guarded transport repeats requests by itself; its repeats are "
                "sent once each; give the client max_retries=0"
            )
        return True

    def _json(self) -> Mapping[str, Any]:
        if not self._whole or self.guards.budget is None:
            return {}
        try:
            body = json.loads(self.request.read() or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, Mapping) else {}

    def _decoded(self, response: Any, body: bytes) -> object:
        try:
            plain = self.library.Response(200, headers=response.headers, content=body)
            return json.loads(plain.content)
        except (ValueError, self.library.DecodingError):
            return None

    def _tell(self, outcome: object) -> None:
        run, log = self._run, self.guards.logger or _log
        seconds = self.env.now() - self._began
        host, attempt = self.request.url.host, run.attempt
        emit(
            self.guards.listener,
            "exchange",
            "transport",
            host=host,
            outcome=outcome,
            elapsed=seconds,
            attempt=attempt,
        )
        if log.isEnabledFor(logging.INFO):
            url = self.guards.scrubber.scrub_text(str(self.request.url))
            method = self.request.method
            log.info("%s %s: %s in %.3f s, attempt %d", method, url, outcome, seconds, attempt)
