"""Facts: short distinctive strings of a tool result that an answer can quote verbatim.

What looks like a credential is never taken for a fact: a careful model does not repeat one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache

__all__ = ["LONGEST", "fact_in"]

LONGEST = 80
"""Length of the longest fact, in characters."""

_SHORTEST = 3
_LOOKED_AT = 20_000  # characters; an agent cuts long results itself, the rest brings no better fact
_ID = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z][\w-]{3,19}")
_QUOTED = re.compile(r"""(["'])((?:(?!\1)[^\\\n]){3,200})\1(?!\s*:)""")
_CREDENTIAL_NAME = re.compile(
    r"pass(?:word|wd|phrase)|secret|token|api_?-?key|credential|authori[sz]ation|private_?key|cookie",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(
    r"-----BEGIN|://[^/\s]*@|\b(?:Bearer|Basic)\s|"
    r"(?=[\w+/=.~-]*\d)(?=[\w+/=.~-]*[A-Za-z])[\w+/=.~-]{20,}"
)


def fact_in(text: str, *, known: str = "") -> str | None:
    """Return the most distinctive string of a tool result, or None when nothing can be quoted.

    It occurs in the text as it stands, has no line break, and `LONGEST` characters at most. What
    `known` (the question) contains already is taken only when there is nothing else.
    """
    text, asked = text[:_LOOKED_AT], known.casefold()
    candidates = dict.fromkeys(p for p in map(_cut, _strings(text)) if len(p) >= _SHORTEST)
    if not candidates:
        candidates = dict.fromkeys(p for p in map(_cut, text.splitlines()) if p)
    # New beats known, an id beats prose, prose beats a word, then the longer; first among equals.
    ranked = sorted(
        candidates,
        key=lambda part: (part.casefold() not in asked, *_distinction(part)),
        reverse=True,
    )
    return next((part for part in ranked if part in text and not _suspicious(part)), None)


def _distinction(part: str) -> tuple[bool, bool, int]:
    return _ID.fullmatch(part) is not None, " " in part, len(part)


def _suspicious(part: str) -> bool:
    return _CREDENTIAL.search(part) is not None or _CREDENTIAL_NAME.search(part) is not None


def _cut(part: str) -> str:
    line = part.strip().partition("\n")[0].rstrip()
    if len(line) <= LONGEST:
        return line
    return line[:LONGEST].rpartition(" ")[0] or line[:LONGEST]


def _strings(text: str) -> Iterator[str]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield from _leaves(json.loads(text), "")
        except (ValueError, RecursionError):
            for match in _QUOTED.finditer(text):
                before = text[max(0, match.start() - 30) : match.start()]
                if not _CREDENTIAL_NAME.search(before):
                    yield match[2]


def _leaves(value: object, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    elif _names_credential(name):
        return
    elif isinstance(value, str):
        yield value
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield json.dumps(value)


@lru_cache(maxsize=512)
def _names_credential(name: str) -> bool:
    return _CREDENTIAL_NAME.search(name) is not None
