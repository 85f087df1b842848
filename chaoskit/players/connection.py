"""One connection of the loopback server: requests in, the exact bytes of their answers out.

Requests are parsed by `httptools` (the parser of Node). Answers are written as bytes, so that what
a step says happens on the wire: a cut is at its byte, a reset is an RST, a pause is a pause. What
comes without a pause between goes out in one write.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Protocol, cast
from urllib.parse import unquote

import httptools

from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.player import LARGEST, LARGEST_HEAD
from chaoskit.players.heads import Heads
from chaoskit.players.outbox import Outbox
from chaoskit.players.performance import Broken, Performance
from chaoskit.steps import Deafen, Head, Raw

__all__ = ["RESET_ON_CLOSE", "Connection", "Upgraded", "encoded", "head_of"]

_MOST_WAITING: Final = 64  # requests that a client may send before it has read the first answer
_AT_ONCE: Final = 256 * 1024  # bytes that are gathered for one write
_NO_PAUSE: Final = 1e-4  # seconds: no timer is so fine; shorter pauses are made up for later
_LATE: Final = 60.0  # seconds for a head, and for each next piece of a body
_HALF_CLOSED: Final = 60.0  # seconds that a client may go on sending after the server's last byte
_LAST_CHUNK: Final = b"0\r\n\r\n"
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


class Conversation(Protocol):
    """What a connection goes on as, once it is no longer HTTP."""

    def receive(self, data: bytes) -> None:
        """Take bytes of the client."""
        ...

    def pause(self, *, paused: bool) -> None:
        """Take note of whether the client reads more slowly than we write."""
        ...

    def lost(self) -> None:
        """Give up what is being performed: nobody reads it any more."""
        ...


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The connection goes on as something else.

    Attributes:
        head: the bytes that say so.
        begin: takes by keyword how to `write`, `end`, `end_half`, `reset` and `listen`.
    """

    head: bytes
    begin: Callable[..., Conversation]


class Connection(asyncio.Protocol):
    """Reads the requests of one client, one after the other, and performs their answers.

    Args:
        answer: begins the answer to a request: a performance, a complete reply of the server's
            own, or what the connection goes on as.
        largest: how many bytes the body of a request may have; asked when it has more than is
            usual, before it is complete.
        heads: what the connections of the server know of heads.
        outbox: where they leave what they write in a turn of the loop.
        opened, closed: told when the connection begins and ends.
        scale: seconds of the run in one second of the loop.
    """

    def __init__(
        self,
        *,
        answer: Callable[[HttpRequest], Performance | HttpReply | Upgraded],
        largest: Callable[[HttpRequest], int],
        heads: Heads,
        outbox: Outbox,
        opened: Callable[[Connection], object],
        closed: Callable[[Connection], object],
        scale: float = 1.0,
    ) -> None:
        self._answer = answer
        self._largest = largest
        self._heads = heads
        self._outbox = outbox
        self._opened = opened
        self._closed = closed
        self._scale = scale
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._playing: Performance | None = None
        self._talk: Conversation | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when the next bytes are to go out, on the loop's clock
        self._head: Head | None = None
        self._bodiless = False
        self._keep = True
        self._paused = False
        self._doomed = False
        self._old = False  # the client speaks HTTP/1.0
        self._half_open = False
        self._begun = False  # a request, in the piece that is being read
        self._within = False  # the parser is in the middle of a request
        self._read: HttpRequest | None = None  # what the piece that is being read was, and no more
        self._size_before = 0  # of the body, when it was last looked whether the rest comes
        self._late: asyncio.TimerHandle | None = None  # looks whether the rest of it comes
        self._endless = False  # the answer never comes
        self._begin()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the client."""
        self._transport = cast("asyncio.Transport", transport)
        self._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Give up what is being performed: nobody reads it any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._late is not None:
            self._late.cancel()
        if self._playing is not None:
            self._playing.abandon()
        if self._talk is not None:
            self._talk.lost()
        if self._transport is not None:
            self._outbox.drop(self._transport)
        self._playing = self._talk = self._transport = None
        self._waiting.clear()
        self._begin()
        del self._parser  # it and this object hold each other
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP gets one answer and the end of the connection."""
        if self._talked(data) or self._doomed or not self._keep:
            return
        between = not self._within
        if between and (request := self._heads.request(data)) is not None:
            self._old = False
            self._take(request, keep=True)
            return
        self._begun, self._read = False, None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            # Nobody has to take it: the request is answered as it is then, and the last.
            self._talked(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(400, f"no HTTP/1.1 request: {error}")
            return
        if between:
            self._heads.keep(data, self._read)
        # The parser keeps a header to itself until its end. What came before the request that
        # begins in this piece, nobody can tell from it.
        if not self._headed and not self._begun:
            self._unheaded += len(data)
        if max(self._size_of_head, self._unheaded) > LARGEST_HEAD:
            self._refuse(431, f"the head of the request is larger than {LARGEST_HEAD} bytes")
        if self._within and self._late is None:
            self._expect_the_rest()

    def _expect_the_rest(self) -> None:
        self._size_before = self._size if self._headed else -1
        self._late = self._loop.call_later(_LATE, self._look_for_the_rest)

    def _look_for_the_rest(self) -> None:
        """Give up on a request that comes no further, unless it is for us to read on."""
        self._late = None
        comes = self._headed and self._size > self._size_before
        if comes or self._playing is not None or self._waiting:
            self._expect_the_rest()
        else:
            self._refuse(408, f"the request did not go on for {_LATE:g} seconds")

    def _talked(self, data: bytes) -> bool:
        """Hand bytes on where the connection is no longer HTTP; tell whether it is not."""
        if self._talk is None:
            return False
        self._talk.receive(data)
        return True

    def eof_received(self) -> bool:
        """Keep the connection half open: a client may end its side and wait for the answer.

        Where there is nothing to wait for, it has given up.
        """
        self._half_open = True
        return self._playing is not None and not self._endless

    def pause_writing(self) -> None:
        """Wait: the client reads more slowly than we write."""
        self._paused = True
        if self._talk is not None:
            self._talk.pause(paused=True)

    def resume_writing(self) -> None:
        """Go on where the client's slowness stopped us."""
        self._paused = False
        if self._talk is not None:
            self._talk.pause(paused=False)
        self._due = max(self._due, self._loop.time())
        if self._playing is not None and self._timer is None:
            self._perform()

    # What the parser tells.

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._headed = False
        self._size_of_head = self._unheaded = 0
        self._size = 0
        self._most = LARGEST
        self._body: list[bytes] = []

    def on_message_begin(self) -> None:
        """Start a request."""
        self._begin()
        self._begun = self._within = True

    def on_url(self, url: bytes) -> None:
        """Collect the target of the request line."""
        self._url += url
        self._size_of_head += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; one that is repeated is joined by commas, as HTTP has it."""
        self._size_of_head += len(name) + len(value)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers = self._headers
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """Tell a client that asks first that its body is welcome."""
        self._headed = True
        if self._headers.get("expect", "").lower() == "100-continue":
            self._write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Collect the body, and no more than one byte beyond what is taken, which tells enough."""
        before = self._size
        self._size += len(body)
        if before <= LARGEST < self._size:
            self._most = self._largest(self._request())
        if before <= self._most:
            self._body.append(body[: self._most + 1 - before])

    def on_message_complete(self) -> None:
        """Answer the request, or keep it until the one before it is answered."""
        self._within = False
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if self._doomed or self._size_of_head > LARGEST_HEAD:
            return  # nothing is answered any more; or it is refused as soon as the parser returns
        request = self._request(b"".join(self._body))
        self._body = []
        keep = self._parser.should_keep_alive() and self._size <= self._most
        keep = keep and "upgrade" not in self._headers and request.method != "CONNECT"
        self._old = self._parser.get_http_version() == "1.0"
        keep = keep and not self._old
        if keep:
            self._read = request
        self._take(request, keep=keep)

    def _take(self, request: HttpRequest, *, keep: bool) -> None:
        """Answer a request, or let it wait for the one before it."""
        if self._playing is not None:
            self._waiting.append((request, keep))
            enough = len(self._waiting) >= _MOST_WAITING or len(request.body) > _AT_ONCE
            if enough and self._transport is not None:
                self._transport.pause_reading()
        else:
            self._start(request, keep=keep)

    def _request(self, body: bytes = b"") -> HttpRequest:
        target, _, query = self._url.decode("latin-1").partition("?")
        if "://" in target:  # the absolute form, as sent to proxies
            target = "/" + target.partition("://")[2].partition("/")[2]
        return HttpRequest(
            method=self._parser.get_method().decode("latin-1"),
            host=self._headers.get("host", ""),
            path=unquote(target) if "%" in target else target,
            query=query.partition("#")[0],
            headers=self._headers,
            body=body,
        )

    # What is written.

    def _start(self, request: HttpRequest, *, keep: bool) -> None:
        if self._transport is None:  # the client left while its request waited
            return
        self._keep = keep
        self._bodiless = request.method == "HEAD"
        self._head = None
        answer = self._answer(request)
        if isinstance(answer, Upgraded):
            self._write(answer.head)
            self._talk = answer.begin(
                write=self._write,
                end=self._end,
                end_half=self._end_half,
                reset=self._reset_when_flushed,
                listen=self._listen,
            )
        elif not isinstance(answer, Performance):
            self._write(encoded(answer, keep=keep, bodiless=self._bodiless))
            self._next()
        elif not (self._paused or self._bodiless) and (whole := answer.at_once()):
            head, body = whole
            head = self._known(head)
            told = head_of(head, keep=keep)
            if head.chunked:
                self._write(b"%b%x\r\n%b\r\n%b" % (told, len(body), body, _LAST_CHUNK))
            else:
                self._write(told + body)
            self._next()
        else:
            self._playing = answer
            self._due = self._loop.time()
            self._perform()

    def _perform(self) -> None:
        """Perform as far as there is nothing to wait for."""
        playing, out = self._playing, bytearray()
        self._timer = None
        if playing is None or self._held():
            return
        try:
            for move in playing:
                if isinstance(move, float):
                    self._due += move / self._scale
                    if self._due - self._loop.time() <= _NO_PAUSE:
                        continue
                    self._write(out)
                    self._endless = move == float("inf")
                    if not self._endless:
                        self._timer = self._loop.call_at(self._due, self._perform)
                    elif self._half_open:
                        self._end()
                    return
                out += self._framed(move)
                if len(out) > _AT_ONCE:
                    self._write(out)
                    out = bytearray()
        except Broken as broken:
            self._playing = None
            self._write(out)
            self._break(broken)
            return
        self._playing = None
        self._write(out + self._last_chunk())
        self._next()

    def _held(self) -> bool:
        """Tell whether the client reads more slowly than we write."""
        return self._paused

    def _framed(self, move: Head | bytes | Raw | Deafen) -> bytes:
        if isinstance(move, Head):
            self._head = self._known(move)
            return head_of(self._head, keep=self._keep)
        if isinstance(move, Raw):
            return move.data
        if isinstance(move, Deafen) or self._bodiless or not move:
            return b""
        if self._head is not None and self._head.chunked:
            return _chunk(move)
        return move

    def _known(self, head: Head) -> Head:
        """Return a head that the client understands: HTTP/1.0 has no chunks, but an end."""
        return replace(head, chunked=False) if self._old and head.chunked else head

    def _last_chunk(self) -> bytes:
        chunked = self._head is not None and self._head.chunked and not self._bodiless
        return _LAST_CHUNK if chunked else b""

    def _next(self) -> None:
        """Turn to the next request of the client, if there may be one."""
        if not self._keep or (self._half_open and not self._waiting):
            self._end()
        elif self._waiting:
            request, keep = self._waiting.popleft()
            if self._transport is not None and not self._waiting:
                self._transport.resume_reading()
            self._loop.call_soon(lambda: self._start(request, keep=keep))

    def _write(self, data: bytes | bytearray) -> None:
        transport = self._transport
        if data and transport is not None and not self._doomed:
            self._outbox.write(transport, data)

    def _break(self, broken: Broken) -> None:
        self._doomed = True
        if broken.half:
            self._end_half()
        elif broken.ending == "closed":
            self._end()
        else:
            self._reset_when_flushed()

    def _end_half(self) -> None:
        """End the server's side; what the client sends from now on is read by nobody."""
        if self._transport is None or self._half_open:
            self._end()
            return
        self._waiting.clear()
        self._outbox.send(self._transport)
        self._transport.write_eof()
        self._transport.resume_reading()  # too many requests may have been waiting
        self._timer = self._loop.call_later(_HALF_CLOSED, self.hang_up)

    def _reset_when_flushed(self) -> None:
        """Reset the connection, not before the client was sent what it is to see."""
        transport = self._transport
        if transport is None:
            return
        self._outbox.send(transport)
        if transport.get_write_buffer_size():
            self._loop.call_later(0.001, self._reset_when_flushed)
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()

    def _refuse(self, status: int, message: str) -> None:
        """Answer what cannot be read, and hang up."""
        if self._doomed:
            return
        if self._playing is None:
            body = f"{message}\n".encode()
            reply = HttpReply.whole(status, {"content-type": "text/plain"}, body)
            self._write(encoded(reply, keep=False))
        self._doomed = True
        self._end()

    def _listen(self, more: bool) -> None:
        if self._transport is not None:
            (self._transport.resume_reading if more else self._transport.pause_reading)()

    def _end(self) -> None:
        if self._transport is not None:
            self._outbox.send(self._transport)
            self._transport.close()

    def hang_up(self) -> None:
        """End the connection, whatever is going on."""
        if self._transport is not None:
            self._transport.abort()


def encoded(reply: HttpReply, *, keep: bool, bodiless: bool = False) -> bytes:
    """Return the bytes of a complete answer."""
    head = head_of(Head(reply.status, reply.headers), keep=keep)
    return head if bodiless else head + reply.body


def head_of(head: Head, *, keep: bool) -> bytes:
    """Return the bytes of a status line and headers."""
    lines = [f"HTTP/1.1 {head.status} {_REASONS.get(head.status, 'Unknown')}"]
    lines += map(": ".join, head.headers.items())
    if head.chunked:
        lines.append("transfer-encoding: chunked")
    if not keep:
        lines.append("connection: close")
    lines += ("", "")
    return "\r\n".join(lines).encode("latin-1", "replace")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
