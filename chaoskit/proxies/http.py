"""A real server behind a URL: streamable HTTP in, streamable HTTP out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from chaoskit.clock import Clock
from chaoskit.errors import RunStopped, UsageError
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.player import Exchange
from chaoskit.players.connection import RESET_ON_CLOSE, encoded, head_of
from chaoskit.players.performance import Broken, Performance
from chaoskit.players.stdio import ended_by_signals
from chaoskit.proxies.between import Between
from chaoskit.proxies.events import events_of
from chaoskit.proxies.requests import Requests
from chaoskit.steps import Finish, Frame, Head, Raw, Send, Step, Wait
from chaoskit.timed import plain
from chaoskit.tool_dialect import Asked
from chaoskit.toolserver import ToolServer

__all__ = ["HttpProxy"]

_OF_ONE_HOP = frozenset(
    {"connection", "content-length", "host", "keep-alive", "transfer-encoding", "expect", "te"}
)
_PATIENCE = httpx.Timeout(None, connect=10.0)  # a tool may take its time
_SSE = {"content-type": "text/event-stream", "cache-control": "no-cache"}


class HttpProxy:
    """Passes requests on between clients and a URL, and lets faults strike those on tools.

    Args:
        target: URL of the real server; paths are the same on both sides.
        tell: gets what people should know, for the standard error.
    """

    def __init__(
        self,
        target: str,
        between: Between,
        server: ToolServer,
        clock: Clock,
        *,
        port: int,
        tell: Callable[[str], None],
    ) -> None:
        self._target = httpx.URL(target)
        self._between = between
        self._server = server
        self._clock = clock
        self._port = port
        self._tell = tell
        self._connections: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Serve until SIGINT or SIGTERM; return the exit code of the process.

        Raises:
            UsageError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def end(code: int) -> None:
            if not ended.done():
                ended.set_result(code)

        self._clock.on_stop(lambda: loop.call_soon_threadsafe(end, 0))
        async with httpx.AsyncClient(timeout=_PATIENCE) as self._client:
            try:
                listening = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
            except OSError as error:
                told = f"cannot listen on port {self._port}: {error.strerror or error}"
                raise UsageError(told) from None
            port = listening.sockets[0].getsockname()[1]
            self._tell(f"in front of {self._target}: http://127.0.0.1:{port}{self._target.path}")
            try:
                with ended_by_signals(end):
                    return await ended
            finally:
                listening.close()
                for task in self._connections:
                    task.cancel()
                await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection; a client that hangs up gives up its request."""
        requests = Requests(reader)
        reading = asyncio.get_running_loop().create_task(requests.read())
        try:
            while (request := await requests.next()) is not None:
                if isinstance(request, HttpReply):
                    writer.write(encoded(request, keep=False))
                    return
                answering = asyncio.get_running_loop().create_task(self._answer(request, writer))
                await asyncio.wait((answering, reading), return_when=asyncio.FIRST_COMPLETED)
                if not answering.done():
                    answering.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    if not await answering:
                        return
        finally:
            reading.cancel()
            writer.close()

    async def _answer(self, request: HttpRequest, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; tell whether the connection can go on."""
        relay = _Relay(self, request, writer)
        message = _message(request.body) if request.method == "POST" else None
        asked = None if message is None else self._between.looks_at(message, "http")
        try:
            if asked is None or message is None or asked.operation == "cancel":
                return await relay.whole()
            session = request.headers.get("mcp-session-id")
            if session is not None:
                self._server.desk().shelf.put("session", session, "")
                asked = replace(asked, notes={**asked.notes, "session": session})
            wanted = asked

            async def ask(number: int) -> str:
                return await relay.ask(wanted, message, number)

            exchange = await self._between.exchange(asked, ask, relay.encode)
            return await self._perform(exchange, relay)
        except _Unanswered as unanswered:
            relay.write(encoded(unanswered.reply, keep=True))
            return True
        except httpx.HTTPError as error:
            self._tell(f"{self._target}: {type(error).__name__}: {error}")
            relay.write(encoded(_gateway(str(error)), keep=False))
            return False
        except (RunStopped, OSError):
            return False

    async def _perform(self, exchange: Exchange, relay: _Relay) -> bool:
        performance = Performance(exchange, self._server, read=None)
        try:
            for move in performance:
                if isinstance(move, float):
                    await relay.flush()
                    await self._clock.pause(move)
                elif isinstance(move, Head):
                    relay.begin(move)
                elif isinstance(move, Raw):
                    relay.write(move.data)
                elif isinstance(move, bytes):
                    relay.send(move)
            relay.finish()
        except Broken as broken:
            await relay.flush()
            if broken.ending != "closed":
                relay.reset()
            return False
        except (asyncio.CancelledError, OSError):
            performance.abandon()
            raise
        await relay.flush()
        return True

    def request(self, request: HttpRequest, body: bytes, **headers: str) -> httpx.Request:
        """Return a request of a client as one to the real server."""
        path = quote(request.path, safe="/~:@!$&'()*+,;=%")
        raw = f"{path}?{request.query}" if request.query else path
        kept = {name: text for name, text in request.headers.items() if name not in _OF_ONE_HOP}
        return self._client.build_request(
            request.method,
            self._target.copy_with(raw_path=raw.encode("ascii", "replace")),
            headers=kept | headers,
            content=body,
        )

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the real server; its answer is still to be read."""
        return await self._client.send(request, stream=True)


class _Unanswered(Exception):  # noqa: N818 - a signal, never seen outside
    """The real server, or what stands before it, answered with something that is no answer."""

    def __init__(self, reply: HttpReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class _Relay:
    """One request on its way to the real server, and the answer on its way back."""

    def __init__(
        self, proxy: HttpProxy, request: HttpRequest, writer: asyncio.StreamWriter
    ) -> None:
        self._proxy = proxy
        self._request = request
        self._writer = writer
        self._begun: Head | None = None
        self._head = Head(200, _SSE, chunked=True)

    # To the real server.

    async def whole(self) -> bool:
        """Pass a request on, and its answer back, unchanged."""
        response = await self._proxy.send(self._proxy.request(self._request, self._request.body))
        try:
            head = _head(response)
            bodiless = response.status_code in (204, 304)
            self.begin(Head(head.status, head.headers, chunked=not bodiless))
            async for data in response.aiter_raw():
                self.send(data)
                await self.flush()
        finally:
            await response.aclose()
        self.finish()
        await self.flush()
        return True

    async def ask(self, asked: Asked, message: dict[str, Any], number: int) -> str:
        """Send a request about tools, once more for each number, and return its answer."""
        body, wanted = self._request.body, asked.notes.get("id")
        if number:
            wanted = f"again-{number}"
            body = json.dumps({**message, "id": wanted}).encode()
        request = self._proxy.request(self._request, body, **{"accept-encoding": "identity"})
        response = await self._proxy.send(request)
        try:
            self._head = _head(response)
            kind = response.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                data = await response.aread()
                if response.status_code >= 400 or not kind.startswith("application/json"):
                    length = {"content-length": str(len(data))}
                    reply = HttpReply(
                        status=response.status_code,
                        headers={**self._head.headers, **length},
                        body=data,
                    )
                    raise _Unanswered(reply)
                return data.decode("utf-8", "replace")
            async for event, text in events_of(response):
                said = _message(text.encode())
                if said is not None and "method" not in said and said.get("id") == wanted:
                    return text
                if not number:
                    self.begin(Head(self._head.status, self._head.headers, chunked=True))
                    self.send(event)
                    await self.flush()
        finally:
            await response.aclose()
        raise httpx.RemoteProtocolError("the stream ended without an answer")

    def encode(self, frames: tuple[Frame, ...], seconds: float) -> tuple[Step, ...]:
        """Return the steps of an answer, in the form that the real server gave it."""
        events = self._head.headers.get("content-type", "").startswith("text/event-stream")
        if not events and len(frames) == 1:
            body = frames[0].data.encode()
            headers = {**self._head.headers, "content-length": str(len(body))}
            return plain(
                HttpReply(status=self._head.status, headers=headers, body=body), wait=seconds
            )
        headers = dict(self._head.headers) if events else {**self._head.headers, **_SSE}
        sends = [Send(frame.encode(), content=frame.kind == "content") for frame in frames]
        wait = [Wait(seconds)] if seconds else []
        return (Head(self._head.status, headers, chunked=True), *wait, *sends, Finish())

    # To the client.

    def begin(self, head: Head) -> None:
        """Send the head of the answer, unless it was sent already."""
        if self._begun is None:
            self._begun = head
            self.write(head_of(head, keep=True))

    def send(self, data: bytes) -> None:
        """Send a piece of the body."""
        if data and self._begun is not None:
            self.write(b"%x\r\n%b\r\n" % (len(data), data) if self._begun.chunked else data)

    def finish(self) -> None:
        """End the body."""
        if self._begun is not None and self._begun.chunked:
            self.write(b"0\r\n\r\n")

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)

    async def flush(self) -> None:
        """Wait until the client is ready for more."""
        await self._writer.drain()

    def reset(self) -> None:
        """Reset the connection."""
        sock: socket.socket | None = self._writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._writer.transport.abort()


def _head(response: httpx.Response) -> Head:
    headers: Mapping[str, str] = response.headers
    kept = {name: text for name, text in headers.items() if name not in _OF_ONE_HOP}
    return Head(response.status_code, kept)


def _message(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _gateway(told: str) -> HttpReply:
    body = f"the server behind this proxy cannot be reached: {told}\n".encode()
    return HttpReply.whole(502, {"content-type": "text/plain"}, body)
