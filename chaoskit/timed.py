"""Answers as timed steps, before anything damages them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaoskit.alike import carries, sends, whole
from chaoskit.exchange import HttpReply
from chaoskit.quick import maker
from chaoskit.sockets import framed
from chaoskit.steps import Finish, Frame, Head, Send, Step, Wait

__all__ = ["plain", "said", "spoken", "streamed"]

_FINISH = Finish()
_HEAD = Head(0, {}, chunked=True)  # of an answer on a WebSocket: HTTP is over
_new_head = maker(Head)
_new_send = maker(Send)
_SOON = 1e-6  # seconds: clocks move in whole microseconds


def plain(reply: HttpReply, *, wait: float = 0.0) -> tuple[Step, ...]:
    """Return the steps of an answer in one piece that comes after `wait` seconds.

    Where no header says how long it is, its end is marked: a client that keeps the connection
    would wait for it for ever.
    """
    head = _new_head(reply.status, reply.headers, chunked="content-length" not in reply.headers)
    send = _new_send(reply.body, content=reply.status < 400)
    return (Wait(wait), head, send, _FINISH) if wait >= _SOON else (head, send, _FINISH)


def streamed(
    headers: Mapping[str, str],
    frames: Sequence[Frame],
    first_token: float,
    seconds: float,
    *,
    together: bool = False,
) -> tuple[Step, ...]:
    """Return the steps of a stream: when its first token comes, and when its last, in seconds.

    Args:
        together: events between which there is no pause may be one piece.
    """
    carrying = carries(frames)
    pause = max(0.0, seconds - first_token) / carrying if carrying else 0.0
    pause = pause if pause >= _SOON else 0.0
    steps: list[Step] = [Wait(first_token)] if first_token else []
    steps.append(_new_head(200, headers, chunked=True))
    if together and not pause and frames:
        return (*steps, _new_send(whole(frames), content=carrying > 0), _FINISH)
    if not pause:
        return (*steps, *sends(frames), _FINISH)
    wait = Wait(pause)
    for send in sends(frames):
        if send.content:
            steps.append(wait)
        steps.append(send)
    steps.append(_FINISH)
    return tuple(steps)


def spoken(frames: tuple[Frame, ...], first_token: float, seconds: float) -> tuple[Step, ...]:
    """Return the steps of a stream whose events are messages on a WebSocket."""
    messages = iter(frames)
    steps: list[Step] = []
    for step in streamed({}, frames, first_token, seconds):
        if isinstance(step, Head):
            steps.append(_HEAD)
        elif isinstance(step, Send):
            steps.append(Send(framed(next(messages).data), step.content))
        else:
            steps.append(step)
    return tuple(steps)


def said(message: str, *, content: bool) -> tuple[Step, ...]:
    """Return the steps of one message on a WebSocket."""
    return (_HEAD, Send(framed(message), content=content), _FINISH)
