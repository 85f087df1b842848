"""Operations on responses and conversations that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import ids, pages
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.openai_responses import kept, stream
from chaoskit.dialects.openai_responses.encode import json_reply
from chaoskit.dialects.openai_responses.errors import refuse
from chaoskit.dialects.openai_responses.items import Item
from chaoskit.dialects.openai_responses.routes import Place
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply, Refusal

__all__ = ["stored"]


def stored(call: Call, envelope: Envelope) -> HttpReply:
    """Encode the answer to an operation on what is kept."""
    place = call.options.get("place")
    if not isinstance(place, Place):
        raise InternalError(f"{call.dialect} cannot answer {call.operation} without a place")
    try:
        if place.route == "retrieve" and _query(call).get("stream") == "true":
            return _again(place, call, envelope)
        return json_reply(_OPERATIONS[place.route](place, call, envelope), envelope)
    except RefusedError as error:
        return refuse(error.refusal, call, envelope)


def _again(place: Place, call: Call, envelope: Envelope) -> HttpReply:
    """Return the events of a response that was made in the background, or the last of them."""
    made = kept.response(envelope.shelf, place.name).body
    if not made["background"]:
        raise invalid("Only responses made in the background can be streamed.", param="stream")
    after = _query(call).get("starting_after", "")
    seen = int(after) + 1 if after.isascii() and after.isdigit() else 0
    data = b"".join([frame.encode() for frame in stream.events(made)[seen:]])
    return HttpReply(status=200, headers=stream.told(envelope), body=data)


def _retrieve(place: Place, _: Call, envelope: Envelope) -> Json:
    return kept.response(envelope.shelf, place.name).body


def _delete(place: Place, _: Call, envelope: Envelope) -> Json:
    found = kept.response(envelope.shelf, place.name)
    _shelf(envelope).drop(kept.RESPONSE, place.name)
    for item in found.body["output"]:
        _shelf(envelope).drop(kept.ITEM, item["id"])
    return {"id": place.name, "object": "response", "deleted": True}


def _cancel(place: Place, _: Call, envelope: Envelope) -> Json:
    found = kept.response(envelope.shelf, place.name)
    if not found.body["background"]:
        raise invalid("Cannot cancel a synchronous response.")
    return found.body  # it was ready as soon as it was asked for


def _input_items(place: Place, call: Call, envelope: Envelope) -> Json:
    found = kept.response(envelope.shelf, place.name)
    return _page(kept.identified(found.given, place.name), call)


def _create_conversation(_: Place, call: Call, envelope: Envelope) -> Json:
    body = _body(call)
    name = ids.item_id("conv", envelope.ids)
    made: Json = {
        "id": name,
        "object": "conversation",
        "created_at": int(envelope.wall),
        "metadata": body["metadata"],
    }
    items = kept.identified(body["items"], name)
    kept.put(_shelf(envelope), name, kept.KeptConversation(body=made).longer(items))
    return made


def _retrieve_conversation(place: Place, _: Call, envelope: Envelope) -> Json:
    return kept.conversation(envelope.shelf, place.name).body


def _update_conversation(place: Place, call: Call, envelope: Envelope) -> Json:
    found = kept.conversation(envelope.shelf, place.name)
    body = found.body | {"metadata": _body(call)["metadata"]}
    kept.put(_shelf(envelope), place.name, replace(found, body=body))
    return body


def _delete_conversation(place: Place, _: Call, envelope: Envelope) -> Json:
    kept.conversation(envelope.shelf, place.name)
    _shelf(envelope).drop(kept.CONVERSATION, place.name)
    return {"id": place.name, "object": "conversation.deleted", "deleted": True}


def _add_items(place: Place, call: Call, envelope: Envelope) -> Json:
    found = kept.conversation(envelope.shelf, place.name)
    items = kept.identified(_body(call)["items"], ids.item_id("add", envelope.ids))
    kept.put(_shelf(envelope), place.name, found.longer(items))
    return pages.listed([item.raw for item in items], more=False)


def _list_items(place: Place, call: Call, envelope: Envelope) -> Json:
    return _page(kept.conversation(envelope.shelf, place.name).items, call)


def _retrieve_item(place: Place, _: Call, envelope: Envelope) -> Json:
    return _item(kept.conversation(envelope.shelf, place.name), place).raw


def _delete_item(place: Place, _: Call, envelope: Envelope) -> Json:
    found = kept.conversation(envelope.shelf, place.name)
    gone = _item(found, place)
    rest = tuple([item for item in found.items if item is not gone])
    size = found.size - kept.size((gone,))
    kept.put(_shelf(envelope), place.name, replace(found, items=rest, size=size))
    return found.body


_OPERATIONS: Mapping[str, Callable[[Place, Call, Envelope], Json]] = {
    "retrieve": _retrieve,
    "delete": _delete,
    "cancel": _cancel,
    "input_items": _input_items,
    "create_conversation": _create_conversation,
    "retrieve_conversation": _retrieve_conversation,
    "update_conversation": _update_conversation,
    "delete_conversation": _delete_conversation,
    "add_items": _add_items,
    "list_items": _list_items,
    "retrieve_item": _retrieve_item,
    "delete_item": _delete_item,
}


def _shelf(envelope: Envelope) -> Any:
    if envelope.shelf is None:
        raise InternalError("an operation on what is kept needs a shelf")
    return envelope.shelf


def _item(found: kept.KeptConversation, place: Place) -> Item:
    for item in found.items:
        if item.id == place.item:
            return item
    message = f"Item with id '{place.item}' not found."
    raise RefusedError(Refusal(kind="not_found", message=message))


def _body(call: Call) -> Json:
    body = call.options.get("body")
    return body if isinstance(body, dict) else {}


def _query(call: Call) -> Json:
    query = call.options.get("query")
    return query if isinstance(query, dict) else {}


def _page(items: Iterable[Item], call: Call) -> Json:
    return pages.page([item.raw for item in items], _query(call))
