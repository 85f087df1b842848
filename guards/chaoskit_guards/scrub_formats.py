"""Finds the published formats of credentials by their literal beginnings.

Every format holds a long run of letters and digits. Each such run of a text is looked at once: is
there a known beginning, and does the body that follows fit? So the time stays linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from chaoskit_guards.scrub_issuers import FORMATS
from chaoskit_guards.scrub_keys import KeyJudge
from chaoskit_guards.scrub_spans import Span
from chaoskit_guards.scrub_values import NOTHING, WORDS, is_dummy, strength

__all__ = ["find_formats", "is_place_for", "runs"]

_RUN_OF = 16

_LONGEST_FIRST = sorted({head for _, head, _ in FORMATS}, key=lambda head: (-len(head), head))
_HEADS = re.compile("|".join(map(re.escape, _LONGEST_FIRST)))
_COLOUR_END = re.compile(r"[\[;]\d{1,2}m\Z")
_BEFORE_RUN = 64
_FAILS = 8  # beginnings in one run that turn out to be none, before the rest of it is left alone

_IN_RUN = bytes(97 if chr(c).isalnum() or c in b"+/-_" else 32 for c in range(128)) + b" " * 128
_LEAST = b"a" * _RUN_OF

_IDENTIFIER = re.compile(
    r"(?!fc-)[0-9a-fA-F-]++"
    r"|[/_+-]*+(?:(?:[a-z]{1,19}+\d{0,3}|\d{1,8})[/_+-]++)*+(?:[a-z]{1,19}+\d{0,3}|\d{1,8})?"
)
"""A number, a digest, a path or several words: no key."""

_TELEGRAM = re.compile(r"(?<!\d)\d{8,12}:AA[\w-]{30,40}+", re.ASCII)
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DISCORD = re.compile(r"[MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{25,40}+", re.ASCII)
_AZURE = re.compile(
    r"(?:(?<![\w~.-])|(?<=\\[nrt])|(?<=\\u00[0-9a-f][0-9a-f])|(?<=[\[;][0-9][0-9]m))[\w~.-]{3}\dQ~[\w~.-]{31,34}",
    re.ASCII,
)
_MAILCHIMP = re.compile(r"[0-9a-f]{32}-us\d{1,2}\b")

_PEM_MOST = 16_384
_PEM_KEY = re.compile(r"(?!X{16})[A-Za-z0-9+/]{16}")
_PEM_BODY = re.compile(r"(?:[A-Za-z0-9+/=:,\s-]++|\\+[rn])*+")
_URL_USER = re.compile(r"([^\s/:@\"'<>`\\]{0,128}+):([^\s/\"'<>`\\]{1,512})@(?!sha\d)", re.ASCII)
_URL_TOKEN = re.compile(r"([\w-]{20,255}+)@", re.ASCII)
_TERRAFORM = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]{8,24}\.atlasv1\.[\w-]{40,}+")
_DSN_USER = re.compile(r"[\w.-]{1,64}:([^\s:\"'<>`\\]{1,128})\Z")
_NAMES = KeyJudge()


def runs(text: str) -> Iterator[tuple[int, int]]:
    """Yield where runs of letters, digits, `+`, `/`, `-` and `_` are that could hold a key."""
    mask = text.encode("ascii", "replace").translate(_IN_RUN)
    at = mask.find(_LEAST)
    while at >= 0:
        end = mask.find(b" ", at + _RUN_OF)
        if end < 0:
            end = len(mask)
        if _IDENTIFIER.fullmatch(text, at, end) is None or text[at - 1 : at] in (
            "/",
            ":",
            "~",
            ".",
        ):
            yield at, end
        at = mask.find(_LEAST, end)


def find_formats(text: str) -> Iterator[Span]:
    """Yield every credential that shows by its own format."""
    resume = 0
    for start, end in runs(text):
        if end <= resume:
            continue
        for span in _in_run(text, max(resume, start - _BEFORE_RUN), start, end):
            yield span
            resume = span.end
    if "PRIVATE KEY" in text:
        yield from _pem(text)
    if "://" in text:
        yield from _urls(text)
    if "Q~" in text:
        for match in _AZURE.finditer(text):
            yield Span(match.start(), match.end(), "azure", match.start())
    if ".atlasv1." in text:
        for match in _TERRAFORM.finditer(text):
            yield Span(match.start(), match.end(), "terraform", match.start())
    if "@tcp(" in text or "@unix(" in text:
        yield from _dsn(text)


def _in_run(text: str, low: int, start: int, end: int) -> Iterator[Span]:
    other = _odd_one(text, start, end)
    if other is not None and other.start >= low:
        yield other
        return
    fails = 0
    head = _HEADS.search(text, low, end)
    while head is not None:
        at = head.start()
        if _begins(text, at):
            span = _fits(text, at, head.group())
            if span is not None:
                yield span
                at = span.end - 1
                fails = 0
            else:
                fails += 1
                if fails >= _FAILS:
                    return
        head = _HEADS.search(text, at + 1, end)


@cache
def _with_head(head: str) -> list[tuple[str, re.Pattern[str]]]:
    """Return the formats that may begin so, the longest beginning first; compiled when needed."""
    rows = [row for row in FORMATS if head.startswith(row[1])]
    return [
        (kind, re.compile(re.escape(begin) + body, re.ASCII))
        for kind, begin, body in sorted(rows, key=lambda row: -len(row[1]))
    ]


def _fits(text: str, at: int, head: str) -> Span | None:
    for kind, full in _with_head(head):
        match = full.match(text, at)
        if match is not None and (kind == "aws" or not is_dummy(match.group()[:128])):
            return Span(at, match.end(), kind, at)
    return None


def _odd_one(text: str, start: int, end: int) -> Span | None:
    """Return the credential of a run whose format has no literal beginning."""
    kind, match = "", None
    if text.startswith("AA", start) and text[start - 1 : start] == ":":
        first = start - 1
        while first and start - first < 14 and text[first - 1].isdigit():
            first -= 1
        kind, match = "telegram", _TELEGRAM.match(text, first)
    elif text[end : end + 1] == "." and text[end + 7 : end + 8] == ".":
        for first in range(end - 23, max(start, end - 28) - 1, -1):
            if first >= start and text[first] in "MNO" and _begins(text, first):
                kind, match = "discord", _DISCORD.match(text, first)
                break
    else:
        tail = text.find("-us", start + 32, end)
        if tail >= 0 and _begins(text, tail - 32):
            kind, match = "mailchimp", _MAILCHIMP.match(text, tail - 32)
    return Span(match.start(), match.end(), kind, match.start()) if match else None


def _begins(text: str, at: int) -> bool:
    """Tell whether a word begins here, if only behind an escaped line break."""
    before = text[at - 1 : at]
    if not before or before not in _WORD or text[at - 2 : at] in ("\\n", "\\r", "\\t"):
        return True
    if before == "m" and _COLOUR_END.search(text, max(0, at - 5), at):
        return True
    return text[at - 6 : at - 4] == "\\u"


def _pem(text: str) -> Iterator[Span]:
    at = text.find("-----BEGIN ")
    while at >= 0:
        end = text.find("-----", at + 11, at + 64)
        if end < 0 or "PRIVATE KEY" not in text[at:end]:
            at = text.find("-----BEGIN ", at + 11)
            continue
        close = text.find("-----END ", end + 5, end + _PEM_MOST)
        if close >= 0:
            stop = text.find("-----", close + 9, close + 64) + 5
            stop = close + 9 if stop < close else stop
        else:
            body = _PEM_BODY.match(text, end + 5, end + _PEM_MOST)
            stop = body.end() if body else end + 5
        if _PEM_KEY.search(text, end + 5, stop):
            yield Span(at, stop, "private_key", at)
        at = text.find("-----BEGIN ", stop)


def _urls(text: str) -> Iterator[Span]:
    at = text.find("://")
    while at >= 0:
        match = _URL_USER.match(text, at + 3)
        if match is not None:
            if not is_place_for(match[2]):
                yield Span(match.start(2), match.end(2), "url_password", at)
        else:
            match = _URL_TOKEN.match(text, at + 3)
            if match is not None and any(c.isdigit() for c in match[1]):
                yield Span(match.start(1), match.end(1), "url_token", at)
        at = text.find("://", at + 3)


def is_place_for(password: str) -> bool:
    """Tell whether this only shows where a password goes, or is a number of a user's group."""
    found = strength(password.strip("[]()"))
    if found == NOTHING or password.startswith(("$", "%", "{", "&lt;", "x-oauth")):
        return True
    return found == WORDS and bool(_NAMES.judge(password))


def _dsn(text: str) -> Iterator[Span]:
    """Yield the passwords of `user:password@tcp(host)/database`."""
    for mark in ("@tcp(", "@unix("):
        at = text.find(mark)
        while at >= 0:
            match = _DSN_USER.search(text, max(0, at - 160), at)
            if match is not None and not is_place_for(match[1]):
                yield Span(match.start(1), at, "url_password", match.start())
            at = text.find(mark, at + 5)
