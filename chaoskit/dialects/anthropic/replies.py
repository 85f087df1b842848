"""Successful answers that are no messages."""

from __future__ import annotations

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, encoded
from chaoskit.dialects.anthropic import headers, ids
from chaoskit.exchange import HttpReply

__all__ = ["data", "json"]


def json(body: Json, envelope: Envelope, *, limited: bool = False) -> HttpReply:
    """Encode a JSON object; the rate limits are told where they were asked."""
    return data(encoded(body), "application/json", envelope, limited=limited)


def data(content: bytes, kind: str, envelope: Envelope, *, limited: bool = False) -> HttpReply:
    """Encode bytes of some content type."""
    made = headers.common(kind, ids.request_id(envelope.ids), envelope)
    if limited:
        made |= headers.limits(envelope)
    return HttpReply.whole(200, made, content)
