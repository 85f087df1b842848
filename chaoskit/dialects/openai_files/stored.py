"""The operations on what is kept, by their route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import errors, headers
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects.openai_files import batches, files, uploads
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpReply

__all__ = ["stored"]

_OPERATIONS: Mapping[object, Callable[[Mapping[str, Any], Shelf, Envelope], Json]] = {
    "create_file": lambda given, shelf, envelope: files.create(given["form"], shelf, envelope),
    "list_files": lambda given, shelf, _: files.listed(given["query"], shelf),
    "retrieve_file": lambda given, shelf, _: files.find(given["name"], shelf).body,
    "delete_file": lambda given, shelf, _: files.delete(given["name"], shelf),
    "create_upload": lambda given, shelf, envelope: uploads.create(given["body"], shelf, envelope),
    "add_part": lambda given, shelf, envelope: uploads.add(
        given["name"], given["form"], shelf, envelope
    ),
    "complete_upload": lambda given, shelf, envelope: uploads.complete(
        given["name"], given["body"], shelf, envelope
    ),
    "cancel_upload": lambda given, shelf, _: uploads.cancel(given["name"], shelf),
    "create_batch": lambda given, shelf, envelope: batches.create(
        given["body"], given["authorization"], shelf, envelope
    ),
    "list_batches": lambda given, shelf, _: batches.listed(given["query"], shelf),
    "retrieve_batch": lambda given, shelf, envelope: batches.retrieve(
        given["name"], shelf, envelope
    ),
    "cancel_batch": lambda given, shelf, envelope: batches.cancel(given["name"], shelf, envelope),
}


def stored(call: Call, envelope: Envelope) -> HttpReply:
    """Encode the answer to an operation on what is kept."""
    if envelope.shelf is None:
        raise InternalError(f"{call.dialect} cannot answer {call.operation} without a shelf")
    given: Mapping[str, Any] = call.options
    try:
        if given["route"] == "read_file":
            data = files.find(given["name"], envelope.shelf).readable
            return _reply(data, "application/octet-stream", envelope)
        body = _OPERATIONS[given["route"]](given, envelope.shelf, envelope)
        return _reply(dumps(body).encode(), "application/json", envelope)
    except RefusedError as error:
        return errors.refuse(error.refusal, call, envelope)


def _reply(data: bytes, kind: str, envelope: Envelope) -> HttpReply:
    return HttpReply.whole(200, headers.common(kind, envelope), data)
