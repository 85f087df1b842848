"""Secrets in running text that only the words beside them give away.

`api_key=…`, `"password": "…"` (also escaped, as JSON within JSON), `--token …`, `Authorization:
Bearer …`, `<secret>…</secret>`, `the password is …`. Each telling word is found literally and
looked at where it stands, within fixed bounds, so the time stays linear.
"""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from chaoskit_guards.scrub_headers import SCHEME, find_cookies, is_marked
from chaoskit_guards.scrub_joins import QUOTE, Join, find_join
from chaoskit_guards.scrub_keys import MAYBE, NO, KeyJudge
from chaoskit_guards.scrub_spans import Span
from chaoskit_guards.scrub_values import is_blank, is_random, is_secret_value, is_strong

__all__ = ["STEMS", "NamedFinder"]

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
    "otp",
    "session",
    "srf",
    "sig=",
    "signature",
    "conn",
)
"""Parts of words that stand beside secrets."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_REST = re.compile(r"[\w.-]{0,64}+", re.ASCII)
_ESCAPE = re.compile(r"[nrtbf]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}")
_BEFORE = re.compile(r"(?:([A-Za-z0-9]+)[ \t])?([A-Za-z0-9]+)[ \t]\Z", re.ASCII)
_BARE = re.compile(r"[^\s\"'`<>,;&\\]{1,300}+")
_MORE = re.compile(r"[^\s\"'`<>,;&\\]{0,8192}+")
_LINE = re.compile(r"[^\s\"'`<>\\]{1,300}+(?=[ \t]*(?:[\r\n]|\Z))")
_LINE_HEAD = re.compile(
    r"(?:^|[\r\n])[ \t]{0,16}(?:-[ \t]|export[ \t]|set[ \t]|ENV[ \t]|ARG[ \t])?\Z"
)
_INNER = re.compile(r"[^<>\r\n]{1,512}+")
_AGAIN = re.compile(rf"[ \t\r\n]{{0,16}},[ \t\r\n]{{0,16}}(?=[bru]{{0,2}}{QUOTE})")
_QUOTE = re.compile(rf"[brufBRUF]{{0,2}}({QUOTE})")
_HUMAN = ("pass", "pwd", "pin", "phrase")
_DIGITS = re.compile(r"[\"'`]?[^\s\d]{0,64}\d")
_ENDS = frozenset(("", "\n", "\r", ",", ";", "}", "&", '"', "'", "\\", "<", ")", "]"))
_MOST = 4_096
_SECOND = frozenset(("key", "keys", "code", "codes", "string", "str", "id", "phrase", "tokens"))
"""Words that tell of a secret only behind one of `_FIRST`, as in `access key`."""
_FIRST = frozenset(
    """api access private secret client account auth session connection encryption signing master
    app application security recovery backup pass service admin shared storage subscription
    consumer webhook refresh time verification mfa""".split()
)


class _Name(NamedTuple):
    start: int
    text: str
    level: int
    flag: bool  # of a command line
    human: bool  # people choose what stands under this name


class NamedFinder:
    """Finds the values that stand beside the names of secrets."""

    def __init__(self, judge: KeyJudge, stems: tuple[str, ...], marker: str) -> None:
        """Look for names that contain one of `stems` and are one for `judge`.

        Values that were replaced by `marker` before are not looked at again.
        """
        self._judge = judge
        self._stems = stems
        self._marker = marker

    def __call__(self, text: str, low: str) -> Iterator[Span]:
        """Yield where the values are in a text, given also in lower case of the same length."""
        hits: list[int] = []
        for stem in self._stems:
            at = low.find(stem)
            while at >= 0:
                hits.append(at)
                at = low.find(stem, at + len(stem))
        hits.sort()
        resume = 0
        for at in hits:
            if at >= resume:
                match = _REST.match(text, at)
                end = match.end() if match else at
                while end > at and text[end - 1] in ".-":
                    end -= 1
                name = self._name(text, at, end)
                resume = end
                if name is not None:
                    spans, resume = self._beside(text, name, end)
                    yield from spans

    def _name(self, text: str, at: int, end: int) -> _Name | None:
        """Return the name around `at`, unless it tells of nothing."""
        head = text[at - 64 if at > 64 else 0 : at]
        start = at - len(head) + len(head.rstrip(_LETTERS))
        if start and text[start - 1] == "\\":
            escape = _ESCAPE.match(text, start, at)
            start = escape.end() if escape else start  # the letter of an escaped line break
        while start < at and text[start] == ".":
            start += 1
        name = text[start:end]
        level = self._judge(name)
        if level == NO and name not in _SECOND and (low := name.lower()) not in _SECOND:
            if low not in ("sig", "signature") or text[start - 1 : start] not in ("?", "&"):
                return None
            level = MAYBE
        human = "pass" in name or any(word in name.lower() for word in _HUMAN)
        return _Name(start, name, level, text.startswith("-", start), human)

    def _beside(self, text: str, name: _Name, end: int) -> tuple[list[Span], int]:
        """Return the secrets beside a name that ends at `end`, and where to look on."""
        join = find_join(text, name.start, end)
        if join is None:
            return [], end
        if not name.flag:
            if join.by == "flag" and _DIGITS.match(text, join.at) is None:
                return [], end  # `with password hunter2`, but not `your password must`
            level = self._level(text, name)
            name = name if level == name.level else name._replace(level=level)
        if name.level == NO or (name.text.lower() == "pwd" and text[join.at : join.at + 1] in "/~"):
            return [], end  # an ordinary word, or the working directory
        if "cookie" in name.text.lower():
            line = text.find("\n", join.at, join.at + _MOST)
            line = min(len(text), join.at + _MOST) if line < 0 else line
            found = find_cookies(text, (join.at, line), self._judge, self._marker)
            return [span._replace(lead=name.start) for span in found], line
        spans: list[Span] = []
        at = join.at
        while True:
            span, after = self._value(text, at, join, name)
            if span is not None:
                spans.append(span)
            again = _AGAIN.match(text, after) if join.many and after >= 0 else None
            if again is None:
                return spans, spans[-1].end if spans else end
            at = again.end()

    def _level(self, text: str, name: _Name) -> int:
        """Return what a name tells together with the words before it."""
        start = name.start
        apart = start > 1 and text[start - 1] in " \t" and text[start - 2].isalnum()
        before = _BEFORE.search(text, max(0, start - 40), start) if apart else None
        if before is None:
            return name.level
        judge = self._judge.judge
        two = f"{before[2]} {name.text}"
        if name.level:
            return min(name.level, judge(two))  # the word may take the meaning away: `max token`
        if before[2].lower() not in _FIRST:
            return NO
        return max(judge(two), judge(f"{before[1]} {two}") if before[1] else NO)

    def _value(self, text: str, at: int, join: Join, name: _Name) -> tuple[Span | None, int]:
        """Return the secret that begins at `at`, and where a list may go on; -1 if nowhere."""
        after = -1
        quote = None if join.by == "tag" else _QUOTE.match(text, at)
        begin = quote.end() if quote else at
        scheme = SCHEME.match(text, begin)
        if quote is not None:
            stop = _closing(text, begin, quote[1])
            begin = scheme.end() if scheme and scheme.end() < stop else begin
            value, after = text[begin:stop], stop + len(quote[1])
        else:
            begin = scheme.end() if scheme else begin
            value = _bare(text, begin, name, join.by)
            stop = begin + len(value)
        if not value or is_marked(text, begin, self._marker):
            return None, after
        if scheme and not quote:
            good = is_random(value)
        else:
            last = text[stop : stop + 1] in _ENDS
            good = _is_good(value, join, name, quoted=bool(quote) or join.by == "tag", last=last)
        if not good:
            return None, after
        if not quote and not is_random(value) and self._judge.judge(value):
            return None, after  # another name, as in `password=user_password`
        if not quote and len(value) > 256:
            more = _MORE.match(text, stop)
            stop = more.end() if more else stop
        return Span(begin, stop, "named", name.start), after


def _is_good(value: str, join: Join, name: _Name, *, quoted: bool, last: bool) -> bool:
    """Tell whether a value beside a name is a secret."""
    by = join.by
    if by == "flag" and not name.flag:
        if not name.human:
            return is_strong(value)
        by = "is"  # `with password hunter2`: as in prose
    if name.level == MAYBE and not (name.human and by in ("=", ":", "tag")):
        return is_strong(value)
    if name.level == MAYBE or join.loose:
        return is_random(value) and not is_blank(value)
    by = "=" if by == "tag" else by
    return is_secret_value(value, by=by, human=name.human, quoted=quoted, last=last)


def _bare(text: str, at: int, name: _Name, by: str) -> str:
    """Return the value without quotes that begins at `at`."""
    if by == "tag":
        inner = _INNER.match(text, at)
        return inner.group().strip() if inner else ""
    match = _BARE.match(text, at)
    if match is None:
        return ""
    value = match.group()
    if name.human and by in ("=", ":"):
        line = _LINE.match(text, at)
        if line is not None and "=" not in line.group() and _starts_line(text, name.start):
            return line.group().rstrip(",;")
    return value.rstrip(".:!?)]}|*" if by in ("is", ":", "flag") else ")]}|")


def _starts_line(text: str, at: int) -> bool:
    return _LINE_HEAD.search(text, max(0, at - 24), at) is not None


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
