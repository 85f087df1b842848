"""Standard streams: one message is one line, and the first request decides the era."""

from __future__ import annotations

from chaoskit.dialects.mcp.messages import INVALID_PARAMS, INVALID_REQUEST, UNSUPPORTED_VERSION
from chaoskit.dialects.mcp.reading import (
    Unreadable,
    envelope_of,
    handshake_request,
    message_of,
    modern_request,
    refused,
)
from chaoskit.exchange import Refusal
from chaoskit.steps import Deafen, Finish, Frame, Head, Send, Step, Wait
from chaoskit.tool_dialect import Asked, Desk

__all__ = ["DEAF", "heard", "spoken"]

DEAF = Frame(kind="ping", name="closed input", data="")
"""Stands among the frames for the end of the server's standard input."""

_HEAD = Head(0, {}, chunked=True)


def heard(line: bytes, desk: Desk) -> Asked:
    """Return what a line asks; lines that are no message are passed by, as servers do."""
    notes: dict[str, object] = {"carrier": "stdio"}
    try:
        message = message_of(line)
    except Unreadable:
        message = None
    if message is None or "method" not in message:
        return Asked(dialect="mcp", operation="manage", notes=notes)
    if "id" not in message:
        if message["method"] == "notifications/cancelled":
            cancelled = (message.get("params") or {}).get("requestId")
            return Asked(dialect="mcp", operation="cancel", notes=notes | {"cancels": cancelled})
        return Asked(dialect="mcp", operation="manage", notes=notes)
    opens = message["method"] != "initialize" and envelope_of(message) is not None
    if desk.shelf.get("era", "") is None:
        desk.shelf.put("era", "", "modern" if opens and desk.settings.modern else "handshake")
    if desk.shelf.get("era", "") == "modern":
        notes["era"] = "modern"
        if message["method"] == "initialize":
            data = {"supported": list(desk.settings.modern)}
            told = (
                "connection is serving the 2026-07-28 protocol; the initialize handshake is not "
                "accepted"
            )
            return _refused(notes, message, refused(UNSUPPORTED_VERSION, told, data=data))
        return modern_request(message, desk.settings, notes)
    notes["era"] = "handshake"
    if opens:
        told = (
            "this connection serves the handshake protocol era; requests carrying the 2026-07-28 "
            "envelope are not accepted on it"
        )
        return _refused(notes, message, refused(INVALID_REQUEST, told))
    asked = handshake_request(message, desk.settings, notes)
    early = asked.refusal is None and desk.shelf.get("opened", "") is None
    if early and message["method"] not in ("initialize", "ping"):
        told = "Invalid request parameters"
        return _refused(notes, message, refused(INVALID_PARAMS, told, data=""))
    return asked


def spoken(asked: Asked, frames: tuple[Frame, ...], seconds: float) -> tuple[Step, ...]:
    """Return the steps of an answer. The head stands for the moment at which it begins."""
    if not frames and asked.operation != "listen":
        return ()
    steps: list[Step] = []
    moving = sum(frame.kind in ("block", "content") for frame in frames)
    if seconds == float("inf"):
        return (Wait(seconds),)
    pause = seconds / moving if moving else 0.0
    for frame in frames:
        if pause and frame.kind in ("block", "content"):
            steps.append(Wait(pause))
        if not steps or not any(isinstance(step, Head) for step in steps):
            steps.append(_HEAD)
        if frame is DEAF:
            steps.append(Deafen())
            continue
        steps.append(Send(f"{frame.data}\n".encode(), content=frame.kind == "content"))
    return (*steps, Finish())


def _refused(notes: dict[str, object], message: dict[str, object], refusal: Refusal) -> Asked:
    own = notes | {"id": message["id"], "method": message["method"]}
    return Asked(dialect="mcp", operation="manage", refusal=refusal, notes=own)
