"""The bodies of the operations that keep something without asking the model."""

from __future__ import annotations

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import metadata, values
from chaoskit.dialects._openai.request import parse
from chaoskit.dialects.openai_responses import items
from chaoskit.dialects.openai_responses.routes import Route

__all__ = ["read"]


def read(route: Route, data: bytes) -> Json:
    """Return the body; none at all is an empty one.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    body = parse(data) if data.strip() else {}
    if route in ("create_conversation", "update_conversation"):
        body["metadata"] = metadata.read(body.get("metadata"))
    if route in ("create_conversation", "add_items"):
        if route == "add_items":
            values.required(body, "items", "items")
        given = body.get("items")
        read_items = items.read([] if given is None else values.array(given, "items"), "items")
        return {**body, "items": read_items}
    return body
