"""A WebSocket of the loopback server: messages in, the exact bytes of their answers out.

`wsproto` shakes hands and reads the client's frames. Answers are written as the bytes that their
steps hold, so that a cut or a pause may be within a frame. Answers on different lanes take turns
between frames; while one of them is within a frame, every other waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from h11 import LocalProtocolError  # wsproto writes the handshake with it
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection as Frames
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import RemoteProtocolError

from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.player import Ending
from chaoskit.players.performance import Broken, Performance
from chaoskit.sockets import BINARY, MESSAGE, Edge, Lane, Socket, framed
from chaoskit.steps import Raw

__all__ = ["Asker", "WebSocket", "handshake"]

_MOST = 32 * 1024 * 1024  # bytes of a message, as many as of the body of a request
_MOST_WAITING = 64  # messages that a client may send before it has read the first answer
_NO_PAUSE = 1e-4  # seconds: no timer is so fine; shorter pauses are made up for later
_REASON = 123  # bytes of text that fit into a frame that closes: RFC 6455 §5.5
_TEXT = "application/json"
_OLD = "the connection has reached its maximum duration"
_SHAKING = ("connection", "upgrade", "sec-websocket-key", "sec-websocket-version")
_OF_THE_HANDSHAKE = ("connection", "upgrade", "content-length")

Asker = tuple[str, int]
"""A user, and which turn of theirs it is."""


def handshake(request: HttpRequest) -> bytes | HttpReply:
    """Return the bytes that accept the offer of a WebSocket, or what is answered to a bad one."""
    offered = WSConnection(ConnectionType.SERVER)
    given = ((name, request.headers.get(name, "").encode("latin-1")) for name in _SHAKING)
    headers = [(name.encode(), value) for name, value in given if value]
    try:
        offered.initiate_upgrade_connection([(b"host", b"chaoskit"), *headers], "/")
        return offered.send(AcceptConnection())
    except (RemoteProtocolError, LocalProtocolError, UnicodeError) as error:
        hint = error.event_hint if isinstance(error, RemoteProtocolError) else None
        status = hint.status_code if isinstance(hint, RejectConnection) else 400
        told = {"content-type": "text/plain"}
        if status == 426:
            told["sec-websocket-version"] = "13"
        return HttpReply.whole(status, told, f"{error}\n".encode())


@dataclass(slots=True, eq=False)
class _Answer:
    """An answer that is being performed, and when its next bytes are to go out."""

    performance: Performance
    lane: str | None
    due: float
    timer: asyncio.Handle | None = None


class WebSocket:
    """Reads the messages of one client, and performs the answers to them.

    Args:
        request: that was upgraded.
        socket: as the provider knows it.
        answer: begins the answer to a message of somebody.
        identify: whose message it is.
        write, end, end_half, reset, listen: send bytes on the connection below, close it (FIN) or
            only this side of it, reset it (RST), and read on or not.
        scale: seconds of the run in one second of the loop.
    """

    def __init__(
        self,
        request: HttpRequest,
        socket: Socket,
        *,
        answer: Callable[[HttpRequest, Asker], object],
        identify: Callable[[HttpRequest], Asker],
        scale: float,
        write: Callable[[bytes | bytearray], object],
        end: Callable[[], object],
        end_half: Callable[[], object],
        reset: Callable[[], object],
        listen: Callable[[bool], object],
    ) -> None:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name not in _OF_THE_HANDSHAKE and not name.startswith("sec-websocket-")
        }
        self._request = replace(request, method=MESSAGE, headers=headers)
        self._socket = socket
        self._answer = answer
        self._identify = identify
        self._write, self._listen = write, listen
        self._end, self._end_half, self._reset = end, end_half, reset
        self._scale = scale
        self._loop = asyncio.get_running_loop()
        self._frames = Frames(ConnectionType.SERVER)
        self._pieces: list[bytes] = []
        self._size = 0
        self._waiting: deque[tuple[str, HttpRequest, Asker]] = deque()
        self._answers: list[_Answer] = []
        self._blocked: list[_Answer] = []
        self._edge = Edge()
        self._inside: _Answer | None = None  # whose frame has begun and not ended
        self._between: list[bytes] = []  # whole frames that wait for the end of that one
        self._paused = self._deaf = self._over = False
        self._age = self._loop.call_later(socket.lasts / scale, self._grown_old)

    # What the connection tells.

    def receive(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self._over:
            return
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                self._piece(event)
            elif isinstance(event, Ping):
                self._send(self._frames.send(event.response()))
            elif isinstance(event, CloseConnection):
                self._hang_up(event.code, event.reason or "")
        self._attend()

    def pause(self, *, paused: bool) -> None:
        """Take note of whether the client reads more slowly than we write."""
        self._paused = paused
        if not paused:
            self._wake()
        self._attend()

    def lost(self) -> None:
        """Give up what is being performed: nobody reads it any more."""
        self._give_up("abandoned")

    # What the client says.

    def _piece(self, event: TextMessage | BytesMessage) -> None:
        if self._over:
            return
        data = event.data.encode() if isinstance(event, TextMessage) else bytes(event.data)
        self._size += len(data)
        if self._size > _MOST:
            told = f"a message is larger than {_MOST} bytes"
            self._hang_up(CloseReason.MESSAGE_TOO_BIG, told)
            return
        self._pieces.append(data)
        if event.message_finished:
            body, self._pieces, self._size = b"".join(self._pieces), [], 0
            self._heard(body, _TEXT if isinstance(event, TextMessage) else BINARY)

    def _heard(self, body: bytes, kind: str) -> None:
        lane = self._socket.lane_of(body) if kind == _TEXT else None
        request = replace(
            self._request,
            headers={**self._request.headers, "content-type": kind},
            body=body,
            lane=Lane(self._socket, lane or ""),
        )
        asker = self._identify(request)
        if lane is None:
            self._begin(request, None, asker)
        else:
            self._waiting.append((lane, request, asker))
            self._next()

    def _attend(self) -> None:
        """Read on, unless too much is waiting already."""
        waiting = len(self._waiting) + len(self._answers) + len(self._between)
        deaf = self._paused or waiting >= _MOST_WAITING
        if deaf is not self._deaf and not self._over:
            self._deaf = deaf
            self._listen(not deaf)

    # What is answered.

    def _next(self) -> None:
        """Begin the answers to those messages whose turn it is."""
        at = 0
        while at < len(self._waiting) and not self._over:
            busy = {answer.lane for answer in self._answers if answer.lane is not None}
            if len(busy) >= self._socket.at_once:
                return
            lane, request, asker = self._waiting[at]
            if lane in busy:
                at += 1
                continue
            del self._waiting[at]
            self._begin(request, lane, asker)

    def _begin(self, request: HttpRequest, lane: str | None, asker: Asker) -> None:
        answer = self._answer(request, asker)
        if not isinstance(answer, Performance):
            told = answer.body.decode("utf-8", "replace") if isinstance(answer, HttpReply) else ""
            self._hang_up(CloseReason.INTERNAL_ERROR, told, ending="closed")
            return
        begun = _Answer(answer, lane, self._loop.time())
        self._answers.append(begun)
        self._perform(begun)

    def _perform(self, answer: _Answer) -> None:
        """Perform as far as there is nothing to wait for."""
        answer.timer = None
        if self._over or self._holds(answer):
            return
        out = bytearray()
        try:
            for move in answer.performance:
                if isinstance(move, float):
                    self._flush(answer, out)
                    out = bytearray()
                    if move == float("inf"):
                        return
                    answer.due += move / self._scale
                    if answer.due - self._loop.time() > _NO_PAUSE:
                        answer.timer = self._loop.call_at(answer.due, self._perform, answer)
                        return
                    if self._holds(answer):
                        return
                elif isinstance(move, bytes):
                    out += move
                    self._edge.pass_by(move)
                    if self._blocked and not self._edge.within:
                        self._blocked.append(answer)  # behind those that have waited for this
                        self._flush(answer, out)
                        return
                elif isinstance(move, Raw):
                    out += move.data
        except Broken as broken:
            self._answers.remove(answer)
            self._write(out)
            self._break(broken)
            return
        self._answers.remove(answer)
        self._flush(answer, out)
        self._loop.call_soon(self._done)

    def _done(self) -> None:
        if self._over:
            return
        self._next()
        self._attend()

    def _holds(self, answer: _Answer) -> bool:
        """Tell whether an answer has to wait: for the client, or for the end of another's frame."""
        if not self._paused and self._inside in (None, answer):
            return False
        if answer not in self._blocked:
            self._blocked.append(answer)
        return True

    def _flush(self, answer: _Answer, out: bytearray) -> None:
        if out:
            self._write(out)
        self._inside = answer if self._edge.within else None
        if self._inside is None:
            self._send_what_waited()
            if not self._paused:
                self._wake()

    def _wake(self) -> None:
        blocked, self._blocked = self._blocked, []
        for answer in blocked:
            answer.due = max(answer.due, self._loop.time())
            if answer.timer is None and answer in self._answers:
                answer.timer = self._loop.call_soon(self._perform, answer)

    def _send(self, frame: bytes) -> None:
        """Send a frame that is no part of an answer, as soon as none has begun."""
        if self._over:
            return
        if self._inside is None:
            self._write(frame)
        else:
            self._between.append(frame)

    def _send_what_waited(self) -> None:
        frames, self._between = self._between, []
        for frame in frames:
            self._write(frame)
        if frames:
            self._attend()

    # How it ends.

    def _give_up(self, ending: Ending) -> None:
        self._over = True
        self._age.cancel()
        self._waiting.clear()
        answers, self._answers = self._answers, []
        for answer in answers:
            if answer.timer is not None:
                answer.timer.cancel()
            if ending == "abandoned":
                answer.performance.abandon()
            else:
                answer.performance.cut(ending)

    def _grown_old(self) -> None:
        """Say farewell, whatever is being answered."""
        self._send(framed(self._socket.farewell))
        self._hang_up(CloseReason.GOING_AWAY, _OLD, ending="closed")

    def _break(self, broken: Broken) -> None:
        """End the connection without a word, as a fault has it."""
        self._give_up(broken.ending)
        if broken.half:
            self._end_half()
        elif broken.ending == "closed":
            self._end()
        else:
            self._reset()

    def _hang_up(self, code: int, reason: str, *, ending: Ending = "abandoned") -> None:
        """Say that the WebSocket is closed, unless in the middle of a frame, and close it."""
        if self._over:
            return
        told = reason.encode()[:_REASON].decode("utf-8", "ignore")
        if self._inside is None:
            self._write(self._frames.send(CloseConnection(_sendable(code), told)))
        self._give_up(ending)
        self._end()


def _sendable(code: int) -> int:
    """Return the code that answers one of a client: some stand for none, and are never sent."""
    unsaid = (CloseReason.NO_STATUS_RCVD, CloseReason.ABNORMAL_CLOSURE)
    return CloseReason.NORMAL_CLOSURE if code in unsaid else code
