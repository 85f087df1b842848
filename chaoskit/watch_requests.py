"""Watching requests to hosts that are not simulated: the agent's own services, telemetry, anyone.

A secret in them is a leak, also when the run then refuses the connection, because in production it
would have been sent. One that the user's own tool call carries is not: a tool is given its key in
order to use it, and what it sends while it runs is its business.

Seen are `httpx` and `httpx2`, `requests`, also where a mock answers in place of its adapters, and
whatever else stands on `http.client`: `urllib`, `urllib3`.
Of a body, what is at hand as text or bytes; not what is read from a file or a generator. Requests
of `aiohttp` are shown by `players/detour.py`. Not seen are other clients with sockets of their own
(gRPC); a run refuses the connections of those whose sockets are Python's.
"""

from __future__ import annotations

import http.client
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from chaoskit.watch_place import changed

__all__ = ["parts_of", "watched_requests"]

_STACKS = ("httpx", "httpx2")


def parts_of(
    url: str, headers: Mapping[str, str], body: str | bytes | None
) -> Iterator[tuple[str, str]]:
    """Yield what there is to look at in a request: the name of each part, and its text."""
    yield "url", url
    for name, value in headers.items():
        yield f"header {name.lower()}", value
    if body:
        yield "body", body if isinstance(body, str) else body.decode("utf-8", "replace")


@contextmanager
def watched_requests(sent: Callable[[str, str], None]) -> Iterator[None]:
    """Show the parts of each request to `sent`, with host and part, before it leaves.

    Entered before the simulated provider takes its own requests out of the way.
    """
    with ExitStack() as stack:
        for name in _STACKS:
            if importlib.util.find_spec(name) is not None:
                library = importlib.import_module(name)
                for transport, method in (
                    (library.HTTPTransport, "handle_request"),
                    (library.AsyncHTTPTransport, "handle_async_request"),
                ):
                    original = getattr(transport, method)
                    watched = _watched_transport(original, library.ByteStream, sent)
                    stack.enter_context(changed(transport, method, watched))
        connections: list[Any] = [http.client.HTTPConnection]
        if importlib.util.find_spec("urllib3") is not None:
            connections.append(importlib.import_module("urllib3.connection").HTTPConnection)
        for connection in connections:
            watched = _watched_connection(connection.request, sent)
            stack.enter_context(changed(connection, "request", watched))
        if (session := getattr(sys.modules.get("requests"), "Session", None)) is not None:
            stack.enter_context(changed(session, "send", _watched_session(session.send, sent)))
        yield


def _watched_transport(original: Any, at_hand: type, sent: Callable[[str, str], None]) -> Any:
    def handle(transport: Any, request: Any) -> Any:
        body = request.read() if isinstance(request.stream, at_hand) else None
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw
        }
        _show(sent, request.url.host, parts_of(str(request.url), headers, body))
        return original(transport, request)

    return handle


def _watched_connection(original: Any, sent: Callable[[str, str], None]) -> Any:
    def request(
        connection: Any,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        *args: Any,
        **more: Any,
    ) -> Any:
        named = {str(name): _text(value) for name, value in (headers or {}).items()}
        known = body if isinstance(body, (str, bytes)) else None
        _show(sent, connection.host, parts_of(url, named, known))
        return original(connection, method, url, body, headers or {}, *args, **more)

    return request


def _watched_session(original: Any, sent: Callable[[str, str], None]) -> Any:
    """Watch `requests` above its adapters, which mocks replace."""

    def send(session: Any, request: Any, **more: Any) -> Any:
        named = {str(name): _text(value) for name, value in request.headers.items()}
        known = request.body if isinstance(request.body, (str, bytes)) else None
        host = urlsplit(request.url).hostname or ""
        _show(sent, host, parts_of(request.url, named, known))
        return original(session, request, **more)

    return send


def _show(sent: Callable[[str, str], None], host: str, parts: Iterator[tuple[str, str]]) -> None:
    for part, text in parts:
        sent(text, f"{host}, {part}")


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
