"""WebSockets as a service knows them: what it remembers while one is open, and its messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["BINARY", "MESSAGE", "Edge", "Lane", "Socket", "framed", "is_offered"]

MESSAGE = "MESSAGE"
"""The method of a request that is a message on a WebSocket, which HTTP does not have."""

BINARY = "application/octet-stream"
"""The media type of a message that is not text."""

_TEXT = 0x81  # the whole of a text message in one frame: RFC 6455 §5.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """One WebSocket, and what the service remembers of it until it is closed.

    Attributes:
        lane_of: the lane of a client's message, empty for the one without a name; None for a
            message that waits for no other. Messages of a lane are answered one after the other.
        at_once: how many messages are answered at the same time; the others wait.
        lasts: seconds after which the service says the `farewell`, and closes it.
        latest: what is kept of the latest answer on each lane: its id, and what the dialect needs.
    """

    lane_of: Callable[[bytes], str | None]
    at_once: int
    lasts: float
    farewell: str
    latest: dict[str, tuple[str, object]] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Lane:
    """The part of a WebSocket on which a message came, and on which its answer goes."""

    socket: Socket
    name: str = ""


def is_offered(headers: Mapping[str, str]) -> bool:
    """Tell whether a request offers to go on as a WebSocket; names are in lower case."""
    return "websocket" in headers.get("upgrade", "").lower()


def framed(text: str) -> bytes:
    """Return the bytes of a message from a server."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes((_TEXT, size)) + data
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + data
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + data


class Edge:
    """Tells where the frames of what is written begin and end."""

    __slots__ = ("_head", "_left")

    def __init__(self) -> None:
        self._head = b""
        self._left = 0

    @property
    def within(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._head or self._left)

    def pass_by(self, data: bytes | bytearray) -> None:
        """Follow bytes of frames without a mask."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            self._head += data[at : at + 1]
            at += 1
            size = _size_in(self._head)
            if size is not None:
                self._head, self._left = b"", size


def _size_in(head: bytes) -> int | None:
    """Return the length of a frame by its head; None while that is not all there."""
    if len(head) < 2:
        return None
    more = {126: 2, 127: 8}.get(head[1] & 0x7F, 0)
    if len(head) < 2 + more:
        return None
    return int.from_bytes(head[2:], "big") if more else head[1] & 0x7F
