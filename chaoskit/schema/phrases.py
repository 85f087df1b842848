"""Texts as a model would write them into an argument."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

__all__ = ["content_words", "free_text", "is_search", "text_of_format"]

_WORD = re.compile(r"\w+(?:[-'.@/:_]\w+)*")
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a about am an and any are as at be been but by can could did do does for from had has "
        "have he her him his how i if in into is it its just me my no not of on or our please "
        "she should so some tell than that the their them then there these they this those to up "
        "us was we were what when where which who whom whose why will with would you your"
    )
)
_SEARCHES = frozenset(
    _WORD.findall(
        "input keyword keywords message prompt q query question search sentence term terms text"
    )
)
_FALLBACK = ("recent", "status", "report")
_HINT_LENGTH = 2_000  # a prompt may be a whole document; its first characters tell the subject
_EPOCH = datetime(2025, 1, 1, 9, 0, tzinfo=UTC)


def content_words(text: str) -> list[str]:
    """Return the words of the beginning of a text that carry its meaning, each once, in order."""
    return list(_content_words(text[:_HINT_LENGTH]))


@lru_cache(maxsize=64)  # one answer asks for the words of its question several times
def _content_words(text: str) -> tuple[str, ...]:
    words = dict.fromkeys(_WORD.findall(text))
    return tuple(word for word in words if word.casefold() not in _STOP_WORDS)


def is_search(name: str) -> bool:
    """Tell whether an argument of that name takes a question or the words of a search."""
    return not _SEARCHES.isdisjoint(re.split(r"[^a-z]+", name.casefold()))


def free_text(name: str, hint: str, rng: random.Random) -> str:
    """Return a text for the argument `name`, made of words of the hint."""
    words = content_words(hint) or list(_FALLBACK)
    lowered = name.casefold()
    parts = re.split(r"[^a-z]+", lowered)
    if is_search(name):
        return " ".join(words[:6])
    if "id" in parts or name.endswith("Id"):
        named = [word for word in words if any(char.isdigit() for char in word)]
        stem = re.sub(r"[^a-z]*id$", "", lowered) or "item"
        return named[0] if named else f"{stem}-{rng.randint(1000, 9999)}"
    for part, form in (("email", "email"), ("url", "uri"), ("date", "date"), ("time", "date-time")):
        if part in parts:
            return text_of_format(form, rng) or ""
    start = rng.randrange(len(words))
    return " ".join(words[start : start + rng.randint(1, 3)])


def text_of_format(form: str, rng: random.Random) -> str | None:
    """Return a text of a format of JSON Schema, or None for a format that it does not define."""
    pattern = _FORMATS.get(form)
    if pattern is None:
        return None
    moment = _EPOCH + timedelta(minutes=rng.randrange(525_600))
    return pattern.format(
        moment=moment, number=rng.randrange(1, 255), uuid=UUID(int=rng.getrandbits(128), version=4)
    )


_FORMATS = {
    "date": "{moment:%Y-%m-%d}",
    "date-time": "{moment:%Y-%m-%dT%H:%M:%SZ}",
    "duration": "PT{number}M",
    "email": "user{number}@example.com",
    "hostname": "host-{number}.example.com",
    "idn-email": "user{number}@example.com",
    "idn-hostname": "host-{number}.example.com",
    "ipv4": "192.0.2.{number}",
    "ipv6": "2001:db8::{number:x}",
    "iri": "https://example.com/items/{number}",
    "iri-reference": "/items/{number}",
    "json-pointer": "/items/{number}",
    "regex": "^[a-z]+$",
    "relative-json-pointer": "1/items/{number}",
    "time": "{moment:%H:%M:%S}Z",
    "uri": "https://example.com/items/{number}",
    "uri-reference": "/items/{number}",
    "uri-template": "https://example.com/items/{{id}}",
    "uuid": "{uuid}",
}
