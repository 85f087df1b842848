"""The size of a picture, read from the first bytes of its file."""

from __future__ import annotations

import binascii
from base64 import b64decode
from hashlib import blake2b

from chaoskit.exchange import Image, Ttl

__all__ = ["from_base64", "from_url"]

_HEAD = 32_768  # base64 characters; the frame header of nearly every JPEG stands within them
_STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def from_base64(data: str, cache: Ttl | None = None) -> Image:
    """Return the picture; a digest stands for its bytes."""
    width, height = _size(_head(data))
    digest = blake2b(data.encode(errors="replace"), digest_size=16).hexdigest()
    return Image(source=f"blake2b:{digest}", width=width, height=height, cache=cache)


def from_url(url: str, cache: Ttl | None = None) -> Image:
    """Return the picture behind a URL; `data:` URLs carry it with them."""
    if url.startswith("data:"):
        return from_base64(url.partition(",")[2], cache)
    return Image(source=url, cache=cache)


def _head(data: str) -> bytes:
    """Return the decoded beginning of base64 text, empty when it is none."""
    start = data[:_HEAD]
    try:
        return b64decode(start[: len(start) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _size(head: bytes) -> tuple[int, int]:
    """Return width and height in pixels, zeros when the format is not known."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head[:4] == b"GIF8" and len(head) >= 10:
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if head.startswith(b"\xff\xd8"):
        return _jpeg(head)
    return 0, 0


def _jpeg(head: bytes) -> tuple[int, int]:
    """Walk the segments up to the one that holds the size (ITU T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        if head[at + 1] in _STARTS_OF_FRAME:
            height = int.from_bytes(head[at + 5 : at + 7], "big")
            return int.from_bytes(head[at + 7 : at + 9], "big"), height
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return 0, 0
