"""The faults under which the official SDKs are watched: those of the catalogue, and raw damage.

Raw damage is what no scenario needs, since it is a bug of the provider rather than bad weather;
what an SDK makes of it is worth knowing nevertheless.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from chaoskit.fault import Fault, FrameMaker, Strike
from chaoskit.faults import (
    BrokenCompression,
    BrokenEvent,
    ConnectError,
    CutStream,
    DuplicatedEvent,
    ErrorMidStream,
    Hang,
    IllegalChunk,
    Overloaded,
    RateLimited,
    ServerError,
    Slow,
    Stall,
    Unauthorised,
    UnfinishedStream,
    WrongLength,
)
from chaoskit.steps import Close, Finish, Frame, Head, Reset, Send, Step

__all__ = ["PLAIN", "STREAMED"]


@dataclass(frozen=True, slots=True)
class Damage:
    """Steps in place of those that were meant."""

    change: Callable[[tuple[Step, ...]], tuple[Step, ...]]

    def steps(self, steps: tuple[Step, ...], strike: Strike) -> tuple[Step, ...]:  # noqa: ARG002 - the stage's
        """Return the damaged steps."""
        return self.change(steps)


@dataclass(frozen=True, slots=True)
class Garbled:
    """Events in place of those that were meant; unstreamed answers pass by."""

    change: Callable[[tuple[Frame, ...]], tuple[Frame, ...]]

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's
        strike: Strike,  # noqa: ARG002 - the stage's
    ) -> tuple[Frame, ...]:
        """Return the garbled events."""
        return self.change(frames)


def _body(data: bytes, kind: str = "application/json") -> Damage:
    """Return the damage that puts another body in place of an unstreamed answer's."""

    def change(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        head = next(step for step in steps if isinstance(step, Head))
        headers = {**head.headers, "content-type": kind, "content-length": str(len(data))}
        return Head(200, headers), Send(data), Finish()

    return Damage(change)


def _half(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return an unstreamed answer that HTTP takes for whole, and that is half of its JSON."""
    head = next(step for step in steps if isinstance(step, Head))
    data = b"".join(step.data for step in steps if isinstance(step, Send))
    data = data[: len(data) // 2]
    return Head(200, {**head.headers, "content-length": str(len(data))}), Send(data), Finish()


def _as_text(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(
        [
            replace(step, headers={**step.headers, "content-type": "text/plain"})
            if isinstance(step, Head)
            else step
            for step in steps
        ]
    )


def _content(frames: tuple[Frame, ...]) -> int:
    """Return the place of the second event that carries a piece of the answer."""
    return [at for at, frame in enumerate(frames) if frame.kind == "content"][1]


def _with(frame: Frame) -> Garbled:
    """Return the damage that puts one more event before the second piece of the answer."""

    def change(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        at = _content(frames)
        return (*frames[:at], frame, *frames[at:])

    return Garbled(change)


def _at_the_piece(change: Callable[[Frame], Frame]) -> Garbled:
    """Return the damage that changes the second piece of the answer."""

    def changed(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        at = _content(frames)
        return (*frames[:at], change(frames[at]), *frames[at + 1 :])

    return Garbled(changed)


def _far_index(frame: Frame) -> Frame:
    return replace(frame, data=frame.data.replace('index":0', 'index":7', 1))


def _not_utf8(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Break a character of the second piece of the answer."""
    places = [at for at, step in enumerate(steps) if isinstance(step, Send) and step.content]
    if len(places) < 2:
        return steps
    step = steps[places[1]]
    assert isinstance(step, Send)  # noqa: S101 - for the type checker
    cut = step.data.rindex(b'"') - 1
    broken = replace(step, data=step.data[:cut] + b"\xc3" + step.data[cut + 1 :])
    return (*steps[: places[1]], broken, *steps[places[1] + 1 :])


_GONE = Damage(lambda _: (Close(),))
_TORN = Damage(lambda _: (Reset(),))
_BEFORE: tuple[tuple[str, Fault], ...] = (
    ("connection refused", ConnectError()),
    ("accepted, then closed", _GONE),
    ("accepted, then reset", _TORN),
    ("no answer at all", Hang()),
    ("headers later than the timeout", Slow(before=21)),
    ("401", Unauthorised()),
    ("403", Unauthorised(status=403)),
    ("429 with Retry-After", RateLimited(retry_after=2)),
    ("429, the spend limit", RateLimited(limit="spend")),
    ("429, grown too fast", RateLimited(limit="acceleration")),
    ("500", ServerError()),
    ("502, a page of HTML", ServerError(status=502, html=True)),
    ("503", ServerError(status=503)),
    ("504", ServerError(status=504)),
    ("overloaded (529, 503)", Overloaded()),
    ("broken gzip", BrokenCompression()),
)

PLAIN: tuple[tuple[str, Fault], ...] = (
    *_BEFORE,
    ("closed in the body", CutStream()),
    ("half-closed in the body", CutStream(half_close=True)),
    ("reset in the body", CutStream(reset=True)),
    ("shorter than content-length", WrongLength()),
    ("stalled in the body", Stall()),
    ("200, half of the JSON", Damage(_half)),
    ("200, empty", _body(b"")),
    ("200, `null`", _body(b"null")),
    ("200, `{}`", _body(b"{}")),
    ("200, a page of HTML", _body(b"<html>Bad gateway</html>", "text/html")),
    ("200, JSON called text/plain", Damage(_as_text)),
)
"""Faults of unstreamed answers, by what a person would call them."""

STREAMED: tuple[tuple[str, Fault], ...] = (
    *_BEFORE,
    ("closed in the stream", CutStream(after=2)),
    ("half-closed in the stream", CutStream(after=2, half_close=True)),
    ("reset in the stream", CutStream(after=2, reset=True)),
    ("ended early, by the book", UnfinishedStream(after=2)),
    ("stalled in the stream", Stall(after=2)),
    ("illegal chunk", IllegalChunk(after=2)),
    ("an error event", ErrorMidStream(after=2)),
    ("an event of broken JSON", BrokenEvent(after=2)),
    (
        "broken JSON without an event name",
        _at_the_piece(lambda frame: replace(frame, name="", data=frame.data[:-9])),
    ),
    ("broken JSON in a ping", _with(Frame(kind="ping", name="ping", data='{"type":'))),
    (
        "an event of an unknown type",
        _with(Frame(kind="block", name="news", data=json.dumps({"type": "news"}))),
    ),
    ("an index out of range", _at_the_piece(_far_index)),
    ("the same event twice", DuplicatedEvent(after=1)),
    ("no UTF-8", Damage(_not_utf8)),
)
"""Faults of streams, by what a person would call them."""
