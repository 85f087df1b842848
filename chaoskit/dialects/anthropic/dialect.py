"""The Claude API as a dialect."""

from __future__ import annotations

import random
from collections.abc import Mapping

from chaoskit.dialect import Envelope, Models, Shelf
from chaoskit.dialects.anthropic import decode, encode, errors, listing, routes, stored, stream
from chaoskit.dialects.anthropic import ids as make_ids
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply
from chaoskit.steps import Frame

__all__ = ["AnthropicDialect"]


class AnthropicDialect:
    """The Messages API, versions 2023-06-01 and 2026-10-21."""

    name: str = "anthropic"
    provider: str = "anthropic"

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request speaks to the Claude API."""
        return routes.claims(request)

    def largest(self, request: HttpRequest) -> int:
        """Return how many bytes the body of a request may have."""
        return routes.largest(request)

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:
        """Return the call, or the refusal with which production answers an invalid request."""
        return decode.decode(request, models)

    def recall(self, call: Call, shelf: Shelf, wall: float) -> Call | Refusal:
        """Return the call with the conversation that its thread holds, or the refusal."""
        return decode.recall(call, shelf, wall)

    def stored(self, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the answer to an operation on batches and files."""
        return stored.stored(call, envelope)

    def call_id(self, ids: random.Random) -> str:
        """Return a new id for a tool call."""
        return make_ids.tool_use_id(ids)

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Encode an unstreamed answer."""
        return encode.plain(reply, call, envelope)

    def stream(
        self, reply: Reply, call: Call, envelope: Envelope
    ) -> tuple[Mapping[str, str], tuple[Frame, ...]]:
        """Encode a streamed answer: headers, and the events in order."""
        return stream.stream(reply, call, envelope)

    def refuse(self, refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
        """Encode an error response."""
        return errors.refuse(refusal, call, envelope)

    def error_frame(self, refusal: Refusal, envelope: Envelope) -> Frame:
        """Encode an `error` event."""
        return errors.error_frame(refusal, envelope)

    def count(self, tokens: int, call: Call, envelope: Envelope) -> HttpReply:  # noqa: ARG002 - the protocol's
        """Encode the answer to `count_tokens`."""
        return encode.count(tokens, envelope)

    def models(self, call: Call, models: Models, envelope: Envelope) -> HttpReply:
        """Encode the answer to `list_models` and `get_model`."""
        return listing.models(call, models, envelope)
