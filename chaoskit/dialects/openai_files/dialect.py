"""Files, uploads and batches as a dialect."""

from __future__ import annotations

from chaoskit.dialect import Envelope, Models, Shelf
from chaoskit.dialects._openai.silent import Silent
from chaoskit.dialects.openai_files import decode, stored
from chaoskit.dialects.openai_files.routes import TABLE
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal

__all__ = ["OpenAIFilesDialect"]


class OpenAIFilesDialect(Silent):
    """OpenAI's files, uploads and batches, which ask no model by themselves."""

    name: str = decode.NAME

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is for something that is kept."""
        return TABLE.claims(request)

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:  # noqa: ARG002 - contract
        """Return the call, or the refusal with which production answers an invalid request."""
        return decode.decode(request)

    def recall(self, call: Call, shelf: Shelf, wall: float) -> Call | Refusal:  # noqa: ARG002 - contract
        """Return the call, which is whole."""
        return call

    def stored(self, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the answer to an operation on what is kept."""
        return stored.stored(call, envelope)
