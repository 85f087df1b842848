"""Texts as a model would write them into an argument."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
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
    words = dict.fromkeys(_WORD.findall(text[:_HINT_LENGTH]))
    return [word for word in words if word.casefold() not in _STOP_WORDS]


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
    moment = _EPOCH + timedelta(minutes=rng.randrange(525_600))
    number = rng.randrange(1, 255)
    texts = {
        "date-time": moment.isoformat().replace("+00:00", "Z"),
        "date": moment.date().isoformat(),
        "time": f"{moment:%H:%M:%S}Z",
        "duration": f"PT{number}M",
        "email": f"user{number}@example.com",
        "idn-email": f"user{number}@example.com",
        "hostname": f"host-{number}.example.com",
        "idn-hostname": f"host-{number}.example.com",
        "ipv4": f"192.0.2.{number}",
        "ipv6": f"2001:db8::{number:x}",
        "uri": f"https://example.com/items/{number}",
        "iri": f"https://example.com/items/{number}",
        "uri-reference": f"/items/{number}",
        "iri-reference": f"/items/{number}",
        "uri-template": "https://example.com/items/{id}",
        "json-pointer": f"/items/{number}",
        "relative-json-pointer": f"1/items/{number}",
        "regex": "^[a-z]+$",
    }
    if form == "uuid":
        return str(UUID(int=rng.getrandbits(128), version=4))
    return texts.get(form)
