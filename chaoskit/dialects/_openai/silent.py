"""What dialects of OpenAI have in common in which no model speaks."""

from __future__ import annotations

import random
from collections.abc import Mapping

from chaoskit.dialect import Envelope, Models
from chaoskit.dialects._openai import errors, ids
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply, Refusal, Reply
from chaoskit.steps import Frame

__all__ = ["Silent"]


class Silent:
    """Answers none of the operations of models: to ask for one is a mistake of the harness."""

    name: str = ""
    provider: str = "openai"

    def call_id(self, ids_: random.Random) -> str:
        """Return a new id for a tool call."""
        return ids.call_id(ids_)

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Refuse to answer."""
        raise self._impossible(call, reply, envelope)

    def stream(
        self, reply: Reply, call: Call, envelope: Envelope
    ) -> tuple[Mapping[str, str], tuple[Frame, ...]]:
        """Refuse to stream."""
        raise self._impossible(call, reply, envelope)

    def refuse(self, refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
        """Encode an error response."""
        return errors.refuse(refusal, call, envelope)

    def error_frame(self, refusal: Refusal, envelope: Envelope) -> Frame:
        """Encode an error as an event of its own."""
        return errors.error_frame(refusal, envelope)

    def count(self, tokens: int, call: Call, envelope: Envelope) -> HttpReply:
        """Refuse to encode a number of tokens."""
        raise self._impossible(call, tokens, envelope)

    def models(self, call: Call, models: Models, envelope: Envelope) -> HttpReply:
        """Refuse to list models."""
        raise self._impossible(call, models, envelope)

    def _impossible(self, call: Call, what: object, envelope: Envelope) -> InternalError:
        return InternalError(
            f"{self.name} cannot answer {call.operation} with {what!r} at {envelope.wall}"
        )
