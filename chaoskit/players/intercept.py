"""Answers the agent's HTTP requests inside the process, below its SDK, above the socket.

Both `httpx` and `httpx2` are covered, sync and async, by exchanging the one method with which
their default transports send a request. Clients are built exactly as in production; whoever
passes a transport of its own (a mock, a test router) keeps it. Requests for other hosts go on to
the original method, so that mocks which sit below it keep working.

Where the host lets a request go on to the real server, the original method sends it; no virtual
time passes until the answer is there.

Exceptions are those that the real transport raises for the same event, of the right module.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias

from chaoskit.clock import Clock
from chaoskit.errors import InternalError, NetworkRefused
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.player import Exchange, Host, Passed, answering
from chaoskit.players.performance import Broken, Performance
from chaoskit.steps import Head

__all__ = ["intercepted"]

_STACKS = ("httpx", "httpx2")
_ERRORS = {
    "refused": "ConnectError",
    "closed": "RemoteProtocolError",
    "reset": "ReadError",
    "timeout": "ReadTimeout",
}


@contextlib.contextmanager
def intercepted(host: Host, clock: Clock) -> Iterator[None]:
    """Send the requests that `host` claims to it instead of to the network."""
    with contextlib.ExitStack() as undo:
        for name in _STACKS:
            try:
                library = importlib.import_module(name)
            except ImportError:
                continue
            for transport, method, make in (
                (library.HTTPTransport, "handle_request", _sync),
                (library.AsyncHTTPTransport, "handle_async_request", _async),
            ):
                original = getattr(transport, method)
                undo.callback(setattr, transport, method, original)
                setattr(transport, method, make(library, original, host, clock))
        yield


def _sync(library: ModuleType, original: Callable[..., Any], host: Host, clock: Clock) -> object:
    class Body(library.SyncByteStream):  # type: ignore[misc, name-defined]  # of either library
        """The rest of a response, performed while it is read."""

        def __init__(self, performance: Performance, request: Any) -> None:
            self.performance, self.request = performance, request

        def __iter__(self) -> Iterator[bytes]:
            try:
                for move in self.performance:
                    if isinstance(move, float):
                        clock.sleep(move)
                    elif isinstance(move, bytes):
                        yield move
            except Broken as broken:
                raise _translated(broken, library, self.request) from None

        def close(self) -> None:
            self.performance.abandon()

    def handle_request(transport: Any, request: Any) -> Any:
        incoming = _neutral(library, request)
        if not host.claims(incoming):
            return original(transport, request)
        going = _answering(host, incoming, request.read())
        exchange = _driven(going, lambda: original(transport, request), library, clock)
        performance = _perform(host, exchange, request)
        try:
            for move in performance:
                if isinstance(move, Head):
                    return _response(library, move, performance, Body, request)
                if isinstance(move, float):
                    clock.sleep(move)
        except Broken as broken:
            raise _translated(broken, library, request) from None
        raise InternalError("an exchange ended without a head")

    return handle_request


def _async(library: ModuleType, original: Callable[..., Any], host: Host, clock: Clock) -> object:
    class Body(library.AsyncByteStream):  # type: ignore[misc, name-defined]  # of either library
        """The rest of a response, performed while it is read."""

        def __init__(self, performance: Performance, request: Any) -> None:
            self.performance, self.request = performance, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                for move in self.performance:
                    if isinstance(move, float):
                        await clock.pause(move)
                    elif isinstance(move, bytes):
                        yield move
            except Broken as broken:
                raise _translated(broken, library, self.request) from None

        async def aclose(self) -> None:
            self.performance.abandon()

    async def handle_async_request(transport: Any, request: Any) -> Any:
        incoming = _neutral(library, request)
        if not host.claims(incoming):
            return await original(transport, request)
        going = _answering(host, incoming, await request.aread())
        exchange = await _driven_later(going, lambda: original(transport, request), library, clock)
        performance = _perform(host, exchange, request)
        try:
            for move in performance:
                if isinstance(move, Head):
                    return _response(library, move, performance, Body, request)
                if isinstance(move, float):
                    await clock.pause(move)
        except Broken as broken:
            raise _translated(broken, library, request) from None
        raise InternalError("an exchange ended without a head")

    return handle_async_request


def _neutral(library: Any, request: Any) -> HttpRequest:
    """Return the request, with its body if it is at hand."""
    url = request.url
    return HttpRequest(
        method=request.method,
        host=url.host,
        path=url.path,
        query=url.query.decode("ascii", "replace"),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in request.headers.raw
        },
        body=request.read() if isinstance(request.stream, library.ByteStream) else b"",
    )


_Going: TypeAlias = Generator[None, Passed, Exchange]


def _answering(host: Host, incoming: HttpRequest, body: bytes) -> _Going:
    if incoming.body is not body:
        incoming = replace(incoming, body=body)
    return answering(host, incoming)


def _driven(going: _Going, send: Callable[[], Any], library: Any, clock: Clock) -> Exchange:
    """Return the exchange, after the real server was asked as often as it takes."""
    resume: Callable[[], None] = partial(next, going)
    while (exchange := _resumed(resume)) is None:
        try:
            with clock.held():
                answer = send()
                body = b"".join(answer.iter_raw())
        except Exception as error:  # noqa: BLE001 - whatever the transport raises
            resume = partial(going.throw, error)
        else:
            resume = partial(going.send, _passed(library, answer, body))
    return exchange


async def _driven_later(
    going: _Going, send: Callable[[], Awaitable[Any]], library: Any, clock: Clock
) -> Exchange:
    """Do the same in a task."""
    resume: Callable[[], None] = partial(next, going)
    while (exchange := _resumed(resume)) is None:
        try:
            with clock.held():
                answer = await send()
                body = b"".join([part async for part in answer.aiter_raw()])
        except Exception as error:  # noqa: BLE001 - whatever the transport raises
            resume = partial(going.throw, error)
        else:
            resume = partial(going.send, _passed(library, answer, body))
    return exchange


def _resumed(resume: Callable[[], None]) -> Exchange | None:
    """Return the exchange, or None where the real server has to be asked before."""
    try:
        resume()
    except StopIteration as done:
        made: Exchange = done.value
        return made
    return None


def _passed(library: Any, answer: Any, body: bytes) -> Passed:
    """Return what a real server answered, as it came and without its compression."""
    plain = library.Response(
        answer.status_code, headers=answer.headers, stream=library.ByteStream(body)
    )
    try:
        read = plain.read()
    except library.DecodingError:
        read = body
    reply = HttpReply(status=answer.status_code, headers=answer.headers, body=body)
    return Passed(reply=reply, body=read)


def _perform(host: Host, exchange: Exchange, request: Any) -> Performance:
    if exchange.socket is not None:
        raise NetworkRefused(
            f"{request.url} was asked for a WebSocket by an HTTP client, which no run in this "
            "process can give it; let the agent ask a server: chaos_server or `chaoskit serve`"
        )
    timeouts = request.extensions.get("timeout") or {}
    return Performance(exchange, host, read=timeouts.get("read"))


def _response(
    library: Any, head: Head, performance: Performance, body: type[Any], request: Any
) -> Any:
    whole = None if head.chunked else performance.whole_body()
    stream = body(performance, request) if whole is None else library.ByteStream(whole)
    return library.Response(head.status, headers=head.headers, stream=stream)


def _translated(broken: Broken, library: Any, request: Any) -> Exception:
    """Return what the library's own transport raises for the same event."""
    error: Exception = getattr(library, _ERRORS[broken.ending])(broken.message, request=request)
    return error
