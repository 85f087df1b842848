"""Files that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._form import Field
from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.anthropic import headers, ids, pages
from chaoskit.exchange import Refusal

__all__ = ["content", "create", "delete", "find", "listed"]

_FILE = "file"
_LONGEST = 500  # characters of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    body: Json
    data: bytes


def create(fields: Mapping[str, Field], shelf: Shelf, envelope: Envelope) -> Json:
    """Keep the file of a form.

    Raises:
        RefusedError: there is none, or its name is too long.
    """
    file = fields.get("file")
    if file is None:
        raise invalid("file: Field required")
    if len(file.filename) > _LONGEST:
        raise invalid(f"file: Filename must be at most {_LONGEST} characters")
    expires = fields.get("expires_in_seconds")
    seconds = _seconds(expires.text) if expires is not None else 0
    body: Json = {
        "id": ids.file_id(envelope.ids),
        "type": "file",
        "filename": file.filename or "file",
        "mime_type": file.content_type or "application/octet-stream",
        "size_bytes": len(file.data),
        "created_at": headers.timestamp(envelope.wall),
        "downloadable": False,  # only what the model's own tools wrote can be read back
        "expires_at": headers.timestamp(envelope.wall + seconds) if seconds else None,
    }
    shelf.put(_FILE, body["id"], _Kept(body=body, data=file.data), size=len(file.data))
    return body


def find(name: str, shelf: Shelf) -> Json:
    """Return a file's metadata."""
    return _find(name, shelf).body


def content(name: str, shelf: Shelf) -> bytes:
    """Return the bytes of a file.

    Raises:
        RefusedError: it was uploaded, and such files are not given out.
    """
    found = _find(name, shelf)
    if not found.body["downloadable"]:
        raise RefusedError(
            Refusal(
                kind="invalid_request",
                message=f"File {name} is not downloadable",
                code="file_not_downloadable",
            )
        )
    return found.data


def delete(name: str, shelf: Shelf) -> Json:
    """Forget a file."""
    find(name, shelf)
    shelf.drop(_FILE, name)
    return {"id": name, "type": "file_deleted"}


def listed(query: Mapping[str, Any], shelf: Shelf) -> Json:
    """Return a page of the files, the newest first."""
    found = [file.body for file in shelf.all(_FILE) if isinstance(file, _Kept)]
    after = str(query.get("page", "")).removeprefix("page_")
    wanted = pages.bounds(dict(query)) | ({"after_id": after} if after else {})
    made = pages.page(list(reversed(found)), wanted)
    return made | {"next_page": f"page_{made['last_id']}" if made["has_more"] else None}


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise invalid("expires_in_seconds: Input should be a valid integer")
    return int(text)


def _find(name: str, shelf: Shelf) -> _Kept:
    found = shelf.get(_FILE, name)
    if not isinstance(found, _Kept):
        raise RefusedError(Refusal(kind="not_found", message=f"File not found: {name}"))
    return found
