"""What the service keeps of responses and conversations, and how it is found again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

from chaoskit.dialect import Shelf
from chaoskit.dialects._json import Json, encoded
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
    "identified",
    "put",
    "response",
    "size",
]

RESPONSE = "response"
CONVERSATION = "conversation"
ITEM = "item"
_PREFIXES = {"function_call": "fc", "function_call_output": "fc", "reasoning": "rs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptResponse:
    """One response.

    Attributes:
        body: the response object as it ended.
        given: items of its own input.
        items: the whole conversation up to its end.
    """

    body: Json
    given: tuple[Item, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptConversation:
    """One conversation: its object and its items, all with ids.

    Attributes:
        size: bytes of the items.
    """

    body: Json
    items: tuple[Item, ...] = ()
    size: int = 0

    def longer(self, items: tuple[Item, ...]) -> KeptConversation:
        """Return the conversation with more items at its end."""
        return replace(self, items=(*self.items, *items), size=self.size + size(items))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptItem:
    """One item of the model's output; `reasoning` is the id of the item it must not be without."""

    item: Item
    reasoning: str = ""


def size(items: tuple[Item, ...]) -> int:
    """Return how many bytes items have, without those that they share with earlier ones."""
    return sum([len(encoded(item.raw)) for item in items])


def put(shelf: Shelf, name: str, whole: KeptConversation) -> None:
    """Keep a conversation, in place of what it was."""
    shelf.put(CONVERSATION, name, whole, size=whole.size)


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


def identified(items: tuple[Item, ...], owner: str) -> tuple[Item, ...]:
    """Return the items, all with ids; the same owner gives the same ones."""
    return tuple([_identified(item, f"{owner}:{at}") for at, item in enumerate(items)])


def _identified(item: Item, place: str) -> Item:
    if item.id:
        return item
    identity = blake2b(place.encode(), digest_size=25).hexdigest()
    identity = f"{_PREFIXES.get(item.kind, 'msg')}_{identity}"
    raw: Json = {"id": identity, "type": item.kind, "status": "completed"} | item.raw
    if isinstance(raw.get("content"), str):
        raw["content"] = [{"type": "input_text", "text": raw["content"]}]
    return replace(item, id=identity, raw=raw)


def _missing(message: str) -> RefusedError:
    return RefusedError(Refusal(kind="not_found", message=message))
