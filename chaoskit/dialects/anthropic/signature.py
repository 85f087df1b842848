"""Signatures of thinking blocks: an edited block is noticed without remembering what was sent."""

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b

__all__ = ["genuine", "sign"]

_MARK = "EqQBCgIYAhIk"


def sign(thinking: str) -> str:
    """Return the signature of a thinking block."""
    digest = blake2b(thinking.encode(errors="replace"), digest_size=48).digest()
    return _MARK + b64encode(digest).decode()


def genuine(thinking: str, signature: str) -> bool:
    """Tell whether a block can be as it was sent; a signature of other origin is not judged."""
    return not signature.startswith(_MARK) or signature == sign(thinking)
