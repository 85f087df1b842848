"""Conversations made short: what the user said stays, all else becomes one sealed item."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import ids, values
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses import kept
from chaoskit.dialects.openai_responses.items import Item, unknown
from chaoskit.exchange import Call, Reply

__all__ = ["check", "compacted"]

_FIELDS = frozenset(
    {
        *("image", "input", "instructions", "model", "previous_response_id"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "service_tier"),
    }
)


def check(body: Json) -> None:
    """Check that a request to compact has no other fields than it may have.

    Raises:
        RefusedError: with the message that names the first that it may not have.
    """
    for name in body:
        if name not in _FIELDS:
            raise unknown(name)
    if body.get("model") is None:
        raise invalid(
            "Missing required parameter: 'model'.",
            param="model",
            code="missing_required_parameter",
        )
    values.string(body["model"], "model")


def compacted(reply: Reply, call: Call, envelope: Envelope, usage: Json) -> Json:
    """Return the conversation of a call as it goes on: its user's messages, and the sealed rest."""
    name = ids.item_id("resp", envelope.ids)
    found = call.options.get("items")
    items: tuple[Item, ...] = found if isinstance(found, tuple) else ()
    said = kept.identified(tuple([item for item in items if item.role == "user"]), name)
    sealed = urlsafe_b64encode(reply.text.encode(errors="replace")).decode()
    return {
        "id": name,
        "object": "response.compaction",
        "created_at": int(envelope.wall),
        "output": [
            *[item.raw for item in said],
            {
                "id": ids.item_id("cmp", envelope.ids),
                "type": "compaction",
                "encrypted_content": f"gAAAAAB{sealed}",
            },
        ],
        "usage": usage,
    }
