"""Leads WebSockets of the `websockets` library, which is under the openai SDK, to a server.

Those of event loops live on the run's time there. A client on threads blocks on its socket, for
which no time could pass: it is refused.
"""

from __future__ import annotations

import contextlib
import inspect
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from chaoskit.errors import NetworkRefused
from chaoskit.exchange import HttpRequest
from chaoskit.player import Host
from chaoskit.players.ban import caller
from chaoskit.who import who

__all__ = ["Askers", "led"]

_SOCKET = "x-chaos-socket"
_TLS = ("ssl", "server_hostname", "sock", "proxy_ssl", "proxy_server_hostname")


class Askers:
    """Who sends the messages on each WebSocket of the run, in their order."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._sent: dict[str, deque[tuple[str, int]]] = {}

    def begin(self) -> str:
        """Return the name of a new WebSocket."""
        name = str(next(self._numbers))
        self._sent[name] = deque()
        return name

    def send(self, name: str | None) -> None:
        """Take note that a message is sent on a WebSocket."""
        if name in self._sent:
            self._sent[name].append(who())

    def of(self, request: HttpRequest) -> tuple[str, int] | None:
        """Return who has sent a message; None where it came otherwise."""
        name = request.headers.get(_SOCKET)
        if request.lane is None or name is None or not self._sent.get(name):
            return None
        return self._sent[name].popleft()


@contextlib.contextmanager
def led(host: Host, askers: Askers, port: Callable[[], int]) -> Iterator[None]:
    """Send what is a WebSocket to the simulated provider to a server."""
    import websockets.asyncio.client as on_loops  # noqa: PLC0415 - optional
    import websockets.asyncio.connection as connections  # noqa: PLC0415 - optional
    import websockets.sync.client as on_threads  # noqa: PLC0415 - optional

    opening: Any = on_loops.connect
    connection: Any = connections.Connection
    threads: Any = on_threads
    with contextlib.ExitStack() as stack:
        for owner, name, replacement in (
            (opening, "__init__", _opening(opening.__init__, host, askers, port)),
            (connection, "send", _sending(connection.send, askers)),
            (threads, "parse_uri", _refusing(threads.parse_uri, host)),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, replacement)
        yield


def _opening(
    original: Callable[..., None], host: Host, askers: Askers, port: Callable[[], int]
) -> Callable[..., None]:
    by_proxy = "proxy" in inspect.signature(original).parameters

    def begin(self: Any, uri: str, **options: Any) -> None:
        if not options.get("unix") and host.claims(_asked(uri)):
            options = {name: value for name, value in options.items() if name not in _TLS}
            options |= {"host": "127.0.0.1", "port": port()}
            if by_proxy:
                options["proxy"] = None
            headers = dict(options.get("additional_headers") or {})
            options["additional_headers"] = headers | {_SOCKET: askers.begin()}
            uri = urlsplit(uri)._replace(scheme="ws").geturl()
        original(self, uri, **options)

    return begin


def _sending(original: Callable[..., Any], askers: Askers) -> Callable[..., Any]:
    async def send(self: Any, *message: Any, **options: Any) -> None:
        request = getattr(self, "request", None)
        askers.send(None if request is None else request.headers.get(_SOCKET))
        await original(self, *message, **options)

    return send


def _refusing(original: Callable[[str], Any], host: Host) -> Callable[[str], Any]:
    def parse_uri(uri: str) -> Any:
        if host.claims(_asked(uri)):
            who_opens = caller()
            host.blocked(urlsplit(uri).hostname or "", who_opens)
            raise NetworkRefused(
                f"{who_opens} opened a blocking WebSocket to {uri} while a chaos run is active; "
                "nothing was sent. Open it with the async client, or let the agent ask a server: "
                "chaos_server or `chaoskit serve`"
            )
        return original(uri)

    return parse_uri


def _asked(uri: str) -> HttpRequest:
    url = urlsplit(uri)
    headers = {"upgrade": "websocket"}
    return HttpRequest(
        method="GET", host=url.hostname or "", path=url.path, query=url.query, headers=headers
    )
