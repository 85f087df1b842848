"""Signatures of thinking blocks: an edited block is noticed without remembering what was sent.

The signatures of some models are bound to what was said before the block, too.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from chaoskit.exchange import Message, Part, Thinking

__all__ = ["bound", "genuine", "plain", "sign"]

_MARK = "EqQBCgIYAhIk"
_TEXT, _HISTORY = 48, 12  # bytes


def sign(thinking: str, history: Sequence[Message] | None = None) -> str:
    """Return the signature of a thinking block, bound to a history where one is given."""
    digest = _digest(thinking.encode(errors="replace"), _TEXT)
    if history is not None:
        digest += _of(history)
    return _MARK + b64encode(digest).decode()


def genuine(thinking: str, signature: str) -> bool:
    """Tell whether a block can be as it was sent; a signature of other origin is not judged."""
    if not signature.startswith(_MARK):
        return True
    expected = sign(thinking)
    return signature.startswith(expected) and len(signature) in (len(expected), _LONGEST)


def bound(signature: str, history: Sequence[Message]) -> bool:
    """Tell whether a genuine block can stand after a history; not all blocks care."""
    if not signature.startswith(_MARK) or len(signature) != _LONGEST:
        return True
    return b64decode(signature.removeprefix(_MARK))[_TEXT:] == _of(history)


def plain(message: Message) -> tuple[str, list[Part]]:
    """Return what a message says, without the cache breakpoints, which move between requests."""
    return message.role, [
        part if isinstance(part, Thinking) or part.cache is None else replace(part, cache=None)
        for part in message.content
    ]


def _of(history: Sequence[Message]) -> bytes:
    told = repr([plain(message) for message in history])
    return _digest(told.encode("utf-8", "surrogatepass"), _HISTORY)


def _digest(data: bytes, size: int) -> bytes:
    return blake2b(data, digest_size=size).digest()


_LONGEST = len(sign("", ()))
