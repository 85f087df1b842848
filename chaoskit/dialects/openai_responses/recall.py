"""Calls that continue something, completed by what the service keeps."""

from __future__ import annotations

from chaoskit.dialect import Shelf
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.openai_responses import kept, pairs
from chaoskit.dialects.openai_responses.decode import with_items
from chaoskit.dialects.openai_responses.items import Item
from chaoskit.exchange import Call, Refusal

__all__ = ["recall"]


def recall(call: Call, shelf: Shelf) -> Call | Refusal:
    """Return the call with its whole conversation, or the refusal."""
    given, whole = call.options.get("given"), call.options.get("items")
    if not isinstance(given, tuple):
        return call
    try:
        if isinstance(whole, tuple):
            _with_reasoning(whole, shelf)
            return call
        items = (*_earlier(call, shelf), *[_resolved(item, shelf) for item in given])
        pairs.check(items)
        _with_reasoning(items, shelf)
    except RefusedError as error:
        return error.refusal
    return with_items(call, items)


def _earlier(call: Call, shelf: Shelf) -> tuple[Item, ...]:
    previous = call.options.get("previous")
    if isinstance(previous, str):
        found = shelf.get(kept.RESPONSE, previous)
        if isinstance(found, kept.KeptResponse):
            return found.items
        raise invalid(
            f"Previous response with id '{previous}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    name = call.options.get("conversation")
    return kept.conversation(shelf, name).items if isinstance(name, str) else ()


def _resolved(item: Item, shelf: Shelf) -> Item:
    """Return the item that a reference stands for, or the item itself."""
    if item.kind != "item_reference":
        return item
    found = shelf.get(kept.ITEM, item.id)
    if isinstance(found, kept.KeptItem):
        return found.item
    message = (
        f"Item with id '{item.id}' not found. Items are not persisted when `store` is set to "
        "false. Try again with `store` set to true, or remove this item from your input."
    )
    raise RefusedError(Refusal(kind="not_found", message=message, param="input"))


def _with_reasoning(items: tuple[Item, ...], shelf: Shelf) -> None:
    """Check that no item that followed some reasoning comes back without it."""
    there = {item.id for item in items if item.kind == "reasoning"}
    for item in items:
        found = shelf.get(kept.ITEM, item.id) if item.id else None
        if isinstance(found, kept.KeptItem) and found.reasoning and found.reasoning not in there:
            raise invalid(
                f"Item '{item.id}' of type '{item.kind}' was provided without its required "
                f"'reasoning' item: '{found.reasoning}'.",
                param="input",
            )
