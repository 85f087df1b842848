"""The loopback server: every dialect on one port of this machine, for clients in any language."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import json
import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Self

from chaoskit.errors import RunStopped, UsageError
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.player import Host, largest
from chaoskit.players.connection import Connection, Upgraded
from chaoskit.players.heads import Heads
from chaoskit.players.outbox import Outbox
from chaoskit.players.performance import Performance
from chaoskit.sockets import Socket
from chaoskit.who import WHO

__all__ = ["Loopback", "served"]

_BACKLOG = 1024
_TURNS = 5  # of the loop, from a FIN on a socket to the end of the exchange
_PATIENCE = 5.0  # seconds
_log = logging.getLogger(__name__)

Aside = Callable[[HttpRequest], HttpReply]
"""Answers what is no request to the simulated provider."""


class Loopback:
    """Performs the exchanges of a host on a TCP port. Use it as `async with`.

    Args:
        host: returns the world that claims a request, or None.
        aside: answers the requests that nobody claims.
        identify: user and turn of a request, by its headers.
        scale: seconds of the run in one second of the event loop.
        port: 0 for any that is free.
        address: where it listens; other machines can reach it only where this says so.

    Raises:
        UsageError: the port is taken, or the address is none of this machine's.
    """

    def __init__(
        self,
        host: Callable[[HttpRequest], Host | None],
        *,
        aside: Aside,
        identify: Callable[[HttpRequest], tuple[str, int]],
        scale: float = 1.0,
        port: int = 0,
        address: str = "127.0.0.1",
    ) -> None:
        self._host = host
        self._aside = aside
        self._identify = identify
        self._scale = scale
        self._address = address
        self._wanted = port
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._connections: set[Connection] = set()
        self._heads = Heads()
        self._outbox = Outbox()
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end; OpenAI's SDKs want `/v1` behind it."""
        name = f"[{self._address}]" if ":" in self._address else self._address
        return f"http://{name}:{self.port}"

    @property
    def open_to_others(self) -> bool:
        """Whether other machines can reach it."""
        try:
            return not ipaddress.ip_address(self._address).is_loopback
        except ValueError:
            return self._address != "localhost"

    async def __aenter__(self) -> Self:
        self._thread = threading.get_ident()
        loop = self._loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._connection, self._address, self._wanted, backlog=_BACKLOG
            )
        except OSError as error:
            where = f"{self._address}:{self._wanted}"
            told = f"cannot listen on {where}: {error.strerror or error}"
            if error.errno == errno.EADDRINUSE:
                told = f"cannot listen on {where}: it is taken; name another port, or 0 for any"
            raise UsageError(told) from None
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        server = self._server
        if server is None:
            return
        server.close()
        for connection in list(self._connections):
            connection.hang_up()
        await server.wait_closed()
        await asyncio.sleep(0)  # the transports that were aborted say goodbye in this turn

    def settle(self) -> None:
        """Wait until what clients on this machine have sent and closed by now was dealt with.

        It is for other threads than that of the server, where it does nothing.
        """
        loop = self._loop
        if loop is None or not loop.is_running() or self._thread == threading.get_ident():
            return
        turns = _some_turns()
        try:
            looked = asyncio.run_coroutine_threadsafe(turns, loop)
        except RuntimeError:  # it was closed meanwhile
            turns.close()
            return
        with contextlib.suppress(TimeoutError):  # it is being closed, and looks no more
            looked.result(_PATIENCE)

    def _connection(self) -> Connection:
        return Connection(
            answer=self._answer,
            largest=lambda request: largest(self._host(request), request),
            heads=self._heads,
            outbox=self._outbox,
            opened=self._connections.add,
            closed=self._connections.discard,
            scale=self._scale,
        )

    def _answer(self, request: HttpRequest) -> Performance | HttpReply | Upgraded:
        return self._answered(request, self._identify(request))

    def _answered(
        self, request: HttpRequest, asker: tuple[str, int]
    ) -> Performance | HttpReply | Upgraded:
        token = WHO.set(asker)
        try:
            host = self._host(request)
            if host is None:
                return self._aside(request)
            exchange = host.exchange(request)
            if exchange.socket is not None:
                return self._upgraded(request, exchange.socket)
            return Performance(exchange, host, read=None)
        except RunStopped as stopped:
            return _own(503, f"the run was ended: {stopped}")
        except Exception:  # noqa: BLE001 - a client must not wait for what will not come
            _log.exception("a bug of chaoskit while it answered %s", request.path)
            return _own(500, "a bug of chaoskit; see its log")
        finally:
            WHO.reset(token)

    def _upgraded(self, request: HttpRequest, socket: Socket) -> HttpReply | Upgraded:
        from chaoskit.players.websocket import WebSocket, handshake  # noqa: PLC0415 - only for these

        shaken = handshake(request)
        if isinstance(shaken, HttpReply):
            return shaken
        begin = partial(
            WebSocket,
            request,
            socket,
            answer=self._answered,
            identify=self._identify,
            scale=self._scale,
        )
        return Upgraded(shaken, begin)


async def _some_turns() -> None:
    """Let the loop look at its sockets, and do what that leads to: accept, read, hang up."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _own(status: int, message: str) -> HttpReply:
    """Return an answer that is the server's own and no provider's."""
    body = json.dumps({"error": {"message": message, "type": "chaoskit"}}).encode()
    return HttpReply.whole(status, {"content-type": "application/json"}, body)


@contextlib.contextmanager
def served(server: Loopback) -> Iterator[Loopback]:
    """Run a server on a thread and a loop of its own, for callers without a loop.

    Raises:
        UsageError: it cannot listen where it should.
    """
    started, failures = threading.Event(), list[BaseException]()
    loop = _new_loop()
    ended = asyncio.Event()

    async def serve() -> None:
        async with server:
            started.set()
            await ended.wait()

    def body() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
            failures.append(error)
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=body, name="chaoskit-server", daemon=True)
    thread.start()
    started.wait()
    try:
        if failures:
            raise failures[0]
        yield server
    finally:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(ended.set)
        thread.join()


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop where it is installed, else the standard loop."""
    try:
        import uvloop  # noqa: PLC0415 - optional
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
