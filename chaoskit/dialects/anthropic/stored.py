"""The operations on what is kept, by their route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects import _form
from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects._request import query_of, vendor_of
from chaoskit.dialects.anthropic import batches, errors, files, replies
from chaoskit.dialects.anthropic.routes import Place
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply, HttpRequest

__all__ = ["options", "stored"]

_IN_THE_SENDERS_NAME = ("authorization", "x-api-key", "anthropic-version", "anthropic-beta")

_OPERATIONS: Mapping[str, Callable[[Mapping[str, Any], Shelf, Envelope], Json]] = {
    "create_batch": lambda given, shelf, envelope: batches.create(
        given["body"], given["sender"], shelf, envelope
    ),
    "list_batches": lambda given, shelf, _: batches.listed(given["query"], shelf),
    "retrieve_batch": lambda given, shelf, envelope: batches.retrieve(
        given["name"], shelf, envelope
    ),
    "cancel_batch": lambda given, shelf, envelope: batches.cancel(given["name"], shelf, envelope),
    "delete_batch": lambda given, shelf, _: batches.delete(given["name"], shelf),
    "create_file": lambda given, shelf, envelope: files.create(given["form"], shelf, envelope),
    "list_files": lambda given, shelf, _: files.listed(given["query"], shelf),
    "retrieve_file": lambda given, shelf, _: files.find(given["name"], shelf),
    "delete_file": lambda given, shelf, _: files.delete(given["name"], shelf),
}


def options(request: HttpRequest, place: Place, parse: Callable[[bytes], Json]) -> dict[str, Any]:
    """Return what an operation needs to know of its request.

    Raises:
        RefusedError: the body has the wrong form.
    """
    route = place.methods[request.method.upper()]
    found: dict[str, Any] = {"route": route, "name": place.name, "query": query_of(request)}
    if route == "create_file":
        form = _form.read(request.headers.get("content-type", ""), request.body)
        if form is None:
            raise invalid("Expected a request with 'Content-Type: multipart/form-data'.")
        found["form"] = form
    elif route == "create_batch":
        scheme = "https" if vendor_of(request) else "http"
        kept = {
            name: request.headers[name] for name in _IN_THE_SENDERS_NAME if name in request.headers
        }
        found["body"] = parse(request.body)
        url = f"{scheme}://{request.host}{place.base}"
        found["sender"] = batches.Sender(url=url, headers=kept)
    return found


def stored(call: Call, envelope: Envelope) -> HttpReply:
    """Encode the answer to an operation on what is kept."""
    if envelope.shelf is None:
        raise InternalError(f"{call.dialect} cannot answer {call.operation} without a shelf")
    given: Mapping[str, Any] = call.options
    try:
        if given["route"] == "read_file":
            found = files.content(given["name"], envelope.shelf)
            return replies.data(found, "application/octet-stream", envelope)
        if given["route"] == "read_results":
            found = batches.results(given["name"], envelope.shelf)
            return replies.data(found, "application/x-jsonl", envelope)
        body = _OPERATIONS[given["route"]](given, envelope.shelf, envelope)
        return replies.json(body, envelope)
    except RefusedError as error:
        return errors.refuse(error.refusal, call, envelope)
