"""Forms with files in them (RFC 7578), as far as the SDKs send them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Field", "read"]

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_TYPE = re.compile(r"^content-type:[ \t]*([^\r\n;]+)", re.IGNORECASE | re.MULTILINE)
_PARAMETER = re.compile(r'\b(name|filename)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: `filename` is empty where it is no file."""

    data: bytes
    filename: str = ""
    content_type: str = ""

    @property
    def text(self) -> str:
        """The value of a field that is no file."""
        return self.data.decode("utf-8", "replace")


def read(content_type: str, body: bytes) -> dict[str, Field] | None:
    """Return the fields by name, or None when the body is no form."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or "multipart/form-data" not in content_type.lower():
        return None
    # A line break belongs to the boundary after it (RFC 2046, 5.1.1).
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("utf-8", "replace"))
    fields: dict[str, Field] = {}
    for part in parts:
        head, found, data = part.partition(b"\r\n\r\n")
        if not found or part.startswith(b"--"):
            continue
        words = head.decode("utf-8", "replace")
        told = dict(_PARAMETER.findall(words))
        kind = _TYPE.search(words)
        fields[told.get("name", "")] = Field(
            data=data,
            filename=told.get("filename", ""),
            content_type=kind[1] if kind else "",
        )
    return fields
