"""What images and documents cost in tokens, read from their own headers."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chaoskit_guards.shapes import as_mapping, part_of

__all__ = [
    "CLAUDE",
    "CLAUDE_LARGE",
    "GEMINI",
    "GPT",
    "ImageRule",
    "document_tokens",
    "image_size",
    "image_tokens",
    "inline_tokens",
]

PAGE = 2_000
"""What one page of a PDF costs, text and picture together."""

GEMINI_PAGE = 258
AUDIO_BYTES = 125
"""Bytes of sound for one token: 32 tokens a second at 32 kbit/s, the thriftiest in use."""

_UNREAD = 1_120


@dataclass(frozen=True, slots=True)
class ImageRule:
    """What a vendor takes for a picture of some size.

    Attributes:
        kind: `area`, pixels divided by 750; `tiles`, squares of 512 pixels after scaling down;
            `patches`, squares of 32 pixels; `squares`, squares of 768 pixels.
        most: most tokens of one picture, where there is a most.
        edge: longest edge in pixels, before the picture is scaled down.
        base: tokens beside the tiles.
        tile: tokens of a tile or square.
        factor: tokens of a patch.
    """

    kind: Literal["area", "tiles", "patches", "squares"]
    most: int = 0
    edge: int = 0
    base: int = 0
    tile: int = 0
    factor: float = 1.0

    def tokens(self, size: tuple[int, int] | None) -> int:
        """Return the tokens of a picture; of the largest one where its size cannot be read."""
        if self.kind == "tiles":
            return self._tiles(*(size or (2_048, 768)))
        if size is None:
            return math.ceil(self.most * self.factor) or _UNREAD
        width, height = max(1, size[0]), max(1, size[1])
        if self.kind == "squares":
            if max(width, height) <= 384:
                return self.tile
            return self.tile * math.ceil(width / 768) * math.ceil(height / 768)
        if self.kind == "patches":
            patches = math.ceil(width / 32) * math.ceil(height / 32)
            return math.ceil(min(patches, self.most) * self.factor)
        scale = min(1.0, self.edge / max(width, height))
        return min(self.most, math.ceil(width * scale * height * scale / 750))

    def _tiles(self, width: int, height: int) -> int:
        scale = min(1.0, 2_048 / max(width, height, 1))
        width, height = int(width * scale), int(height * scale)
        scale = min(1.0, 768 / max(1, min(width, height)))
        tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
        return self.base + self.tile * max(1, tiles)


CLAUDE = ImageRule("area", most=1_600, edge=1_568)
CLAUDE_LARGE = ImageRule("area", most=4_784, edge=2_576)
GPT = ImageRule("tiles", base=85, tile=170)
GEMINI = ImageRule("squares", tile=258)


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


def image_tokens(block: Mapping[str, Any], rule: ImageRule | None = None) -> int:
    """Return the tokens of an image block, by its dimensions and the rule of the model."""
    source = as_mapping(block.get("source"))
    if source is not None:
        return (rule or CLAUDE).tokens(image_size(_decode(str(source.get("data") or ""))))
    rule = rule or GPT
    holder = block.get("image_url")
    inner = as_mapping(holder)
    if (inner or block).get("detail") == "low":
        return rule.base or 85
    url = str((inner or {}).get("url", holder or ""))
    data = url.partition(",")[2] if url.startswith("data:") else ""
    return rule.tokens(image_size(_decode(data)))


def inline_tokens(part: Mapping[str, Any], rule: ImageRule | None = None) -> int | None:
    """Return the tokens of what a part of Gemini brings along; None when it brings nothing."""
    blob = part_of(part, "inlineData", "inline_data")
    file = blob or part_of(part, "fileData", "file_data")
    if file is None:
        return None
    kind = str(file.get("mimeType") or file.get("mime_type") or "")
    data = (blob or {}).get("data") or ""
    raw = data if isinstance(data, bytes) else _decode(str(data), 1 << 24)
    if kind.startswith("image/"):
        return (rule or GEMINI).tokens(image_size(raw))
    if kind.startswith(("audio/", "video/")):
        return max(_UNREAD, len(raw) // AUDIO_BYTES)
    return GEMINI_PAGE * _pages(raw) if raw else PAGE


def _pages(raw: bytes) -> int:
    pages = raw.count(b"/Type /Page") + raw.count(b"/Type/Page")
    return max(1, pages - raw.count(b"/Type /Pages") - raw.count(b"/Type/Pages"))


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
    return extra + PAGE * _pages(raw)
