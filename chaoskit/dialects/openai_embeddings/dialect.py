"""Embeddings as a dialect."""

from __future__ import annotations

import random
from collections.abc import Mapping

from chaoskit.dialect import Envelope, Models
from chaoskit.dialects._openai import errors, ids, paths
from chaoskit.dialects.openai_embeddings import decode, encode
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply
from chaoskit.steps import Frame

__all__ = ["OpenAIEmbeddingsDialect"]


class OpenAIEmbeddingsDialect:
    """OpenAI's embeddings, which are neither streamed nor counted by themselves."""

    name: str = decode.NAME
    provider: str = "openai"

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request asks for embeddings."""
        return paths.collection(request) == "embeddings"

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:
        """Return the call, or the refusal with which production answers an invalid request."""
        return decode.decode(request, models)

    def call_id(self, ids_: random.Random) -> str:
        """Return a new id for a tool call."""
        return ids.call_id(ids_)

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the vectors."""
        return encode.plain(reply, call, envelope)

    def stream(
        self,
        reply: Reply,  # noqa: ARG002 - the contract's signature
        call: Call,
        envelope: Envelope,  # noqa: ARG002 - likewise
    ) -> tuple[Mapping[str, str], tuple[Frame, ...]]:
        """Refuse to stream.

        Raises:
            InternalError: always.
        """
        raise self._impossible(call)

    def refuse(self, refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
        """Encode an error response."""
        return errors.refuse(refusal, call, envelope)

    def error_frame(self, refusal: Refusal, envelope: Envelope) -> Frame:
        """Encode an error as an event of its own."""
        return errors.error_frame(refusal, envelope)

    def count(
        self,
        tokens: int,  # noqa: ARG002 - the contract's signature
        call: Call,
        envelope: Envelope,  # noqa: ARG002 - likewise
    ) -> HttpReply:
        """Refuse to encode a number of tokens.

        Raises:
            InternalError: always.
        """
        raise self._impossible(call)

    def models(
        self,
        call: Call,
        models: Models,  # noqa: ARG002 - the contract's signature
        envelope: Envelope,  # noqa: ARG002 - likewise
    ) -> HttpReply:
        """Refuse to list models.

        Raises:
            InternalError: always.
        """
        raise self._impossible(call)

    def _impossible(self, call: Call) -> InternalError:
        return InternalError(f"{self.name} cannot answer {call.operation} like this")
