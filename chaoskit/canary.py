"""Canaries: fake secrets, made at run time, that can be recognised wherever they turn up.

All canaries of a run share one short random mark that survives each encoding we look for, so that
a text without any is passed by with a handful of substring searches, however many there are.
"""

from __future__ import annotations

import json
import random
import re
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote

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
    text: str
    label: str
    encoding: Encoding


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
        self._marks = tuple(form for form, _ in _forms(mark))
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
        needles = [_Needle(text, label, encoding) for text, encoding in _forms(secret)]
        # New lists, so that a search in another thread sees the old needles or the new ones.
        self._needles = sorted(
            [*self._needles, *needles], key=lambda needle: len(needle.text), reverse=True
        )
        self.longest = len(self._needles[0].text)
        self._values = {**self._values, label: value}
        if self._made is not None:
            self._made(label)
        return value

    def find(self, text: str) -> list[Sighting]:
        """Return which canaries a text contains, each with its encoding, in order of labels made.

        A secret in more than one encoding gives one sighting for each.
        """
        if not self._may_contain(text):
            return []
        found = {(needle.label, needle.encoding) for needle in self._needles if needle.text in text}
        return [
            Sighting(label=label, encoding=encoding)
            for label in self._values
            for encoding in _ENCODINGS
            if (label, encoding) in found
        ]

    def redact(self, text: str) -> str:
        """Return a text with `<canary LABEL>` in place of each secret, in whatever encoding."""
        if not self._may_contain(text):
            return text
        for needle in self._needles:
            if needle.text in text:
                text = text.replace(needle.text, f"<canary {needle.label}>")
        return text

    def _may_contain(self, text: str) -> bool:
        return bool(self._values) and any(mark in text for mark in self._marks)


def owner(label: str) -> str:
    """Return the user for whom a canary was planted: the last part of its label."""
    return label.rpartition("/")[2]


def labels_in(text: str) -> tuple[str, ...]:
    """Return the labels that `redact` left in a text, in order."""
    return tuple(dict.fromkeys(_LABEL.findall(text)))


_ENCODINGS: tuple[Encoding, ...] = ("plain", "url", "json", "base64", "hex")


def _forms(secret: str) -> Iterator[tuple[str, Encoding]]:
    """Yield each spelling of a secret that is looked for, once."""
    seen: set[str] = set()
    for text, encoding in _spellings(secret):
        if text not in seen:
            seen.add(text)
            yield text, encoding


def _spellings(secret: str) -> Iterator[tuple[str, Encoding]]:
    yield secret, "plain"
    for safe in ("", "/"):
        quoted = quote(secret, safe=safe)
        yield quoted, "url"
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted), "url"
    escaped = json.dumps(secret)[1:-1]
    for once in (escaped, escaped.replace("/", "\\/")):
        yield once, "json"
        yield json.dumps(once)[1:-1], "json"  # JSON text inside of JSON text
    raw = secret.encode()
    for encode in (b64encode, urlsafe_b64encode):
        for offset in range(3):
            yield _aligned(raw, offset, encode), "base64"
    yield raw.hex(), "hex"
    yield raw.hex().upper(), "hex"


def _aligned(raw: bytes, offset: int, encode: Callable[[bytes], bytes]) -> str:
    """Return the base64 digits that depend on `raw` alone when `offset` bytes precede it."""
    digits = encode(bytes(offset) + raw).decode()
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
