"""Which requests are for files, uploads and batches, and for which of their operations."""

from __future__ import annotations

from typing import Literal, TypeAlias

from chaoskit.dialects._openai.paths import Table, below, collection
from chaoskit.dialects._openai.request import LARGEST
from chaoskit.exchange import HttpRequest

__all__ = ["TABLE", "Route", "largest"]

_MB = 1024 * 1024
_LARGEST_FILE = 512 * _MB
_LARGEST_PART = 64 * _MB
_FORM = 64 * 1024  # bytes of the form around a file

Route: TypeAlias = Literal[
    "create_file",
    "list_files",
    "retrieve_file",
    "delete_file",
    "read_file",
    "create_upload",
    "add_part",
    "complete_upload",
    "cancel_upload",
    "create_batch",
    "list_batches",
    "retrieve_batch",
    "cancel_batch",
]

TABLE: Table[Route] = Table(
    {
        "files": {
            (): {"POST": "create_file", "GET": "list_files"},
            ("*",): {"GET": "retrieve_file", "DELETE": "delete_file"},
            ("*", "content"): {"GET": "read_file"},
        },
        "uploads": {
            (): {"POST": "create_upload"},
            ("*", "parts"): {"POST": "add_part"},
            ("*", "complete"): {"POST": "complete_upload"},
            ("*", "cancel"): {"POST": "cancel_upload"},
        },
        "batches": {
            (): {"POST": "create_batch", "GET": "list_batches"},
            ("*",): {"GET": "retrieve_batch"},
            ("*", "cancel"): {"POST": "cancel_batch"},
        },
    }
)


def largest(request: HttpRequest) -> int:
    """Return how many bytes the body may have."""
    found = collection(request)
    if found == "files":
        return _LARGEST_FILE + _FORM
    if found == "uploads" and below(request, found)[1:] == ("parts",):
        return _LARGEST_PART + _FORM
    return LARGEST
