"""Streamable HTTP: how requests of both eras arrive, and how their answers are sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from chaoskit.dialects.mcp.messages import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR
from chaoskit.dialects.mcp.reading import (
    Message,
    Unreadable,
    handshake_request,
    message_of,
    modern_request,
    refused,
)
from chaoskit.exchange import HttpReply, HttpRequest, Refusal
from chaoskit.mcp import HANDSHAKE
from chaoskit.steps import Finish, Frame, Head, Send, Step, Wait
from chaoskit.timed import plain
from chaoskit.tool_dialect import Asked, Desk

__all__ = ["answered", "json_reply", "read", "waiting"]

SESSION = "mcp-session-id"
_PING = 15.0  # seconds of silence after which a server shows that it is there
_MOST_PINGS = 240
_SSE = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}
_RESUMABLE_SINCE = HANDSHAKE.index("2025-11-25")
_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    -32020: 400,
    -32021: 400,
    -32022: 400,
    -32601: 404,
}


def read(request: HttpRequest, desk: Desk) -> Asked:
    """Return what an HTTP request asks, or what is wrong with it."""
    version = request.headers.get("mcp-protocol-version")
    notes: dict[str, object] = {"carrier": "http", "host": request.host}
    if version is not None and version not in HANDSHAKE and desk.settings.modern:
        return _modern(request, version, desk, notes)
    if version is not None and version not in desk.settings.handshake:
        known = ", ".join(desk.settings.handshake or desk.settings.modern)
        told = f"Bad Request: Unsupported protocol version: {version}. Supported versions: {known}"
        return _wrong(notes, INVALID_REQUEST, told, 400)
    return _handshake(request, desk, notes)


def _modern(request: HttpRequest, version: str, desk: Desk, notes: dict[str, object]) -> Asked:
    notes = notes | {"era": "modern"}
    if request.method != "POST":
        return _bare(notes, 405, {"allow": "POST"})
    takes_json, takes_events = _accepted(request)
    if not (takes_json and takes_events):
        return _bare(notes, 406)
    try:
        message = message_of(request.body)
    except Unreadable:
        return _wrong(notes, PARSE_ERROR, "Parse error", 400)
    if message is None or "method" not in message:
        told = "Body must be a single JSON-RPC request or notification object"
        return _wrong(notes, INVALID_REQUEST, told, 400)
    if "id" not in message:
        if version not in desk.settings.modern:
            data = {"supported": list(desk.settings.modern), "requested": version}
            return _wrong(notes, -32022, "Unsupported protocol version", 400, data)
        return Asked(dialect="mcp", operation="manage", notes=notes)
    return modern_request(message, desk.settings, notes, request.headers)


def _handshake(request: HttpRequest, desk: Desk, notes: dict[str, object]) -> Asked:
    notes = notes | {"era": "handshake"}
    session = request.headers.get(SESSION)
    if session is not None:
        notes["session"] = session
    if request.method not in ("GET", "POST", "DELETE"):
        return _wrong(notes, INVALID_REQUEST, "Method Not Allowed", 405, allow="GET, POST, DELETE")
    takes_json, takes_events = _accepted(request)
    message: Message | None = None
    if request.method == "POST":
        if not (takes_json and takes_events):
            told = "Not Acceptable: Client must accept both application/json and text/event-stream"
            return _wrong(notes, INVALID_REQUEST, told, 406)
        if "application/json" not in request.headers.get("content-type", ""):
            told = "Unsupported Media Type: Content-Type must be application/json"
            return _wrong(notes, INVALID_REQUEST, told, 415)
        try:
            message = message_of(request.body)
        except Unreadable as error:
            return _wrong(notes, PARSE_ERROR, f"Parse error: {error}", 400)
        if message is None:
            told = "Validation error: no JSON-RPC request, notification or response"
            return _wrong(notes, INVALID_PARAMS, told, 400)
    elif request.method == "GET" and not takes_events:
        told = "Not Acceptable: Client must accept text/event-stream"
        return _wrong(notes, INVALID_REQUEST, told, 406)
    if message is not None and message.get("method") == "initialize" and session is None:
        return handshake_request(message, desk.settings, notes)
    return _in_session(request, message, desk, notes)


def _in_session(
    request: HttpRequest, message: Message | None, desk: Desk, notes: dict[str, object]
) -> Asked:
    session = notes.get("session")
    if session is None:
        return _wrong(notes, INVALID_REQUEST, "Bad Request: Missing session ID", 400)
    known = desk.shelf.get("session", str(session))
    if known is None:
        return _wrong(notes, INVALID_REQUEST, "Session not found", 404)
    notes = notes | {"version": known}
    if request.method == "DELETE":
        return Asked(dialect="mcp", operation="manage", notes=notes | {"ends": True})
    if message is None:
        resumed = request.headers.get("last-event-id")
        return Asked(dialect="mcp", operation="listen", notes=notes | {"after": resumed})
    if "id" in message and "method" in message:
        return handshake_request(message, desk.settings, notes)
    if message.get("method") == "notifications/cancelled":
        return Asked(dialect="mcp", operation="cancel", notes=notes)
    return Asked(dialect="mcp", operation="manage", notes=notes)


def answered(
    asked: Asked, frames: tuple[Frame, ...], seconds: float, desk: Desk
) -> tuple[Step, ...]:
    """Return the steps of an answer: JSON, a stream of events, or nothing but a status."""
    notes = asked.notes
    handshake = notes["era"] == "handshake"
    session = {SESSION: str(notes["session"])} if handshake and "session" in notes else {}
    if notes.get("ends"):
        desk.shelf.drop("session", str(notes["session"]))
        return plain(HttpReply.whole(200, session))
    if "id" not in notes and asked.operation != "listen":
        return plain(HttpReply.whole(202, session))
    silent = seconds <= _PING and len(frames) == 1 and not handshake
    if silent and asked.operation != "listen":
        (frame,) = frames
        reply = json_reply(_status_of(frame), frame.data.encode())
        return plain(reply, wait=seconds)
    return _events(asked, frames, seconds, desk, _SSE | session)


def json_reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> HttpReply:
    """Return an answer in one piece."""
    return HttpReply.whole(status, {"content-type": "application/json", **(headers or {})}, body)


def _events(
    asked: Asked, frames: tuple[Frame, ...], seconds: float, desk: Desk, headers: dict[str, str]
) -> tuple[Step, ...]:
    steps: list[Step] = [Head(200, headers, chunked=True)]
    if asked.operation == "listen":
        sends = [Send(frame.encode(), content=True) for frame in frames]
        if asked.notes.get("after") is not None:
            return (*steps, *waiting(seconds), *sends, Finish())
        return (*steps, *sends, *waiting(float("inf")))
    if desk.settings.resumable and _knows_resuming(asked):
        first, frames = _kept(frames, seconds, desk)
        steps.append(Send(first.encode()))
    moving = [index for index, frame in enumerate(frames) if frame.kind in ("block", "content")]
    pause = seconds / len(moving) if moving and seconds < float("inf") else 0.0
    if seconds == float("inf"):
        return (*steps, *waiting(seconds))
    for index, frame in enumerate(frames):
        if index in moving:
            steps += waiting(pause)
        steps.append(Send(frame.encode(), content=frame.kind == "content"))
    return (*steps, Finish())


def waiting(seconds: float) -> Iterator[Step]:
    """Yield the steps of a wait in a stream: servers show now and then that they are there."""
    pings = 0
    while seconds > _PING and pings < _MOST_PINGS:
        yield Wait(_PING)
        yield Send(b": ping\n\n")
        seconds, pings = seconds - _PING, pings + 1
    if seconds:
        yield Wait(seconds)


def _kept(frames: tuple[Frame, ...], seconds: float, desk: Desk) -> tuple[Frame, tuple[Frame, ...]]:
    """Return the frames with ids, after one that is there for its id only; keep them for later."""
    base = f"{desk.ids.getrandbits(64):016x}"
    first = Frame(kind="start", name="message", data="", id=f"{base}-0")
    made = tuple(replace(one, id=f"{base}-{n}") for n, one in enumerate(frames, 1))
    for number in range(len(made) + 1):
        desk.shelf.put("event", f"{base}-{number}", (desk.wall + seconds, made[number:]))
    return first, made


def _knows_resuming(asked: Asked) -> bool:
    version = asked.notes.get("version")
    return version in HANDSHAKE and HANDSHAKE.index(str(version)) >= _RESUMABLE_SINCE


def _accepted(request: HttpRequest) -> tuple[bool, bool]:
    types = [
        part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")
    ]
    anything = "*/*" in types
    return (
        anything or "application/json" in types or "application/*" in types,
        anything or "text/event-stream" in types or "text/*" in types,
    )


def _status_of(frame: Frame) -> int:
    """Return the status of an answer in one piece: stateless servers tell errors twice."""
    try:
        said = message_of(frame.data.encode())
    except Unreadable:
        return 200
    code = (said or {}).get("error", {}).get("code")
    return _STATUS.get(code, 200)


def _bare(notes: dict[str, object], status: int, headers: Mapping[str, str] | None = None) -> Asked:
    refusal = Refusal(
        kind="invalid_request",
        status=status,
        body=b"",
        headers=headers or {},
    )
    return Asked(dialect="mcp", operation="manage", refusal=refusal, notes=notes)


def _wrong(
    notes: dict[str, object],
    code: int,
    message: str,
    status: int,
    data: object = None,
    **headers: str,
) -> Asked:
    refusal = replace(refused(code, message, data=data, status=status), headers=headers)
    return Asked(dialect="mcp", operation="manage", refusal=refusal, notes=notes)
