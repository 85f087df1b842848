"""Retry, breaker and budget below an HTTP client, for code that cannot be changed.

Works with httpx and httpx2, and so with the SDKs built on them: the library is that of the request.
Answers of JSON and refusals are read before they are handed back, so that one that breaks off can
be repeated. All others stay streams, are repeated only until their first byte, and count for the
breaker when they end.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from types import TracebackType
from typing import Any, Self

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetTimeout
from chaoskit_guards.events import Listener
from chaoskit_guards.exchange import Exchange, HttpGuards, Sent
from chaoskit_guards.price import Price
from chaoskit_guards.retry_config import RetryConfig
from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.settings import Random
from chaoskit_guards.wire_usage import StreamUsage

__all__ = ["AsyncGuardedTransport", "GuardedTransport"]

_SCRUBBER = Scrubber()
_RETRY = RetryConfig(deadline=240.0)


def _breaker(host: str) -> CircuitBreaker:
    return CircuitBreaker(name=host, recovery_timeout=30.0, max_recovery_timeout=120.0)


class _Guarded:
    """The settings of both transports."""

    def __init__(
        self,
        transport: Any,
        *,
        retry: RetryConfig | None = _RETRY,
        breaker: Callable[[str], CircuitBreaker] | None = _breaker,
        budget: BudgetWindow | None = None,
        price: Price | None = None,
        expected_output: int = 1024,
        scrubber: Scrubber = _SCRUBBER,
        logger: logging.Logger | None = None,
        listener: Listener | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        async_sleep: Callable[[float], Awaitable[object]] | None = None,
        rng: Random | None = None,
    ) -> None:
        self._transport = transport
        self._guards = HttpGuards(
            retry=retry,
            breaker=breaker,
            budget=budget,
            price=price,
            expected_output=expected_output,
            scrubber=scrubber,
            logger=logger,
            listener=listener,
            clock=clock,
            sleep=sleep,
            async_sleep=async_sleep,
            rng=rng,
        )

    def breakers(self) -> dict[str, CircuitBreaker]:
        """Return the breaker of each host that was asked so far."""
        return dict(self._guards.breakers)


class GuardedTransport(_Guarded):
    """A transport of a sync client, under the guards.

    Args:
        transport: the one that sends; of httpx or httpx2.
        retry: repeats what may pass; None: nothing is repeated.
        breaker: makes the breaker of a host from its name; None: there is none.
        budget: asked before and told after each request; of one provider, since it learns from
            the provider's headers.
        price: gives the USD of a call from its model and usage.
        expected_output: tokens booked for an answer whose request bounds none.
        scrubber: cleans the URLs that are logged.
        logger: gets one line for each attempt.
        listener: told about attempts, waits and changes.
        clock: monotonic seconds; `time.monotonic` when it is None.
        sleep: `time.sleep` when it is None.
        async_sleep: `asyncio.sleep` when it is None.
        rng: source of jitter; the `random` module when it is None.

    An open breaker is the library's `ConnectError`, a budget without room in time its
    `PoolTimeout`, each with the guard's own error as the cause.
    """

    def handle_request(self, request: Any) -> Any:
        """Send a request under the guards."""
        exchange = Exchange(self._guards, request)
        while True:
            sent = exchange.begin(self._booked(exchange))
            wait: float | None
            try:
                response, wait = self._send(exchange, sent)
            except BaseException as error:
                wait = exchange.failed(sent, error)
                if wait is None:
                    raise
            else:
                if wait is None:
                    return response
            finally:
                sent.settle()
            exchange.env.pause(wait)

    def close(self) -> None:
        """Close the transport below."""
        self._transport.close()

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._transport.__exit__(kind, error, traceback)

    def _booked(self, exchange: Exchange) -> Any:
        budget = self._guards.budget
        if budget is None:
            return None
        try:
            return budget.reserve(**exchange.expected)
        except BudgetTimeout as error:
            raise exchange.not_booked(error) from error

    def _send(self, exchange: Exchange, sent: Sent) -> tuple[Any, float | None]:
        response = self._transport.handle_request(exchange.request)
        try:
            if exchange.is_whole(response):
                body = b"".join(response.stream)
            else:
                chunks = iter(response.stream)
                first = next(chunks, b"")
        except BaseException:
            response.close()
            raise
        if exchange.is_whole(response):
            response.close()
            return exchange.answered(sent, response, body)
        exchange.opened(sent, response)
        kind = _stream_kind(exchange.library.SyncByteStream, _Watched)
        return exchange.rebuilt(response, kind(response, first, chunks, sent)), None


class AsyncGuardedTransport(_Guarded):
    """A transport of an async client, under the guards; settings as of `GuardedTransport`."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request under the guards."""
        exchange = Exchange(self._guards, request)
        while True:
            sent = await exchange.abegin(await self._booked(exchange))
            wait: float | None
            try:
                response, wait = await self._send(exchange, sent)
            except BaseException as error:
                wait = exchange.failed(sent, error)
                if wait is None:
                    raise
            else:
                if wait is None:
                    return response
            finally:
                await sent.asettle()
            await exchange.env.apause(wait)

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._transport.__aexit__(kind, error, traceback)

    async def _booked(self, exchange: Exchange) -> Any:
        budget = self._guards.budget
        if budget is None:
            return None
        try:
            return await budget.areserve(**exchange.expected)
        except BudgetTimeout as error:
            raise exchange.not_booked(error) from error

    async def _send(self, exchange: Exchange, sent: Sent) -> tuple[Any, float | None]:
        response = await self._transport.handle_async_request(exchange.request)
        try:
            if exchange.is_whole(response):
                body = b"".join([chunk async for chunk in response.stream])
            else:
                chunks = aiter(response.stream)
                first = await anext(chunks, b"")
        except BaseException:
            await response.aclose()
            raise
        if exchange.is_whole(response):
            await response.aclose()
            return exchange.answered(sent, response, body)
        exchange.opened(sent, response)
        kind = _stream_kind(exchange.library.AsyncByteStream, _AsyncWatched)
        return exchange.rebuilt(response, kind(response, first, chunks, sent)), None


@cache
def _stream_kind(base: type, watched: type) -> Callable[..., Any]:
    """Return the class of watched streams that a library takes for its own."""
    return type(watched.__name__, (watched, base), {})


class _Along:
    """A stream that has begun, and what is learnt from it on the way."""

    def __init__(self, response: Any, first: bytes, chunks: Any, sent: Sent) -> None:
        self._response = response
        self._first = first
        self._chunks = chunks
        self._sent = sent
        self._usage = StreamUsage(response.headers.get("content-encoding", ""))

    def _ended(self) -> None:
        if self._usage.broken:
            self._sent.broke_off(None)
        else:
            self._sent.succeeded(self._usage.usage, self._usage.model)

    def _left(self, error: BaseException) -> None:
        """The stream is read no further."""
        if isinstance(error, GeneratorExit) and self._usage.complete:
            self._ended()
        else:
            self._sent.broke_off(error)


class _Watched(_Along):
    def __iter__(self) -> Iterator[bytes]:
        try:
            self._usage.feed(self._first)
            yield self._first
            for chunk in self._chunks:
                self._usage.feed(chunk)
                yield chunk
            self._ended()
        except BaseException as error:
            self._left(error)
            raise
        finally:
            self._sent.settle()

    def close(self) -> None:
        try:
            self._response.close()
        finally:
            self._left(GeneratorExit())
            self._sent.settle()


class _AsyncWatched(_Along):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            self._usage.feed(self._first)
            yield self._first
            async for chunk in self._chunks:
                self._usage.feed(chunk)
                yield chunk
            self._ended()
        except BaseException as error:
            self._left(error)
            raise
        finally:
            await self._sent.asettle()

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            self._left(GeneratorExit())
            await self._sent.asettle()
