"""Which requests are for Responses and conversations, and for which of their operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chaoskit.dialects._openai.paths import Table
from chaoskit.dialects._openai.request import allow
from chaoskit.exchange import HttpRequest
from chaoskit.sockets import MESSAGE, is_offered

__all__ = ["Place", "Route", "claims", "route"]

Route: TypeAlias = Literal[
    "create",
    "upgrade",
    "event",
    "input_tokens",
    "compact",
    "retrieve",
    "delete",
    "cancel",
    "input_items",
    "create_conversation",
    "retrieve_conversation",
    "update_conversation",
    "delete_conversation",
    "add_items",
    "list_items",
    "retrieve_item",
    "delete_item",
]


@dataclass(frozen=True, slots=True)
class Place:
    """An operation, and the names in its path: of a response or conversation, and of an item."""

    route: Route
    name: str = ""
    item: str = ""


_RESPONSE: dict[tuple[str, ...], dict[str, Route]] = {
    (): {"POST": "create", "GET": "upgrade", MESSAGE: "event"},
    ("input_tokens",): {"POST": "input_tokens"},
    ("compact",): {"POST": "compact"},
    ("*",): {"GET": "retrieve", "DELETE": "delete"},
    ("*", "cancel"): {"POST": "cancel"},
    ("*", "input_items"): {"GET": "input_items"},
}
_CONVERSATION: dict[tuple[str, ...], dict[str, Route]] = {
    (): {"POST": "create_conversation"},
    ("*",): {
        "GET": "retrieve_conversation",
        "POST": "update_conversation",
        "DELETE": "delete_conversation",
    },
    ("*", "items"): {"POST": "add_items", "GET": "list_items"},
    ("*", "items", "*"): {"GET": "retrieve_item", "DELETE": "delete_item"},
}
_TABLE: Table[Route] = Table({"responses": _RESPONSE, "conversations": _CONVERSATION})


def claims(request: HttpRequest) -> bool:
    """Tell whether a request speaks to Responses, at any base URL."""
    return _TABLE.claims(request)


def route(request: HttpRequest) -> Place:
    """Return the operation and the names in the path.

    Raises:
        RefusedError: there is no such path, or not with this method.
    """
    found, names = _TABLE.route(request)
    if found == "upgrade" and not is_offered(request.headers):
        allow(request, "POST")
    return Place(found, *names)
