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
            with _translated(library, self.request):
                for move in self.performance:
                    if isinstance(move, float):
                        clock.sleep(move)
                    elif isinstance(move, bytes):
                        yield move

        def close(self) -> None:
            self.performance.abandon()

    def handle_request(transport: Any, request: Any) -> Any:
        incoming = _neutral(request)
        if not host.claims(incoming):
            return original(transport, request)
        performance = _perform(host, replace(incoming, body=request.read()), request)
        with _translated(library, request):
            for move in performance:
                if isinstance(move, Head):
                    return _response(library, move, performance, Body(performance, request))
                if isinstance(move, float):
                    clock.sleep(move)
        raise InternalError("an exchange ended without a head")

    return handle_request


def _async(library: ModuleType, original: Callable[..., Any], host: Host, clock: Clock) -> object:
    class Body(library.AsyncByteStream):  # type: ignore[misc, name-defined]  # of either library
        """The rest of a response, performed while it is read."""

        def __init__(self, performance: Performance, request: Any) -> None:
            self.performance, self.request = performance, request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            with _translated(library, self.request):
                for move in self.performance:
                    if isinstance(move, float):
                        await clock.pause(move)
                    elif isinstance(move, bytes):
                        yield move

        async def aclose(self) -> None:
            self.performance.abandon()

    async def handle_async_request(transport: Any, request: Any) -> Any:
        incoming = _neutral(request)
        if not host.claims(incoming):
            return await original(transport, request)
        performance = _perform(host, replace(incoming, body=await request.aread()), request)
        with _translated(library, request):
            for move in performance:
                if isinstance(move, Head):
                    return _response(library, move, performance, Body(performance, request))
                if isinstance(move, float):
                    await clock.pause(move)
        raise InternalError("an exchange ended without a head")

    return handle_async_request


def _neutral(request: Any) -> HttpRequest:
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
    )


def _perform(host: Host, incoming: HttpRequest, request: Any) -> Performance:
    timeouts = request.extensions.get("timeout") or {}
    return Performance(host.exchange(incoming), host, read=timeouts.get("read"))


def _response(library: Any, head: Head, performance: Performance, body: object) -> Any:
    whole = None if head.chunked else performance.whole_body()
    if whole is not None:
        return library.Response(head.status, headers=head.headers, content=whole)
    return library.Response(head.status, headers=head.headers, stream=body)


@contextlib.contextmanager
def _translated(library: Any, request: Any) -> Iterator[None]:
    try:
        yield
    except Broken as broken:
        error = getattr(library, _ERRORS[broken.ending])
        raise error(broken.message, request=request) from None
