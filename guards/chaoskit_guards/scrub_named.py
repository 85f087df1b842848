"""Secrets in running text that only the words beside them give away.

`api_key=…`, `"password": "…"` (also escaped, as JSON within JSON), `--token …`, `Authorization:
Bearer …`, `<secret>…</secret>`, `the password is …`. Each telling word is found literally and
looked at where it stands, within fixed bounds, so the time stays linear.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator

from chaoskit_guards.scrub_spans import Span
from chaoskit_guards.scrub_values import is_blank, is_random, is_secret_value

__all__ = ["STEMS", "find_named"]

STEMS = (
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "bearer",
    "cred",
    "cookie",
    "jwt",
    "otp",
    "session",
    "csrf",
    "xsrf",
    "signature",
    "connection",
    "conn_str",
)
"""Parts of words that stand beside secrets."""

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
_REST = re.compile(r"[\w.-]{0,64}+", re.ASCII)
_BEFORE = re.compile(r"(?:([A-Za-z0-9]+)[ \t])?([A-Za-z0-9]+)[ \t]\Z", re.ASCII)
_JOIN = re.compile(
    r"(?P<close>\\*[\"'`])?(?P<index>\])?[ \t]{0,8}"
    r"(?:(?P<by>=>|:=|={1,3}|:|->|→)[ \t]{0,8}(?:[\r\n]{1,2}[ \t]{1,8}(?=[\"']))?"
    r"|(?P<comma>,[ \t]{0,8}(?=\\*[\"'`]))"
    r"|(?P<tag>>)"
    r"|[ \t](?P<verb>is|was|are|to|of)[ \t]{1,4}(?::[ \t]{0,4})?"
    r"|(?P<flag>[ \t]{1,4}))"
)
_QUOTE = re.compile(r"[bru]{0,2}(\\*[\"'`])")
_BARE = re.compile(r"[^\s\"'`<>,;&\\]{1,4096}+")
_SCHEME = re.compile(
    r"(?:bearer|basic|token|apikey|api-key|digest|negotiate|key|bot|ghs?|jwt)[ \t]{1,4}",
    re.IGNORECASE,
)
_COOKIE = re.compile(r"([\w.-]{1,64}+)=([^;\s\"'\\]{1,4096}+)", re.ASCII)
_COOKIE_WORDS = frozenset(
    ("path", "domain", "expires", "max-age", "samesite", "version", "secure", "priority", "lang")
)
_HUMAN = ("pass", "pwd", "pin", "phrase")
_DIGITS = re.compile(r"[\"'`]?[^\s\d]{0,64}\d")
_MOST = 4_096
_CREDENTIAL = re.compile(r"[A-Za-z0-9._~+/=-]{4,4096}+")
_USER = re.compile(r"[ \t=]{1,4}[\"']?[^\s:\"'@/]{1,128}:([^\s\"']{1,512})")


def find_named(
    text: str, low: str, judge: Callable[[str], bool], stems: Iterable[str], marker: str
) -> Iterator[Span]:
    """Yield every value that stands beside a name of a secret.

    Args:
        text: the text.
        low: the same text in lower case, of the same length.
        judge: tells whether a name is one of a secret.
        stems: parts of words to look for.
        marker: what a secret was replaced with before; it is not looked at again.
    """
    for stem in stems:
        at = low.find(stem)
        while at >= 0:
            spans, resume = _at(text, at, judge, marker)
            yield from spans
            at = low.find(stem, resume)
    yield from _schemes(text, low, marker)
    for flag in (" -u", "--user"):
        at = low.find(flag)
        while at >= 0:
            match = _USER.match(text, at + len(flag))
            if match is not None and not _done(text, match.start(1), marker):
                yield Span(match.start(1), match.end(1), "basic", at)
            at = low.find(flag, at + len(flag))


def _name_end(text: str, at: int) -> int:
    match = _REST.match(text, at)
    end = match.end() if match else at
    while end > at and text[end - 1] in ".-":
        end -= 1
    return end


def _done(text: str, at: int, marker: str) -> bool:
    """Tell whether a marker stands here already; a keyed one is the marker with a suffix."""
    head = marker[:-1] if len(marker) > 2 else marker
    return bool(head) and text.startswith(head, at)


def _at(text: str, at: int, judge: Callable[[str], bool], marker: str) -> tuple[list[Span], int]:
    """Return the secrets that the word at `at` tells of, and where to look on."""
    end = _name_end(text, at)
    join = _JOIN.match(text, end)
    if join is None:
        return [], end
    start = at
    while start and text[start - 1] in _NAME and at - start < 64:
        start -= 1
    if start and text[start - 1] == "\\" and text[start] in "nrt":
        start += 1  # the letter belongs to an escaped line break before the name
    name = text[start:end]
    loose = join["flag"] is not None and not text.startswith("-", start)
    if join["flag"] is not None and (join["close"] or (loose and not _is_human(name))):
        return [], end
    if loose and _DIGITS.match(text, join.end()) is None:
        return [], end  # `with password hunter2`, but not `your password must`
    if join["tag"] is not None and (join["close"] or text[start - 1 : start] != "<"):
        return [], end
    if not _tells(text, start, name, judge):
        return [], end
    if "cookie" in name.lower():
        line = text.find("\n", join.end(), join.end() + _MOST)
        line = min(len(text), join.end() + _MOST) if line < 0 else line
        return list(_cookies(text, (join.end(), line), start, judge, marker)), line
    span = _value(text, join, (start, name), judge, marker)
    return ([], end) if span is None else ([span], span.end)


def _is_human(name: str) -> bool:
    """Tell whether people choose what stands under this name."""
    low = name.lower()
    return any(word in low for word in _HUMAN)


def _how(join: re.Match[str]) -> str:
    """Return how a name and its value are joined, in the words of `is_secret_value`."""
    if join["verb"]:
        return "is"
    if join["comma"]:
        return "pair"
    if join["flag"] is not None:
        return "flag"
    return "=" if (join["by"] or "=").startswith("=") else ":"


def _value(
    text: str,
    join: re.Match[str],
    named: tuple[int, str],
    judge: Callable[[str], bool],
    marker: str,
) -> Span | None:
    start, name = named
    by = _how(join)
    value_at = join.end()
    scheme = _SCHEME.match(text, value_at)
    quote = _QUOTE.match(text, value_at)
    if quote is not None:
        inner = _SCHEME.match(text, quote.end())
        close = _closing(text, quote.end(), quote[1])
        begin = inner.end() if inner is not None and inner.end() < close else quote.end()
        value, quoted = text[begin:close], True
    else:
        begin = scheme.end() if scheme is not None else value_at
        bare = _BARE.match(text, begin)
        if bare is None:
            return None
        value, quoted = bare.group(), False
        value = value.rstrip(".:!?)]}|" if by in ("is", ":") else ")]}|")
    if not value or _done(text, begin, marker):
        return None
    stop = begin + len(value)
    human = _is_human(name)
    if by == "flag" and not text.startswith("-", start):
        by = "is"  # `with password hunter2`: as in prose
    last = text[stop : stop + 1] in ("", "\n", "\r", ",", ";", "}", "&", '"', "'", "\\", "<", ")")
    if scheme is not None and not quoted:
        if not is_random(value):
            return None
    elif not is_secret_value(value, by=by, human=human, quoted=quoted, last=last):
        return None
    if not quoted and judge(value) and not is_random(value):
        return None  # another name, as in `password=user_password`
    return Span(begin, stop, "named", start)


def _tells(text: str, start: int, name: str, judge: Callable[[str], bool]) -> bool:
    apart = start > 1 and text[start - 1] in " \t" and text[start - 2].isalnum()
    before = _BEFORE.search(text, max(0, start - 40), start) if apart else None
    if before is None:
        return judge(name)
    two = f"{before[2]} {name}"
    three = f"{before[1]} {two}" if before[1] else two
    if judge(name):
        return judge(two)  # a word before may take the meaning away, as in `max token`
    return judge(two) or judge(three)


def _closing(text: str, at: int, quote: str) -> int:
    """Return where a quoted value ends; an unclosed one ends with the line or the bound."""
    end = min(len(text), at + _MOST)
    close = text.find(quote, at, end)
    while close > at and len(quote) == 1 and text[close - 1] == "\\":
        back = close - 1
        while back > at and text[back - 1] == "\\":
            back -= 1
        if (close - back) % 2 == 0:
            break
        close = text.find(quote, close + 1, end)
    if close >= 0:
        return close
    line = text.find("\n", at, end)
    return line if line >= 0 else end


def _cookies(
    text: str, region: tuple[int, int], lead: int, judge: Callable[[str], bool], marker: str
) -> Iterator[Span]:
    for match in _COOKIE.finditer(text, *region):
        name, value = match.groups()
        if name.lower() in _COOKIE_WORDS or _done(text, match.start(2), marker) or is_blank(value):
            continue
        if judge(name) or "sess" in name.lower() or (len(value) >= 12 and is_random(value)):
            yield Span(match.start(2), match.end(2), "cookie", lead)


def _schemes(text: str, low: str, marker: str) -> Iterator[Span]:
    for scheme in ("bearer", "basic"):
        at = low.find(scheme)
        while at >= 0:
            begin = at + len(scheme)
            while begin < at + len(scheme) + 4 and text[begin : begin + 1] in (" ", ":", "\t"):
                begin += 1
            match = _CREDENTIAL.match(text, begin) if begin > at + len(scheme) else None
            if match is not None and not _done(text, begin, marker):
                value = match.group().rstrip(".")
                if is_random(value) if scheme == "bearer" else _is_basic(value):
                    yield Span(begin, begin + len(value), scheme, at)
            at = low.find(scheme, at + len(scheme))


def _is_basic(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)[1:]
    except (binascii.Error, ValueError):
        return False
