"""Ids in the formats of OpenAI."""

from __future__ import annotations

import random
from hashlib import blake2b
from string import ascii_letters, digits

from chaoskit.dialects._random import Alphabet

__all__ = ["call_id", "completion_id", "file_id", "fingerprint", "item_id", "request_id"]

_ALPHABET = Alphabet(ascii_letters + digits)


def completion_id(ids: random.Random) -> str:
    """Return a new id of a completion."""
    return f"chatcmpl-{_ALPHABET.draw(ids, 29)}"


def call_id(ids: random.Random) -> str:
    """Return a new id of a tool call."""
    return f"call_{_ALPHABET.draw(ids, 24)}"


def file_id(ids: random.Random) -> str:
    """Return a new id of a file."""
    return f"file-{_ALPHABET.draw(ids, 22)}"


def item_id(prefix: str, ids: random.Random) -> str:
    """Return a new id of something that the service keeps, such as a `resp` or a `msg`."""
    return f"{prefix}_{ids.getrandbits(200):050x}"


def request_id(ids: random.Random) -> str:
    """Return a new id of an HTTP request."""
    return f"req_{ids.getrandbits(128):032x}"


def fingerprint(model: str) -> str:
    """Return the fingerprint of the system that serves a model."""
    return f"fp_{blake2b(model.encode(errors='replace'), digest_size=5).hexdigest()}"
