"""Streams whose events begin alike, written at once.

Most streams go out as they are, and nobody asks for their single events. What follows the common
beginning is often what followed it in an earlier stream, and need not be written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from chaoskit.quick import maker
from chaoskit.steps import Frame, Send

__all__ = ["Alike", "Rests", "carries", "kinds_of", "sends", "whole"]

_CARRYING = ("content", "tool")
_new_send = maker(Send)


class Rests:
    """What follows the beginning in each event of a stream.

    Args:
        frames: the events, of whose data the beginning is missing.
        last: the terminator, which has none.
    """

    __slots__ = ("_between", "carrying", "ends", "frames", "kinds", "last")

    def __init__(self, frames: Iterable[Frame], last: Frame) -> None:
        self.frames = tuple(frames)
        self.last = last
        self.ends = tuple([(f"{one.data}\n\n".encode(), one.kind) for one in self.frames])
        self.carrying = carries(self.frames)
        self.kinds = frozenset([last.kind, *[frame.kind for frame in self.frames]])
        *others, end = [rest for rest, _ in self.ends]
        self._between = (b"data: ", *[rest + b"data: " for rest in others], end + last.encode())

    def whole(self, head: bytes) -> bytes:
        """Return the stream as it goes out."""
        return head.join(self._between)


class Alike(Sequence[Frame]):
    """The events of a stream: each has the beginning, then its rest, but for the terminator."""

    __slots__ = ("_head", "_made", "rests")

    def __init__(self, head: str, rests: Rests) -> None:
        self.rests = rests
        self._head = head
        self._made: tuple[Frame, ...] = ()

    def __len__(self) -> int:
        return len(self.rests.frames) + 1

    @overload
    def __getitem__(self, at: int) -> Frame: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, at: int | slice) -> Frame | tuple[Frame, ...]:
        return self._frames()[at]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames())

    def encode(self) -> bytes:
        """Return the stream as it goes out."""
        return self.rests.whole(self._head.encode())

    def sends(self) -> list[Send]:
        """Return the events as they go out one by one."""
        head = f"data: {self._head}".encode()
        made = [_send(head + rest, kind) for rest, kind in self.rests.ends]
        return [*made, Send(self.rests.last.encode())]

    def _frames(self) -> tuple[Frame, ...]:
        if not self._made:
            head, rests = self._head, self.rests
            made = [Frame(one.kind, one.name, f"{head}{one.data}", one.id) for one in rests.frames]
            self._made = (*made, rests.last)
        return self._made


def carries(frames: Sequence[Frame]) -> int:
    """Return how many events carry a piece of the answer."""
    if isinstance(frames, Alike):
        return frames.rests.carrying
    return sum([frame.kind in _CARRYING for frame in frames])


def kinds_of(frames: Sequence[Frame]) -> frozenset[str]:
    """Return what the events are for."""
    if isinstance(frames, Alike):
        return frames.rests.kinds
    return frozenset([frame.kind for frame in frames])


def sends(frames: Sequence[Frame]) -> list[Send]:
    """Return events as they go out one by one."""
    if isinstance(frames, Alike):
        return frames.sends()
    return [_send(frame.encode(), frame.kind) for frame in frames]


def _send(data: bytes, kind: str) -> Send:
    return _new_send(data, kind in _CARRYING, kind == "tool")


def whole(frames: Sequence[Frame]) -> bytes:
    """Return events as they go out in one piece."""
    if isinstance(frames, Alike):
        return frames.encode()
    return "".join([frame.text for frame in frames]).encode()
