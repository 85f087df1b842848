"""The timed bytes of one response: what a player performs, reading the clock.

A complete response is `Head`, then `Send` and `Wait` in any order, then `Finish`. A damaged one
ends in `Close`, `Reset` or `Crash` instead, or consists of `Refuse` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chaoskit.quick import quick

__all__ = [
    "Close",
    "Crash",
    "Deafen",
    "Finish",
    "Frame",
    "Head",
    "Raw",
    "Refuse",
    "Reset",
    "Send",
    "Step",
    "Wait",
]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The connection is refused: no byte of the request was read."""


@quick
@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers. A `chunked` body has no length; its end can be told from a cut.

    A status of 0 stands for the beginning of an answer that has no head of its own: on a WebSocket
    and on standard streams.
    """

    status: int
    headers: Mapping[str, str]
    chunked: bool = False


@quick
@dataclass(frozen=True, slots=True)
class Send:
    """Bytes of the body.

    Attributes:
        content: they carry a piece of the model's answer.
        tool: it is a piece of a tool call.
    """

    data: bytes
    content: bool = False
    tool: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes where HTTP expects the framing of the body, or a WebSocket a frame.

    In process there is none to break.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause in seconds; `float("inf")` hangs until the client gives up."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The body is complete as far as HTTP is concerned."""


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is closed before the response was complete (FIN).

    `half`: the server ends its own side alone, and goes on reading what the client sends.
    """

    half: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (RST)."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The process of the server dies; what it kept in memory is gone."""


@dataclass(frozen=True, slots=True)
class Deafen:
    """The server closes its standard input. Elsewhere there is none to close."""


Step: TypeAlias = Refuse | Head | Send | Raw | Wait | Finish | Close | Reset | Crash | Deafen


@quick
@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a streamed answer, before it becomes bytes.

    Attributes:
        kind: what it is for, in the words of no dialect: `content` frames carry a piece of text,
            `tool` frames a piece of a tool call, `end` frames say how the answer ended, `done` is
            the terminator after which nothing may follow.
        name: the event name of the wire, empty where the dialect has none.
        data: the JSON text (or the literal terminator).
        id: the event id, by which a client resumes a broken stream; empty where there is none.
    """

    kind: Literal["start", "block", "content", "tool", "ping", "usage", "end", "done", "error"]
    name: str
    data: str
    id: str = ""

    @property
    def text(self) -> str:
        """The frame as server-sent event."""
        head = f"event: {self.name}\n" if self.name else ""
        if self.id:
            head += f"id: {self.id}\n"
        return f"{head}data: {self.data}\n\n"

    def encode(self) -> bytes:
        """Return the frame as server-sent event, in UTF-8."""
        return self.text.encode()
