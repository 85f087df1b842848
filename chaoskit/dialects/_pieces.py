"""How a streamed answer falls into pieces, which joined are the text again."""

from __future__ import annotations

import re

__all__ = ["deltas", "fragments"]

_WORD = re.compile(r"\s{0,16}\S{1,16}|\s{1,16}")
_WORDS = 4
_LONGEST = 24
_FRAGMENT = 16


def deltas(text: str) -> list[str]:
    """Return the text in pieces of about four or five tokens."""
    pieces: list[str] = []
    piece, words = "", 0
    for word in _WORD.findall(text):
        if words == _WORDS or (piece and len(piece) + len(word) > _LONGEST):
            pieces.append(piece)
            piece, words = "", 0
        piece += word
        words += 1
    return [*pieces, piece] if piece else pieces


def fragments(arguments: str) -> list[str]:
    """Return the arguments of a tool call in two pieces or more, where their length allows."""
    size = min(_FRAGMENT, (len(arguments) + 1) // 2)
    return [arguments[at : at + size] for at in range(0, len(arguments), size)] if size else []
