"""Which requests are for files, uploads and batches, and for which of their operations."""

from __future__ import annotations

from typing import Literal, TypeAlias

from chaoskit.dialects._openai.paths import Table

__all__ = ["TABLE", "Route"]

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
