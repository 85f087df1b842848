"""How many tokens something is, without a vocabulary and without the network.

The estimate counts classes of characters and their neighbourhoods (a word after a blank, a capital
inside a word, digits in threes, one ideograph) and weighs them. The weights are a least-squares fit
against the o200k vocabulary over prose, code, JSON, logs, ids, base64 and eighteen languages.
It reads 25 MB of text a second and never leaves the process.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chaoskit_guards.media import document_tokens, image_tokens
from chaoskit_guards.shapes import as_mapping, is_tool

__all__ = ["ERROR_BAND", "MESSAGE_OVERHEAD", "TokenCounter", "count_tokens", "estimate_text"]

ERROR_BAND = 0.25
"""Half width of the band around an estimate that holds nineteen of twenty real texts."""

MESSAGE_OVERHEAD = 4
"""Tokens that frame one message: role and separators."""

TOOL_OVERHEAD = 8
"""Tokens that frame one tool definition."""


def _classes() -> tuple[bytes, bytes, bytes]:
    table = bytearray(b"." * 256)
    for code in range(128):
        char = chr(code)
        if char.islower():
            table[code] = ord("v" if char in "aeiou" else "c")
        elif char.isupper():
            table[code] = ord("U")
        elif char.isdigit():
            table[code] = ord("0")
        elif char == " ":
            table[code] = ord(" ")
        elif char.isspace():
            table[code] = ord("n")
    blocks = [  # first byte of a character in UTF-8, by script
        (0xC2, 0xCD, "L"),  # accented Latin
        (0xCE, 0xD4, "G"),  # Greek, Cyrillic
        (0xD5, 0xDF, "R"),  # Armenian, Hebrew, Arabic
        (0xE0, 0xE0, "I"),  # Indic, Thai
        (0xE1, 0xE1, "J"),  # Georgian, Vietnamese
        (0xE2, 0xE2, "P"),  # typographic punctuation
        (0xE3, 0xE3, "K"),  # kana
        (0xE4, 0xE9, "H"),  # Han
        (0xEA, 0xED, "O"),  # Hangul
        (0xEE, 0xFF, "E"),  # emoji and the rest
    ]
    for first, last, char in blocks:
        table[first : last + 1] = char.encode() * (last - first + 1)
    letters = bytes(ord("a") if code in b"vc" else code for code in range(256))
    return bytes(table), bytes(range(0x80, 0xC0)), letters


_CLASS, _CONTINUATION, _LETTER = _classes()

_ASCII_WEIGHTS = (
    (b" a", 0.93),
    (b" U", 0.93),
    (b".a", 0.8),
    (b".U", 0.8),
    (b"na", 1.76),
    (b"nU", 1.76),
    (b"aU", 2.0),
    (b"0a", 1.0),
    (b"0U", 1.0),
    (b"UU", 0.24),
    (b"aaaaaaa", 0.7),
    (b"0", 0.73),
    (b"000", -0.6),
    (b".", 0.61),
    (b"..", -0.6),
    (b"n", 0.62),
    (b"nn", -0.42),
    (b"  ", 0.38),
    (b"n ", -0.46),
)
_CLUSTER_WEIGHTS = ((b"ccc", 0.28), (b"cccc", -0.04))
_WIDE_WEIGHTS = (
    (b"L", 0.87),
    (b"G", 0.25),
    (b"R", 0.25),
    (b"I", 0.48),
    (b"J", 0.25),
    (b"P", 0.6),
    (b"K", 1.14),
    (b"H", 0.57),
    (b"O", 0.57),
    (b"E", 1.73),
    (b" G", 0.8),
    (b" R", 1.15),
    (b" O", 0.8),
    (b"KK", -0.6),
)


def estimate_text(text: str) -> int:
    """Return the estimated number of tokens of `text`; 0 only for the empty text."""
    if not text:
        return 0
    fine = (" " + text).encode("utf-8", "surrogatepass").translate(_CLASS, _CONTINUATION)
    coarse = fine.translate(_LETTER)
    count = coarse.count
    total = 0.0
    for pattern, weight in _ASCII_WEIGHTS:
        total += weight * count(pattern)
    for pattern, weight in _CLUSTER_WEIGHTS:
        total += weight * fine.count(pattern)
    if not text.isascii():
        for pattern, weight in _WIDE_WEIGHTS:
            total += weight * count(pattern)
    # A run without any structure, such as one letter repeated, has no feature but its length.
    return max(1, round(total), count(b"a") // 7)


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        return str(value)


class TokenCounter:
    """Counts texts, messages, tools and whole conversations; corrects itself from real usage.

    Counting is additive: the count of a list is the sum of the counts of its members.
    """

    def __init__(
        self, *, text: Callable[[str], int] = estimate_text, correction: float = 1.0
    ) -> None:
        """Count single texts with `text`; multiply by `correction`, which `observe` then learns."""
        if not 0 < correction < math.inf:
            raise ValueError(f"correction must be a positive number, not {correction!r}")
        self._text = text
        self._lock = threading.Lock()
        self._estimated = 0.0
        self._actual = 0.0
        self._correction = correction

    @property
    def correction(self) -> float:
        """Factor between the raw estimate and what the provider has billed so far."""
        return self._correction

    def observe(self, estimated: float, actual: float) -> None:
        """Learn from one request: this counter said `estimated`, the usage said `actual`.

        Later requests weigh more than earlier ones; numbers that make no sense are ignored.
        """
        if not (0 < estimated < math.inf and 0 < actual < math.inf):
            return
        with self._lock:
            raw = estimated / self._correction
            self._estimated = 0.9 * self._estimated + raw
            self._actual = 0.9 * self._actual + actual
            self._correction = min(4.0, max(0.25, self._actual / self._estimated))

    def __call__(self, value: object) -> int:
        """Return the tokens of a text, a message, a content block, a tool, or a list of those."""
        return math.ceil(self._raw(value) * self._correction)

    def _raw(self, value: object) -> int:
        if isinstance(value, str):
            return self._text(value)
        if value is None:
            return 0
        if isinstance(value, (bytes, bytearray)):
            return self._text(value.decode("utf-8", "replace"))
        mapping = as_mapping(value)
        if mapping is not None:
            return self._mapping(mapping)
        if isinstance(value, Iterable):
            return sum(self._raw(item) for item in value)
        return self._text(str(value))

    def _mapping(self, value: Mapping[str, Any]) -> int:
        kind = value.get("type")
        if is_tool(value):
            return TOOL_OVERHEAD + self._text(_json(value))
        if "role" in value:
            total = MESSAGE_OVERHEAD + self._content(value.get("content"))
            for call in value.get("tool_calls") or ():
                total += self._raw(_function_call(call))
            if value.get("function_call"):
                total += self._text(_json(value["function_call"]))
            if value.get("tool_call_id"):
                total += self._text(str(value["tool_call_id"]))
            return total
        if isinstance(kind, str):
            return self._block(kind, value)
        return self._text(_json(dict(value)))

    def _content(self, content: object) -> int:
        if isinstance(content, (str, list, tuple)) or content is None:
            return self._raw(content)
        return self._raw(as_mapping(content) or content)

    def _block(self, kind: str, block: Mapping[str, Any]) -> int:
        match kind:
            case "text" | "input_text" | "output_text":
                return self._raw(block.get("text"))
            case "thinking":
                return self._raw(block.get("thinking"))
            case "image" | "image_url" | "input_image":
                return image_tokens(block)
            case "document" | "file" | "input_file":
                return document_tokens(block, self._raw)
            case "tool_use" | "server_tool_use":
                return (
                    MESSAGE_OVERHEAD
                    + self._text(f"{block.get('id', '')} {block.get('name', '')}")
                    + self._text(_json(block.get("input", {})))
                )
            case "tool_result":
                return (
                    MESSAGE_OVERHEAD
                    + self._text(str(block.get("tool_use_id", "")))
                    + self._content(block.get("content"))
                )
            case _ if kind.endswith("_call_output"):
                return (
                    MESSAGE_OVERHEAD
                    + self._text(str(block.get("call_id", "")))
                    + self._content(block.get("output"))
                )
            case _ if kind.endswith("_call"):
                return MESSAGE_OVERHEAD + self._raw(_function_call(block))
            case _:
                return self._text(_json(dict(block)))


def _function_call(call: object) -> str:
    mapping = as_mapping(call) or {}
    body = as_mapping(mapping.get("function")) or mapping
    arguments = body.get("arguments", body.get("input", ""))
    text = arguments if isinstance(arguments, str) else _json(arguments)
    return f"{mapping.get('call_id') or mapping.get('id') or ''} {body.get('name', '')} {text}"


count_tokens = TokenCounter()
"""The counter that the other guards use when they are given none."""
