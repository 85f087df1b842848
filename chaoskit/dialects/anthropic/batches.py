"""Batches: many requests at once, answered without anybody waiting for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._json import Json, dumps, encoded
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.anthropic import headers, ids, pages, values
from chaoskit.errors import InternalError
from chaoskit.exchange import HttpReply, HttpRequest, Refusal

__all__ = ["Sender", "cancel", "create", "delete", "listed", "results", "retrieve"]

_BATCH = "batch"
_MOST = 100_000
_LIFE = 86_400  # seconds
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sent a batch.

    Attributes:
        url: the base URL of the API as the sender knows it.
        headers: those by which each request is sent in the sender's name.
    """

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    body: Json
    sender: Sender
    requests: tuple[Json, ...]
    lines: tuple[Json, ...] = ()


def create(body: Json, sender: Sender, shelf: Shelf, envelope: Envelope) -> Json:
    """Take a batch in; its requests are looked at when they are answered.

    Raises:
        RefusedError: its form is wrong.
    """
    requests = _requests(body)
    made: Json = {
        "id": ids.batch_id(envelope.ids),
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": dict.fromkeys(_COUNTS, 0) | {"processing": len(requests)},
        "ended_at": None,
        "created_at": headers.timestamp(envelope.wall),
        "expires_at": headers.timestamp(envelope.wall + _LIFE),
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
    }
    _keep(_Kept(body=made, sender=sender, requests=requests), shelf)
    return made


def retrieve(name: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Return a batch; whoever asks for it finds it done."""
    found = _find(name, shelf)
    if found.body["processing_status"] != "ended":
        found = _ended(found, _answered(found, envelope), shelf, envelope)
    return found.body


def cancel(name: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Give a batch up: what nobody has answered yet is canceled."""
    found = _find(name, shelf)
    if found.body["processing_status"] == "ended":
        raise invalid(f"Batch {name} has already ended and cannot be canceled.")
    told = {"cancel_initiated_at": headers.timestamp(envelope.wall)}
    found = replace(found, body=found.body | told)
    lines = tuple(
        [{"custom_id": r["custom_id"], "result": {"type": "canceled"}} for r in found.requests]
    )
    _ended(found, lines, shelf, envelope)
    return found.body | {"processing_status": "canceling"}


def delete(name: str, shelf: Shelf) -> Json:
    """Forget a batch that has ended."""
    if _find(name, shelf).body["processing_status"] != "ended":
        raise invalid(f"Batch {name} cannot be deleted while it is in progress.")
    shelf.drop(_BATCH, name)
    return {"id": name, "type": "message_batch_deleted"}


def results(name: str, shelf: Shelf) -> bytes:
    """Return the results, a line for each request, in no particular order.

    Raises:
        RefusedError: there are none yet.
    """
    found = _find(name, shelf)
    if found.body["results_url"] is None:
        raise RefusedError(
            Refusal(kind="not_found", message=f"Batch {name} has no available results.")
        )
    return "".join([f"{dumps(line)}\n" for line in reversed(found.lines)]).encode()


def listed(query: Mapping[str, Any], shelf: Shelf) -> Json:
    """Return a page of the batches, the newest first."""
    found = [batch.body for batch in shelf.all(_BATCH) if isinstance(batch, _Kept)]
    return pages.page(list(reversed(found)), pages.bounds(dict(query)))


def _requests(body: Json) -> tuple[Json, ...]:
    values.known(body, {"requests"}, "")
    items = values.array(values.required(body, "requests", "requests"), "requests")
    if not items:
        raise invalid("requests: List should have at least 1 item after validation, not 0")
    if len(items) > _MOST:
        raise invalid(f"requests: List should have at most {_MOST} items after validation")
    seen: set[str] = set()
    for at, item in enumerate(items):
        path = f"requests.{at}"
        request = values.record(item, path)
        custom = values.required(request, "custom_id", f"{path}.custom_id")
        if not _NAME.match(values.string(custom, f"{path}.custom_id")):
            raise invalid(
                f"{path}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            )
        if custom in seen:
            raise invalid(f"{path}.custom_id: custom_id must be unique within a batch: {custom}")
        seen.add(custom)
        params = values.required(request, "params", f"{path}.params")
        if values.record(params, f"{path}.params").get("stream"):
            raise invalid(f"{path}.params.stream: streaming is not supported in batches")
        values.known(request, {"custom_id", "params"}, f"{path}.")
    return tuple(items)


def _answered(found: _Kept, envelope: Envelope) -> tuple[Json, ...]:
    return tuple(
        [
            {"custom_id": r["custom_id"], "result": _result(r["params"], found.sender, envelope)}
            for r in found.requests
        ]
    )


def _result(params: Json, sender: Sender, envelope: Envelope) -> Json:
    if envelope.ask is None:
        raise InternalError("a batch needs somebody who answers its requests")
    reply: HttpReply = envelope.ask(
        HttpRequest(
            method="POST",
            host="api.anthropic.com",
            path="/v1/messages",
            headers=sender.headers,
            body=dumps(params).encode(),
        )
    )
    body = json.loads(reply.body)
    if reply.status != 200:
        return {"type": "errored", "error": body}
    body["usage"]["service_tier"] = "batch"
    return {"type": "succeeded", "message": body}


def _ended(found: _Kept, lines: tuple[Json, ...], shelf: Shelf, envelope: Envelope) -> _Kept:
    counts = dict.fromkeys(_COUNTS, 0)
    for line in lines:
        counts[line["result"]["type"]] += 1
    body = found.body | {
        "processing_status": "ended",
        "request_counts": counts,
        "ended_at": headers.timestamp(envelope.wall),
        "results_url": f"{found.sender.url}/v1/messages/batches/{found.body['id']}/results",
    }
    done = replace(found, body=body, lines=lines)
    _keep(done, shelf)
    return done


def _keep(batch: _Kept, shelf: Shelf) -> None:
    size = len(encoded(batch.requests)) + len(encoded(batch.lines))
    shelf.put(_BATCH, batch.body["id"], batch, size=size)


def _find(name: str, shelf: Shelf) -> _Kept:
    found = shelf.get(_BATCH, name)
    if not isinstance(found, _Kept):
        raise RefusedError(Refusal(kind="not_found", message=f"Batch {name} not found"))
    return found
