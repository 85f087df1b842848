"""Files that are kept."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._form import Field
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import ids, pages, values
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.exchange import Refusal

__all__ = ["FILE", "KeptFile", "create", "delete", "find", "kept", "listed", "no_such"]

FILE = "file"
_PURPOSES = (
    *("assistants", "batch", "fine-tune", "vision", "user_data", "evals"),
    *("batch_output", "fine-tune-results", "assistants_output"),
)
_CLOSED = ("assistants", "user_data")
_BATCH_LIFE = 30 * 86_400  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One file: its object and its bytes."""

    body: Json
    data: bytes

    @property
    def readable(self) -> bytes:
        """The bytes, for a client.

        Raises:
            RefusedError: files of this purpose are not given out.
        """
        purpose = self.body["purpose"]
        if purpose in _CLOSED:
            raise invalid(f"Not allowed to download files of purpose: {purpose}")
        return self.data


def create(fields: dict[str, Field], shelf: Shelf, envelope: Envelope) -> Json:
    """Keep the file of a form."""
    for name in ("file", "purpose"):
        values.required(fields, name, name)
    purpose = values.one_of(fields["purpose"].text, _PURPOSES[:6], "purpose")
    file = fields["file"]
    return kept(file.filename or "file", file.data, purpose, shelf, envelope)


def kept(filename: str, data: bytes, purpose: str, shelf: Shelf, envelope: Envelope) -> Json:
    """Keep a file and return its object."""
    now = int(envelope.wall)
    body: Json = {
        "id": ids.file_id(envelope.ids),
        "object": "file",
        "bytes": len(data),
        "created_at": now,
        "expires_at": now + _BATCH_LIFE if purpose.startswith("batch") else None,
        "filename": filename,
        "purpose": purpose,
        "status": "processed",
        "status_details": None,
    }
    shelf.put(FILE, body["id"], KeptFile(body=body, data=data), size=len(data))
    return body


def find(name: str, shelf: Shelf) -> KeptFile:
    """Return a file.

    Raises:
        RefusedError: it was never kept, or is gone.
    """
    found = shelf.get(FILE, name)
    if not isinstance(found, KeptFile):
        raise no_such("File", name)
    return found


def no_such(what: str, name: str) -> RefusedError:
    """Return the error for something that is not kept."""
    message = f"No such {what} object: {name}"
    return RefusedError(Refusal(kind="not_found", message=message, param="id"))


def delete(name: str, shelf: Shelf) -> Json:
    """Forget a file."""
    find(name, shelf)
    shelf.drop(FILE, name)
    return {"id": name, "object": "file", "deleted": True}


def listed(query: dict[str, str], shelf: Shelf) -> Json:
    """Return a page of the files, of one purpose where the query asks for one."""
    found = [file.body for file in shelf.all(FILE) if isinstance(file, KeptFile)]
    wanted = query.get("purpose")
    return pages.page([body for body in found if wanted in (None, body["purpose"])], query)
