"""Chat Completions as a dialect."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from chaoskit.dialect import Envelope, Models
from chaoskit.dialects._openai import errors
from chaoskit.dialects._openai import ids as make_ids
from chaoskit.dialects._openai.request import LARGEST
from chaoskit.dialects.openai_chat import decode, encode, listing, routes, stream
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply
from chaoskit.steps import Frame

__all__ = ["OpenAIChatDialect"]


class OpenAIChatDialect:
    """OpenAI's Chat Completions, and whoever speaks them."""

    name: str = "openai_chat"
    provider: str = "openai"

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request speaks to Chat Completions."""
        return routes.claims(request)

    def largest(self, request: HttpRequest) -> int:  # noqa: ARG002 - contract
        """Return how many bytes the body of a request may have."""
        return LARGEST

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:
        """Return the call, or the refusal with which production answers an invalid request."""
        return decode.decode(request, models)

    def call_id(self, ids: random.Random) -> str:
        """Return a new id for a tool call."""
        return make_ids.call_id(ids)

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Encode an unstreamed answer."""
        return encode.plain(reply, call, envelope)

    def stream(
        self, reply: Reply, call: Call, envelope: Envelope
    ) -> tuple[Mapping[str, str], Sequence[Frame]]:
        """Encode a streamed answer: headers, and the chunks in order."""
        return stream.stream(reply, call, envelope)

    def refuse(self, refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
        """Encode an error response."""
        return errors.refuse(refusal, call, envelope)

    def error_frame(self, refusal: Refusal, envelope: Envelope) -> Frame:
        """Encode an error as a chunk of its own."""
        return errors.error_frame(refusal, envelope)

    def count(self, tokens: int, call: Call, envelope: Envelope) -> HttpReply:
        """Refuse to encode a number of tokens: no route of Chat Completions asks for it.

        Raises:
            InternalError: always.
        """
        raise InternalError(
            f"{self.name} cannot answer {call.operation} with {tokens} tokens at {envelope.wall}"
        )

    def models(self, call: Call, models: Models, envelope: Envelope) -> HttpReply:
        """Encode the answer to `list_models` and `get_model`."""
        return listing.models(call, models, envelope)
