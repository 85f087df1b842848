"""Credentials that stand behind the word of a scheme, in cookies and behind `curl -u`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from chaoskit_guards.scrub_formats import is_place_for
from chaoskit_guards.scrub_spans import Span
from chaoskit_guards.scrub_values import CHOSEN, MADE, NOTHING, is_code, strength

__all__ = ["SCHEME", "find_cookies", "find_schemes", "find_users", "is_marked", "is_opaque"]

SCHEME = re.compile(
    r"(?:bearer|basic|token|apikey|api-key|digest|negotiate|key|bot|ghs?|jwt)[ \t]{1,4}",
    re.IGNORECASE,
)
"""What may stand before the secret of a header."""

_COOKIE = re.compile(
    r"[ \t\"'\\]{0,8}([\w.-]{1,64}+)"
    r"(?:=([^;,\s\"'\\]{0,4096}+)(?:[^;\r\n\"'\\=]{0,40}(?=;))?)?(;?)",
    re.ASCII,
)
_COOKIE_WORDS = frozenset(
    ("path", "domain", "expires", "max-age", "samesite", "version", "secure", "priority", "lang")
)
_BEARER = re.compile(r"[ \t:]{1,4}+([A-Za-z0-9._~+/=-]{4,4096}+)")
_USER = re.compile(r"[ \t=]{1,4}[\"']?[^\s:\"'@/$]{1,128}:([^\s\"']{1,512})")
_IDENTIFIED = re.compile(
    r"identified(?:[ \t]+with[ \t]+\S{1,64})?[ \t]+(?:by|as)[ \t]+(?:password[ \t]+)?"
    r"'([^'\r\n]{1,256})'",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"(?:(?:mysql\w{0,8}|mariadb\w{0,8})[ \t][^\r\n;&|]{0,160}?[ \t]-p(?![ \t])"
    r"|(?:login[ \t][^\r\n;&|]{0,160}?[ \t]|sshpass[ \t]+)-p"
    r"|redis-cli[ \t][^\r\n;&|]{0,160}?[ \t]-a)[ \t]?"
    r"(?:([\"'])(.{1,256}?)\1|([^\s\"'$<-][^\s\"'<]{3,255}))"
)
_BASIC_PAIR = re.compile(
    r"auth=\([ \t]{0,4}([\"'])[^\"'\r\n]{0,128}\1,[ \t]{0,4}([\"'])([^\"'\r\n]{1,256})\2"
)
_USER_FLAGS = (" -u", "--user")


def is_marked(text: str, at: int, marker: str) -> bool:
    """Tell whether a marker stands here already; a keyed one is the marker with a suffix."""
    return text.startswith(marker[:-1] if len(marker) > 2 else marker, at)


def find_cookies(
    text: str, at: int, judge: Callable[[str], int], marker: str
) -> tuple[list[tuple[int, int]], int]:
    """Return where the secrets of the cookies that begin at `at` are, and where the cookies end."""
    found: list[tuple[int, int]] = []
    match = _COOKIE.match(text, at)
    while match is not None:
        at = match.end()
        old = match[2] and is_marked(text, match.start(2), marker)
        if match[2] and not old and _is_secret_cookie(match[1], match[2], judge):
            found.append(match.span(2))
        match = _COOKIE.match(text, at) if match[3] else None
    return found, at


def _is_secret_cookie(name: str, value: str, judge: Callable[[str], int]) -> bool:
    if name.lower() in _COOKIE_WORDS or strength(value) == NOTHING:
        return False
    if judge(name) or "sess" in name.lower():
        return True
    return strength(value) == MADE


def find_schemes(text: str, low: str, marker: str) -> Iterator[Span]:
    """Yield what stands behind `bearer` and `basic` and looks like a credential."""
    for scheme in ("bearer", "basic"):
        at = low.find(scheme)
        while at >= 0:
            match = _BEARER.match(text, at + len(scheme))
            if match is not None and not is_marked(text, match.start(1), marker):
                value = match[1].rstrip(".")
                if is_opaque(value) if scheme == "bearer" else _is_basic(value):
                    yield Span(match.start(1), match.start(1) + len(value), scheme, at)
            at = low.find(scheme, at + len(scheme))


def is_opaque(value: str) -> bool:
    """Tell whether what stands behind a scheme is a credential and no parameter of it."""
    return strength(value) >= CHOSEN and not is_code(value)


def _is_basic(value: str) -> bool:
    if len(value) < 8:
        return False
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)[1:]
    except (binascii.Error, ValueError):
        return False


def find_users(text: str, low: str, marker: str) -> Iterator[Span]:
    """Yield the passwords of `curl -u user:password` and of SQL's `IDENTIFIED BY 'password'`."""
    at = low.find("identified")
    while at >= 0:
        match = _IDENTIFIED.match(text, at)
        if match and not (is_marked(text, match.start(1), marker) or strength(match[1]) == NOTHING):
            yield Span(match.start(1), match.end(1), "sql", at)
        at = low.find("identified", at + 10)
    at = low.find("auth=(")
    while at >= 0:
        match = _BASIC_PAIR.match(text, at)
        if match and not (is_marked(text, match.start(3), marker) or is_place_for(match[3])):
            yield Span(match.start(3), match.end(3), "basic", at)
        at = low.find("auth=(", at + 6)
    if " -p" in text or " -a" in text:
        for match in _COMMAND.finditer(text):
            start, end = match.span(2) if match[2] else match.span(3)
            if not (is_marked(text, start, marker) or strength(text[start:end]) == NOTHING):
                yield Span(start, end, "flag", match.start())
    for flag in _USER_FLAGS:
        at = low.find(flag)
        while at >= 0:
            match = _USER.match(text, at + len(flag))
            if match is not None and not (
                is_marked(text, match.start(1), marker)
                or is_place_for(match[1])
                or (match[1].isdigit() and len(match[1]) < 6)
            ):
                yield Span(match.start(1), match.end(1), "basic", at)
            at = low.find(flag, at + len(flag))
