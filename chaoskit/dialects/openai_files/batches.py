"""Batches: many requests in one file, answered without anybody waiting for them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import metadata, pages, values
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.openai_files import files
from chaoskit.errors import InternalError
from chaoskit.exchange import HttpReply, HttpRequest

__all__ = ["cancel", "create", "listed", "retrieve"]

_BATCH = "batch"
_ENDPOINTS = ("/v1/responses", "/v1/chat/completions", "/v1/embeddings")
_LIFE = 86_400  # seconds
_ENDS = ("completed", "failed", "cancelled", "expired")
_TIMES = (
    *("in_progress_at", "finalizing_at", "completed_at", "failed_at"),
    *("expired_at", "cancelling_at", "cancelled_at"),
)


def create(body: Json, authorization: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Take a batch in: it is only looked at, until somebody asks how it is getting on."""
    param = "input_file_id"
    name = values.string(values.required(body, param, param), param)
    endpoint = values.one_of(values.required(body, "endpoint", "endpoint"), _ENDPOINTS, "endpoint")
    window = values.required(body, "completion_window", "completion_window")
    values.one_of(window, ("24h",), "completion_window")
    file = files.find(name, shelf)
    if file.body["purpose"] != "batch":
        raise invalid("Invalid file purpose: expected 'batch'.", param=param)
    now = int(envelope.wall)
    made: Json = {
        "id": f"batch_{envelope.ids.getrandbits(128):032x}",
        "object": "batch",
        "endpoint": endpoint,
        "errors": None,
        "input_file_id": name,
        "completion_window": window,
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": now,
        "expires_at": now + _LIFE,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": metadata.read(body.get("metadata")),
    }
    made |= dict.fromkeys(_TIMES)
    shelf.put(_BATCH, made["id"], (made, authorization))
    return made


def retrieve(name: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Return a batch; whoever asks for it finds it done."""
    body, authorization = _find(name, shelf)
    if body["status"] not in _ENDS:
        body = body | _done(body, authorization, shelf, envelope)
        shelf.put(_BATCH, name, (body, authorization))
    return body


def cancel(name: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Give a batch up."""
    body, authorization = _find(name, shelf)
    if body["status"] in _ENDS:
        raise invalid(f"Cannot cancel a batch with status '{body['status']}'.")
    now = int(envelope.wall)
    body = body | {"status": "cancelled", "cancelling_at": now, "cancelled_at": now}
    shelf.put(_BATCH, name, (body, authorization))
    return body


def listed(query: dict[str, str], shelf: Shelf) -> Json:
    """Return a page of the batches."""
    return pages.page([found[0] for found in shelf.all(_BATCH) if isinstance(found, tuple)], query)


def _find(name: str, shelf: Shelf) -> tuple[Json, str]:
    found = shelf.get(_BATCH, name)
    if not isinstance(found, tuple):
        raise files.no_such("Batch", name)
    return found


def _done(body: Json, authorization: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Answer all requests and return what has changed."""
    now = int(envelope.wall)
    try:
        requests = list(_requests(files.find(body["input_file_id"], shelf).data, body["endpoint"]))
    except RefusedError as error:
        told = {"code": "invalid_json_line", "message": error.refusal.message, "line": None}
        errors = {"object": "list", "data": [told | {"param": error.refusal.param}]}
        return {"status": "failed", "failed_at": now, "errors": errors}
    good: list[str] = []
    bad: list[str] = []
    for custom, given in requests:
        reply = _answered(given, body["endpoint"], authorization, envelope)
        line = {
            "id": f"batch_req_{envelope.ids.getrandbits(128):032x}",
            "custom_id": custom,
            "response": {
                "status_code": reply.status,
                "request_id": reply.headers.get("x-request-id"),
                "body": json.loads(reply.body),
            },
            "error": None,
        }
        (good if reply.status == 200 else bad).append(dumps(line))
    changes: Json = {"status": "completed"}
    changes |= dict.fromkeys(("in_progress_at", "finalizing_at", "completed_at"), now)
    changes["request_counts"] = {
        "total": len(requests),
        "completed": len(good),
        "failed": len(bad),
    }
    for kind, lines in (("output", good), ("error", bad)):
        if lines:
            data = "".join(f"{line}\n" for line in lines).encode()
            name = f"{body['id']}_{kind}.jsonl"
            file = files.kept(name, data, "batch_output", shelf, envelope)
            changes[f"{kind}_file_id"] = file["id"]
    return changes


def _requests(data: bytes, endpoint: str) -> Iterator[tuple[str, Json]]:
    """Yield name and body of each request.

    Raises:
        RefusedError: a line is wrong.
    """
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError:
            raise invalid(f"Line {number}: this line is not parseable as valid JSON.") from None
        request = values.record(request, f"line {number}")
        custom = values.required(request, "custom_id", "custom_id")
        if values.required(request, "url", "url") != endpoint:
            raise invalid(
                f"Line {number}: the URL provided for this request does not match the batch "
                "endpoint.",
                param="url",
            )
        body = values.record(values.required(request, "body", "body"), "body")
        yield values.string(custom, "custom_id"), body


def _answered(body: Json, endpoint: str, authorization: str, envelope: Envelope) -> HttpReply:
    if envelope.ask is None:
        raise InternalError("a batch needs somebody who answers its requests")
    body = {name: value for name, value in body.items() if name not in ("stream", "background")}
    return envelope.ask(
        HttpRequest(
            method="POST",
            host="api.openai.com",
            path=endpoint,
            headers={"authorization": authorization, "content-type": "application/json"},
            body=dumps(body).encode(),
        )
    )
