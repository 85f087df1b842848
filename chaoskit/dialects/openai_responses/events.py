"""What clients say over a WebSocket: the fields of a request, and a few beside them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.request import parse
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses.items import unknown
from chaoskit.exchange import HttpRequest
from chaoskit.sockets import BINARY

__all__ = ["Event", "lane_of", "parent_of", "read"]

Kind: TypeAlias = Literal["response.create", "response.steer"]

_KINDS: tuple[Kind, ...] = ("response.create", "response.steer")
_AROUND = ("generate", "stream", "stream_id", "type")  # fields that no HTTP request has
_STEERING = ("input", "previous_response_id", "type")
_LANE = re.compile(r"[A-Za-z0-9_.-]{1,256}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One message of a client.

    Attributes:
        body: of the request that it stands for.
        generate: the model is to answer; otherwise only the state of the request is made ready.
    """

    kind: Kind
    body: Json
    generate: bool = True


def lane_of(data: bytes) -> str | None:
    """Return the lane of a message, empty for the one without a name.

    None for what waits for no response: a message that is no request for one, or on no lane that
    there could be.
    """
    event = _object(data)
    if event.get("type") != "response.create":
        return None
    lane = event.get("stream_id")
    if lane is None:
        return ""
    return lane if isinstance(lane, str) and _LANE.match(lane) else None


def parent_of(data: bytes) -> str:
    """Return the response that a message continues; empty where it continues none."""
    parent = _object(data).get("previous_response_id")
    return parent if isinstance(parent, str) else ""


def read(request: HttpRequest) -> Event:
    """Return what a message says.

    Raises:
        RefusedError: it is no event that clients may send.
    """
    if request.headers.get("content-type") == BINARY:
        raise invalid("Binary messages are not supported. Send each event as JSON in a text frame.")
    event = parse(request.body)
    kind = values.one_of(values.required(event, "type", "type"), _KINDS, "type")
    if kind == "response.steer":
        _steering(event)
        return Event(kind="response.steer", body=event)
    _check_lane(event.get("stream_id"))
    if event.get("background"):
        raise invalid(
            "Unsupported parameter: 'background' is not supported over WebSocket.",
            param="background",
            code="unsupported_parameter",
        )
    body = {name: value for name, value in event.items() if name not in _AROUND}
    body["stream"] = True
    generate = event.get("generate")
    wanted = generate is None or values.boolean(generate, "generate")
    return Event(kind="response.create", body=body, generate=wanted)


def _steering(event: Json) -> None:
    """Check that a message that steers has its fields and no others."""
    values.string(
        values.required(event, "previous_response_id", "previous_response_id"),
        "previous_response_id",
    )
    values.required(event, "input", "input")
    for name in event:
        if name not in _STEERING:
            raise unknown(name)


def _check_lane(lane: object) -> None:
    if lane is not None and not (isinstance(lane, str) and _LANE.match(lane)):
        raise invalid(
            "The 'stream_id' field must be a non-empty string with at most 256 characters and may "
            "only contain letters, numbers, underscores, hyphens, and periods.",
            param="stream_id",
            code="invalid_stream_id",
        )


def _object(data: bytes) -> Json:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return cast("Json", event) if isinstance(event, dict) else {}
