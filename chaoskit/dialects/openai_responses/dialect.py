"""Responses as a dialect."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from chaoskit.dialect import Envelope, Models, Shelf
from chaoskit.dialects._openai import ids as make_ids
from chaoskit.dialects._openai.request import LARGEST
from chaoskit.dialects.openai_responses import (
    decode,
    encode,
    errors,
    recall,
    routes,
    stored,
    stream,
    websocket,
)
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply
from chaoskit.sockets import Lane, Socket
from chaoskit.steps import Frame

__all__ = ["OpenAIResponsesDialect"]


class OpenAIResponsesDialect:
    """OpenAI's Responses with their conversations, and whoever speaks them."""

    name: str = decode.NAME
    provider: str = "openai"

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request speaks to Responses."""
        return routes.claims(request)

    def largest(self, request: HttpRequest) -> int:  # noqa: ARG002 - contract
        """Return how many bytes the body of a request may have."""
        return LARGEST

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:
        """Return the call, or the refusal with which production answers an invalid request."""
        return decode.decode(request, models)

    def recall(self, call: Call, shelf: Shelf, wall: float) -> Call | Refusal:  # noqa: ARG002 - contract
        """Return the call with the conversation that it continues, or the refusal."""
        return recall.recall(call, shelf)

    def call_id(self, ids: random.Random) -> str:
        """Return a new id for a tool call."""
        return make_ids.call_id(ids)

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Encode an unstreamed answer."""
        return encode.plain(reply, call, envelope)

    def stream(
        self, reply: Reply, call: Call, envelope: Envelope
    ) -> tuple[Mapping[str, str], tuple[Frame, ...]]:
        """Encode a streamed answer: headers, and the events in order."""
        return stream.stream(reply, call, envelope)

    def sequence(self, frames: Sequence[Frame]) -> tuple[Frame, ...]:
        """Return the frames; an error among them gets its number and its response."""
        return stream.sequence(frames)

    def refuse(self, refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
        """Encode an error response."""
        return errors.refuse(refusal, call, envelope)

    def error_frame(self, refusal: Refusal, envelope: Envelope) -> Frame:
        """Encode an error as an event of its own."""
        return errors.error_frame(refusal, envelope)

    def count(self, tokens: int, call: Call, envelope: Envelope) -> HttpReply:  # noqa: ARG002 - contract
        """Encode the answer to `input_tokens`."""
        body = {"object": "response.input_tokens", "input_tokens": tokens}
        return encode.json_reply(body, envelope)

    def stored(self, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the answer to an operation on what is kept."""
        if "steer" in call.options:
            return websocket.steered(call, envelope)
        return stored.stored(call, envelope)

    def opened(self) -> Socket:
        """Return a WebSocket that was accepted."""
        return websocket.opened()

    def heard(self, call: Call, lane: Lane, shelf: Shelf) -> Call | Refusal:
        """Return a message's call with the conversation that it continues, or the refusal."""
        return websocket.heard(call, lane, shelf)

    def said(self, reply: HttpReply, asked: bytes, lane: Lane) -> str:
        """Return an answer in one piece as a message."""
        return websocket.said(reply, asked, lane)

    def models(self, call: Call, models: Models, envelope: Envelope) -> HttpReply:
        """Refuse to list models: no route of Responses asks for them.

        Raises:
            InternalError: always.
        """
        raise InternalError(
            f"{self.name} cannot answer {call.operation} with {models!r} at {envelope.wall}"
        )
