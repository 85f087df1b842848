"""Responses over a WebSocket: how long it is open, which lanes it has, what its errors look like.

The latest response of each lane is kept as long as the connection, whether it is stored or not.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects.openai_responses import events, kept, recall
from chaoskit.dialects.openai_responses.encode import json_reply
from chaoskit.exchange import Call, HttpReply, Refusal
from chaoskit.sockets import Lane, Socket

__all__ = ["heard", "opened", "said", "steered"]

_HOUR = 3600.0
_AT_ONCE = 16
_NAMED = 32
_ENVELOPE = frozenset({"content-length", "content-type"})


def _failure(error: Json, *, status: int, headers: Json | None = None, lane: str = "") -> Json:
    made: Json = {"type": "error", "status": status, "error": error}
    if headers:
        made["error"] = error | {"headers": headers}
    return made | {"stream_id": lane} if lane else made


_FAREWELL = dumps(
    _failure(
        {
            "type": "invalid_request_error",
            "code": "websocket_connection_limit_reached",
            "message": "Responses websocket connection limit reached (60 minutes). Create a new "
            "websocket connection to continue.",
            "param": None,
        },
        status=400,
    )
)


def opened() -> Socket:
    """Return a WebSocket that was accepted."""
    return Socket(lane_of=events.lane_of, at_once=_AT_ONCE, lasts=_HOUR, farewell=_FAREWELL)


def heard(call: Call, lane: Lane, shelf: Shelf) -> Call | Refusal:
    """Return the call with the conversation that it continues, or the refusal."""
    if call.operation == "stored":
        return call
    known = lane.socket.latest
    if lane.name and lane.name not in known:
        if sum(1 for name in known if name) >= _NAMED:
            return Refusal(
                kind="invalid_request",
                message="This WebSocket connection has reached its maximum number of distinct "
                f"stream IDs ({_NAMED}). Reuse an existing stream_id or open a new WebSocket "
                "connection.",
                param="stream_id",
                code="websocket_stream_limit_reached",
            )
        known[lane.name] = ("", None)
    return recall.recall(call, _Near(lane.socket, shelf))


def said(reply: HttpReply, asked: bytes, lane: Lane) -> str:
    """Return an answer in one piece as a message.

    After an error the connection forgets what the message continued on its own lane.
    """
    if reply.status < 400:
        return reply.body.decode()
    latest = lane.socket.latest.get(lane.name)
    if latest is not None and latest[0] and latest[0] == events.parent_of(asked):
        lane.socket.latest[lane.name] = ("", None)
    headers = {name: value for name, value in reply.headers.items() if name not in _ENVELOPE}
    return dumps(_failure(_error(reply), status=reply.status, headers=headers, lane=lane.name))


def steered(call: Call, envelope: Envelope) -> HttpReply:
    """Encode the answer to input for a response that is being made: it is not taken."""
    event = call.options["steer"]
    lane = _lane_of(envelope, event) if isinstance(event, dict) else None
    if not isinstance(event, dict) or lane is None:
        code, message = "response_not_found", "The response is not available on this connection."
    else:
        code, message = "steering_not_supported", "This response does not support steering."
    made: Json = {
        "type": "response.steer.failed",
        "sequence_number": 0,
        "error": {"type": "invalid_request_error", "code": code, "message": message},
    }
    if isinstance(event, dict):
        made["steer"] = {name: event[name] for name in ("previous_response_id", "input")}
    return json_reply(made | {"stream_id": lane} if lane else made, envelope)


def _lane_of(envelope: Envelope, event: Json) -> str | None:
    """Return the lane whose latest response an event is about."""
    latest = envelope.lane.socket.latest if envelope.lane is not None else {}
    wanted = event["previous_response_id"]
    return next((name for name, (made, _) in latest.items() if made == wanted), None)


def _error(reply: HttpReply) -> Json:
    """Return the error of a body; a page of a proxy has none."""
    try:
        error = json.loads(reply.body)["error"]
    except (ValueError, KeyError, TypeError):
        error = None
    if isinstance(error, dict):
        return error
    message = f"{HTTPStatus(reply.status).phrase}." if reply.status in set(HTTPStatus) else "Error."
    return {"type": "server_error", "code": None, "message": message, "param": None}


class _Near:
    """What is kept for a key, and nearer than it what the connection remembers."""

    def __init__(self, socket: Socket, shelf: Shelf) -> None:
        self._latest = socket.latest
        self._shelf = shelf

    def get(self, kind: str, name: str) -> object | None:
        if kind == kept.RESPONSE:
            for made, value in self._latest.values():
                if made == name:
                    return value
        return self._shelf.get(kind, name)

    def put(self, kind: str, name: str, value: object, *, size: int = 0) -> None:
        self._shelf.put(kind, name, value, size=size)

    def drop(self, kind: str, name: str) -> None:
        self._shelf.drop(kind, name)

    def all(self, kind: str) -> tuple[object, ...]:
        return self._shelf.all(kind)
