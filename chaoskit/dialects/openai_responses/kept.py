"""What the service keeps of responses and conversations, and how it is found again."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.dialect import Shelf
from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects.openai_responses.items import Item
from chaoskit.exchange import Refusal

__all__ = [
    "CONVERSATION",
    "ITEM",
    "RESPONSE",
    "KeptConversation",
    "KeptItem",
    "KeptResponse",
    "conversation",
    "response",
]

RESPONSE = "response"
CONVERSATION = "conversation"
ITEM = "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptResponse:
    """One response.

    Attributes:
        body: the response object as it ended.
        given: items of its own input, all with ids.
        items: the whole conversation up to its end.
    """

    body: Json
    given: tuple[Item, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptConversation:
    """One conversation: its object and its items, all with ids."""

    body: Json
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptItem:
    """One item of the model's output; `reasoning` is the id of the item it must not be without."""

    item: Item
    reasoning: str = ""


def response(shelf: Shelf | None, name: str) -> KeptResponse:
    """Return a response.

    Raises:
        RefusedError: it was never kept, or is gone.
    """
    kept = shelf.get(RESPONSE, name) if shelf is not None else None
    if not isinstance(kept, KeptResponse):
        raise _missing(f"Response with id '{name}' not found.")
    return kept


def conversation(shelf: Shelf | None, name: str) -> KeptConversation:
    """Return a conversation.

    Raises:
        RefusedError: it was never made, or is gone.
    """
    kept = shelf.get(CONVERSATION, name) if shelf is not None else None
    if not isinstance(kept, KeptConversation):
        raise _missing(f"Conversation with id '{name}' not found.")
    return kept


def _missing(message: str) -> RefusedError:
    return RefusedError(Refusal(kind="not_found", message=message))
