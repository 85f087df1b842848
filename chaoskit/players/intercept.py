"""Answers the agent's HTTP requests inside the process, below its SDK, above the socket.

Both `httpx` and `httpx2` are covered, sync and async, by exchanging the one method with which
their default transports send a request. Clients are built exactly as in production; whoever
passes a transport of its own (a mock, a test router) keeps it. Requests for other hosts go on to
the original method, so that mocks which sit below it keep working.

Exceptions are those that the real transport raises for the same event, of the right module.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

from chaoskit.clock import Clock
from chaoskit.errors import InternalError
from chaoskit.exchange import HttpRequest
from chaoskit.player import Host
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
        performance = _perform(host, incoming, request.read(), request)
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
        performance = _perform(host, incoming, await request.aread(), request)
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


def _perform(host: Host, incoming: HttpRequest, body: bytes, request: Any) -> Performance:
    if incoming.body is not body:
        incoming = replace(incoming, body=body)
    timeouts = request.extensions.get("timeout") or {}
    return Performance(host.exchange(incoming), host, read=timeouts.get("read"))


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
