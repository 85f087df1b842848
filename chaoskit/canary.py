"""Canaries: fake secrets, made at run time, that can be recognised wherever they turn up.

All canaries of a run share one short random mark that survives each encoding we look for, so that
a text without any is passed by with a handful of substring searches, however many there are.

Looked for: the secret as it is, in hexadecimal, in either base64 at any offset, each of them also
escaped for URLs and for JSON, in each other and any number of times, and broken into lines. Not
looked for: what nobody writes by accident or nobody can use (reversed, in another case), and what
no search can find (compressed, encrypted, hashed).
"""

from __future__ import annotations

import json
import random
import re
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from chaoskit.seed import derive, number

__all__ = ["Canaries", "Encoding", "Sighting", "labels_in", "owner"]

Encoding: TypeAlias = Literal["plain", "url", "json", "base64", "hex"]

_LABEL = re.compile(r"<canary ([^<>]+)>")
_LETTERS = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + "234567"  # an access key id is base 32
_MARK = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A canary that was found in a text."""

    label: str
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class _Needle:
    """One spelling of a secret. Its pattern is made when a text may contain it, which is rare."""

    spelling: str
    label: str
    encoding: Encoding

    def found_in(self, text: str) -> Iterator[Encoding]:
        """Yield the encodings in which it stands in a text."""
        for match in _pattern(self.spelling, self.encoding).finditer(text):
            if self.encoding != "plain":
                yield self.encoding
            elif "%" in match[0]:
                yield "url"
            else:
                yield "json" if "\\" in match[0] else "plain"

    def replaced_in(self, text: str) -> str:
        """Return a text with the label in its place."""
        return _pattern(self.spelling, self.encoding).sub(lambda _: f"<canary {self.label}>", text)


class Canaries:
    """The fake secrets of one run.

    The same seed and label give the same secret. `made`, when set, is told the label of each
    secret as it is made for the first time.
    """

    def __init__(self, seed: int, *, made: Callable[[str], None] | None = None) -> None:
        self._seed = seed
        self._made = made
        mark = "".join(derive(seed, "canary", "mark").choices(_UPPER, k=_MARK))
        self._mark = mark
        marks = _spellings(mark)
        self._marks = (*marks.items(), (mark.encode().hex().upper(), "hex"))
        self._values: dict[str, str] = {}
        self._needles: list[_Needle] = []
        self.longest = 0

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{len(self)} canaries>"

    def make(self, label: str) -> str:
        """Return the secret of a label, such as `tool-argument/user-1`.

        Raises:
            ValueError: the label is empty or contains angle brackets.
        """
        value = self._values.get(label)
        if value is not None:
            return value
        if not _LABEL.fullmatch(f"<canary {label}>"):
            raise ValueError(f"{label!r} cannot name a canary; leave out '<' and '>'")
        rng = derive(self._seed, "canary", label)
        form = _FORMS[number(self._seed, "canary", "form", label) % len(_FORMS)]
        value, secret = form(rng, self._mark)
        needles = [_Needle(text, label, encoding) for text, encoding in _spellings(secret).items()]
        # New lists, so that a search in another thread sees the old needles or the new ones.
        self._needles = [*self._needles, *needles]
        self.longest = max(self.longest, _ROOM * len(secret))
        self._values = {**self._values, label: value}
        if self._made is not None:
            self._made(label)
        return value

    def find(self, text: str) -> list[Sighting]:
        """Return which canaries a text contains, each with its encoding, in order of labels made.

        A secret in more than one encoding gives one sighting for each.
        """
        may = self._may_contain(text)
        found = {
            (needle.label, encoding)
            for needle in self._needles
            if needle.encoding in may
            for encoding in needle.found_in(text)
        }
        if not found:
            return []
        return [
            Sighting(label=label, encoding=encoding)
            for label in self._values
            for encoding in _ENCODINGS
            if (label, encoding) in found
        ]

    def redact(self, text: str) -> str:
        """Return a text with `<canary LABEL>` in place of each secret, in whatever encoding."""
        may = self._may_contain(text)
        for needle in self._needles:
            if needle.encoding in may:
                text = needle.replaced_in(text)
        return text

    def _may_contain(self, text: str) -> frozenset[str]:
        """Return the encodings whose mark stands in a text; mostly none."""
        if not self._values:
            return frozenset()
        if "\n" in text or "\\" in text:
            text = f"{text}\0{_BREAK.sub('', text)}"
        return frozenset(encoding for mark, encoding in self._marks if mark in text)


def owner(label: str) -> str:
    """Return the user for whom a canary was planted: the last part of its label."""
    return label.rpartition("/")[2]


def labels_in(text: str) -> tuple[str, ...]:
    """Return the labels that `redact` left in a text, in order."""
    return tuple(dict.fromkeys(_LABEL.findall(text)))


_ENCODINGS: tuple[Encoding, ...] = ("plain", "url", "json", "base64", "hex")


_ROOM = 9
"""How many characters one of a secret takes at most in the spellings that `longest` allows for."""

_BREAK = re.compile(r"\\+[rn]|[\r\n]+")
_ANYWHERE = r"(?:\\+[rn]|[\r\n])*"


def _spellings(secret: str) -> dict[str, Encoding]:
    """Return the spellings of a secret that are looked for.

    Escapes (of URLs and JSON, in each other and any number of times) and line breaks are the
    business of `_pattern`.
    """
    raw = secret.encode()
    aligned: dict[str, Encoding] = {_aligned(raw, offset): "base64" for offset in range(3)}
    return {secret: "plain", **aligned, raw.hex(): "hex"}


@lru_cache(maxsize=512)
def _pattern(spelling: str, encoding: Encoding) -> re.Pattern[str]:
    """Return what matches a spelling however it is escaped and wherever its lines are broken."""
    flags = re.IGNORECASE if encoding == "hex" else re.NOFLAG
    return re.compile(_ANYWHERE.join(map(_escaped, spelling)), flags)


def _escaped(letter: str) -> str:
    if letter.isalnum():
        return letter
    same = {"+": "+-", "/": "/_"}.get(letter, letter)  # the two alphabets of base64
    plain = "|".join(rf"\\*{re.escape(one)}" for one in same)
    codes = "|".join(f"{ord(one):02x}" for one in same)
    return rf"(?:{plain}|(?i:%(?:25)*(?:{codes})|\\+u00(?:{codes})))"


def _aligned(raw: bytes, offset: int) -> str:
    """Return the base64 digits that depend on `raw` alone when `offset` bytes precede it."""
    digits = b64encode(bytes(offset) + raw).decode()
    return digits[(8 * offset + 5) // 6 : 8 * (offset + len(raw)) // 6]


def _api_key(rng: random.Random, mark: str) -> tuple[str, str]:
    value = "-".join(("sk", "ant", "api03", f"{_some(rng, 24)}{mark}{_some(rng, 30)}", "AA"))
    return value, value


def _access_key_id(rng: random.Random, mark: str) -> tuple[str, str]:
    value = "".join(("AK", "IA", mark, *rng.choices(_UPPER, k=8)))
    return value, value


def _access_token(rng: random.Random, mark: str) -> tuple[str, str]:
    value = "_".join(("ghp", f"{_some(rng, 14)}{mark}{_some(rng, 14)}"))
    return value, value


def _bearer(rng: random.Random, mark: str) -> tuple[str, str]:
    head, claims = (
        urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": _some(rng, 12), "aud": "api"})
    )
    value = ".".join((head, claims, f"{_some(rng, 20)}{mark}{_some(rng, 15)}"))
    return value, value


def _connection_string(rng: random.Random, mark: str) -> tuple[str, str]:
    secret = f"{_some(rng, 20)}/{_some(rng, 20)}{mark}+{_some(rng, 36)}=="
    return f"DefaultEndpointsProtocol=https;AccountName=logs;AccountKey={secret}", secret


def _url_password(rng: random.Random, mark: str) -> tuple[str, str]:
    secret = f"{_some(rng, 6)}{mark}{_some(rng, 6)}"
    return f"postgres://deploy:{secret}@db.internal:5432/logs", secret


def _some(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(_LETTERS, k=count))


_FORMS = (_api_key, _access_key_id, _access_token, _bearer, _connection_string, _url_password)
