"""Forms with files in them (RFC 7578), as far as OpenAI's clients send them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chaoskit.dialects._refused import invalid

__all__ = ["Field", "read"]

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_PARAMETER = re.compile(r'\b(name|filename)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: `filename` is empty where it is no file."""

    data: bytes
    filename: str = ""

    @property
    def text(self) -> str:
        """The value of a field that is no file."""
        return self.data.decode("utf-8", "replace")


def read(content_type: str, body: bytes) -> dict[str, Field]:
    """Return the fields by name.

    Raises:
        RefusedError: the body is no form.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or "multipart/form-data" not in content_type.lower():
        raise invalid("Expected a request with 'Content-Type: multipart/form-data'.")
    # A line break belongs to the boundary after it (RFC 2046, 5.1.1).
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("utf-8", "replace"))
    fields: dict[str, Field] = {}
    for part in parts:
        head, found, data = part.partition(b"\r\n\r\n")
        if not found or part.startswith(b"--"):
            continue
        told = dict(_PARAMETER.findall(head.decode("utf-8", "replace")))
        fields[told.get("name", "")] = Field(data=data, filename=told.get("filename", ""))
    return fields
