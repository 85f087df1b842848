"""Successful answers that are no messages."""

from __future__ import annotations

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, encoded
from chaoskit.dialects.anthropic import headers, ids
from chaoskit.exchange import HttpReply

__all__ = ["data", "json"]


def json(body: Json, envelope: Envelope) -> HttpReply:
    """Encode a JSON object."""
    return data(encoded(body), "application/json", envelope)


def data(content: bytes, kind: str, envelope: Envelope) -> HttpReply:
    """Encode bytes of some content type."""
    made = headers.common(kind, ids.request_id(envelope.ids), envelope)
    made["content-length"] = str(len(content))
    return HttpReply(status=200, headers=made, body=content)
