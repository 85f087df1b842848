"""What images and documents cost in tokens, read from their own headers."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any

from chaoskit_guards.shapes import as_mapping

__all__ = ["document_tokens", "image_size", "image_tokens"]

UNKNOWN_IMAGE = 1_600
"""What the largest image costs: taken when its size cannot be read (a URL, a file id)."""

PAGE = 2_000
"""What one page of a PDF costs, text and picture together."""


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, GIF, JPEG or WebP from its first bytes."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data[:4] == b"GIF8" and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp_size(data)
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return (
        int.from_bytes(data[26:28], "little") & 0x3FFF,
        int.from_bytes(data[28:30], "little") & 0x3FFF,
    )


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return (
                int.from_bytes(data[at + 7 : at + 9], "big"),
                int.from_bytes(data[at + 5 : at + 7], "big"),
            )
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _decode(text: str, limit: int = 1 << 17) -> bytes:
    """Return the first bytes of a base64 text; enough for any header."""
    head = text[: limit // 4 * 4]
    try:
        return base64.b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return b""


def _anthropic_cost(width: int, height: int) -> int:
    scale = min(1.0, 1_568 / max(width, height, 1))
    return min(UNKNOWN_IMAGE, math.ceil(width * scale * height * scale / 750))


def _openai_cost(width: int, height: int, detail: str) -> int:
    if detail == "low":
        return 85
    scale = min(1.0, 2_048 / max(width, height, 1))
    width, height = int(width * scale), int(height * scale)
    scale = min(1.0, 768 / max(1, min(width, height)))
    tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
    return 85 + 170 * max(1, tiles)


def image_tokens(block: Mapping[str, Any]) -> int:
    """Return the tokens of an image block of either vendor, by its dimensions."""
    source = as_mapping(block.get("source"))
    if source is not None:
        size = image_size(_decode(str(source.get("data") or "")))
        return UNKNOWN_IMAGE if size is None else _anthropic_cost(*size)
    holder = block.get("image_url")
    inner = as_mapping(holder)
    url = str((inner or {}).get("url", holder or ""))
    detail = str((inner or block).get("detail") or "auto")
    if detail == "low":
        return 85
    if url.startswith("data:"):
        size = image_size(_decode(url.partition(",")[2]))
        if size is not None:
            return _openai_cost(*size, detail)
    return UNKNOWN_IMAGE


def document_tokens(block: Mapping[str, Any], count: Callable[[object], int]) -> int:
    """Return the tokens of a document block: its text, or its pages."""
    source = as_mapping(block.get("source")) or as_mapping(block.get("file")) or block
    extra = count(block.get("title")) + count(block.get("context"))
    if source.get("type") == "text":
        return extra + count(str(source.get("data") or ""))
    if source.get("type") == "content":
        return extra + count(source.get("content"))
    data = str(source.get("data") or source.get("file_data") or "")
    raw = _decode(data.partition(",")[2] if data.startswith("data:") else data, 1 << 24)
    pages = raw.count(b"/Type /Page") + raw.count(b"/Type/Page")
    pages -= raw.count(b"/Type /Pages") + raw.count(b"/Type/Pages")
    return extra + PAGE * max(1, pages)
