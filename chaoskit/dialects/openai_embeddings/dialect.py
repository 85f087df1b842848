"""Embeddings as a dialect."""

from __future__ import annotations

from chaoskit.dialect import Envelope, Models
from chaoskit.dialects._openai import paths
from chaoskit.dialects._openai.request import LARGEST
from chaoskit.dialects._openai.silent import Silent
from chaoskit.dialects.openai_embeddings import decode, encode
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply

__all__ = ["OpenAIEmbeddingsDialect"]


class OpenAIEmbeddingsDialect(Silent):
    """OpenAI's embeddings, which are neither streamed nor counted by themselves."""

    name: str = decode.NAME

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request asks for embeddings."""
        return paths.collection(request) == "embeddings"

    def largest(self, request: HttpRequest) -> int:  # noqa: ARG002 - contract
        """Return how many bytes the body of a request may have."""
        return LARGEST

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:
        """Return the call, or the refusal with which production answers an invalid request."""
        return decode.decode(request, models)

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the vectors."""
        return encode.plain(reply, call, envelope)
