"""Files that arrive in parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._form import Field
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import ids, values
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_files import files

__all__ = ["add", "cancel", "complete", "create"]

_UPLOAD = "upload"
_LIFE = 3600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    body: Json
    parts: tuple[tuple[str, bytes], ...] = ()


def create(body: Json, shelf: Shelf, envelope: Envelope) -> Json:
    """Begin an upload."""
    for name in ("filename", "purpose", "mime_type"):
        values.string(values.required(body, name, name), name)
    size = values.integer(values.required(body, "bytes", "bytes"), "bytes", 0)
    now = int(envelope.wall)
    made: Json = {
        "id": ids.item_id("upload", envelope.ids),
        "object": "upload",
        "bytes": size,
        "created_at": now,
        "expires_at": now + _LIFE,
        "filename": body["filename"],
        "purpose": body["purpose"],
        "status": "pending",
        "file": None,
    }
    shelf.put(_UPLOAD, made["id"], _Kept(body=made))
    return made


def add(name: str, fields: dict[str, Field], shelf: Shelf, envelope: Envelope) -> Json:
    """Keep one part."""
    found = _pending(name, shelf)
    values.required(fields, "data", "data")
    part = ids.item_id("part", envelope.ids)
    parts = (*found.parts, (part, fields["data"].data))
    size = sum([len(data) for _, data in parts])
    shelf.put(_UPLOAD, name, replace(found, parts=parts), size=size)
    return {
        "id": part,
        "object": "upload.part",
        "created_at": int(envelope.wall),
        "upload_id": name,
    }


def complete(name: str, body: Json, shelf: Shelf, envelope: Envelope) -> Json:
    """Put the parts together, in the order that the request names."""
    found = _pending(name, shelf)
    known = dict(found.parts)
    data = b""
    for at, part in enumerate(
        values.array(values.required(body, "part_ids", "part_ids"), "part_ids")
    ):
        param = f"part_ids[{at}]"
        if values.string(part, param) not in known:
            raise invalid(f"Part '{part}' does not belong to upload '{name}'.", param=param)
        data += known[part]
    told = found.body
    if len(data) != told["bytes"]:
        raise invalid(
            f"The upload has {len(data)} bytes, but {told['bytes']} bytes were announced.",
            param="bytes",
        )
    file = files.kept(told["filename"], data, told["purpose"], shelf, envelope)
    return _ended(found, shelf, {"status": "completed", "file": file})


def cancel(name: str, shelf: Shelf) -> Json:
    """Give an upload up."""
    return _ended(_pending(name, shelf), shelf, {"status": "cancelled"})


def _ended(found: _Kept, shelf: Shelf, changes: Json) -> Json:
    body = found.body | changes
    shelf.put(_UPLOAD, body["id"], _Kept(body=body))
    return body


def _pending(name: str, shelf: Shelf) -> _Kept:
    found = shelf.get(_UPLOAD, name)
    if not isinstance(found, _Kept):
        raise files.no_such("Upload", name)
    status = found.body["status"]
    if status != "pending":
        raise invalid(f"Upload '{name}' is {status} and cannot be changed.")
    return found
