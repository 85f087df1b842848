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
from chaoskit_guards.scrub_joins import QUOTE, Join, find_join, may_join
from chaoskit_guards.scrub_keys import MAYBE, NO, YES, KeyJudge
from chaoskit_guards.scrub_spans import Span
from chaoskit_guards.scrub_values import (
    is_blank,
    is_phrase,
    is_random,
    is_secret_value,
    is_strong,
)

__all__ = ["STEMS", "NamedFinder"]

STEMS = (
    "pass",
    "pw",
    "secret",
    "token",
    "key",
    "auth",
    "bearer",
    "cred",
    "cookie",
    "session",
    "sig=",
    "signature",
    "conn",
    "phrase",
    "mnemonic",
    "contrase",
    "senha",
    "kennwort",
    "wachtwoord",
    "heslo",
    "пароль",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
    "lösenord",
    "hasło",
    "şifre",
)
"""Parts of words that stand beside secrets."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_REST = re.compile(r"[\w.-]{0,64}+(?:\\u00[c-f][0-9a-f][\w-]{0,32}+)?")
_COLOUR = re.compile(r"[0-9;]{0,8}m")
_ESCAPE = re.compile(r"[nrtbf]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}")
_BARE = re.compile(r"[^\s\x1b\"'`<>,;&\\]{1,128}+")
_WORD = re.compile(r"[^\s\x1b\"'`<>\\]{1,128}+")
_SEPARATOR = re.compile(r"[=,;]")
_MORE = re.compile(r"[^\s\x1b\"'`<>,;&\\]{0,8192}+")
_LINE = re.compile(r"[^\s\x1b\"'`<>\\]{1,128}+(?=[ \t]*(?:[\r\n]|\Z))")
_LINE_HEAD = re.compile(
    r"(?:^|[\r\n])[ \t]{0,16}(?:-[ \t]|export[ \t]|set[ \t]|ENV[ \t]|ARG[ \t])?\Z"
)
_ROW = re.compile(r"[^,\r\n\"]{4,300}(?:[\r\n]|\Z)")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_INNER = re.compile(r"[^<>\r\n]{1,512}+")
_AGAIN = re.compile(rf"[ \t\r\n]{{0,16}},[ \t\r\n]{{0,16}}(?=[bru]{{0,2}}{QUOTE})")
_DOUBLED = re.compile(r'("")')
_QUOTE = re.compile(rf"[brufBRUF]{{0,2}}({QUOTE})")
_HUMAN = re.compile(
    "pass|pwd?|pin|phrase|contrase|senha|kennwort|wachtwoord|heslo|mnemonic"
    "|пароль|密码|密碼|パスワード|비밀번호|lösenord|hasło|şifre",
    re.IGNORECASE,
)
_ODD = re.compile(r"[\"'`]|[^\s\d]{0,64}\d|[^\s\d]{0,32}[a-z][A-Z]")
_ATTRIBUTE = re.compile(r"[a-z_]{2,32}=")
_PIPED = re.compile(
    r"\b(?:echo|printf)[ \t]{1,4}(?:-n[ \t]{1,4}|%s[ \t]{1,4})?([\"']?)([^\s\"'$`|]{4,128})\1"
    r"[ \t]{0,4}\|[^|\r\n]{1,240}\Z"
)
_CLOSERS = {"(": ")", "[": "]", "{": "}", "|": "|"}
_HOLDS_CLOSER = re.compile(r"[)\]}|]")
_ENDS = frozenset(("", "\n", "\r", ",", ";", "}", "&", '"', "'", "\\", "<", ")", "]"))
_MOST = 4_096
_SCHEMES = "bBtTaAdDnNkKgGjJ"  # the first letters of `SCHEME`
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
        self._head = marker[:-1] if len(marker) > 4 else "\0"  # a short one may be in a secret

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
                resume = end
                if not may_join(text, at, end):
                    continue
                name = self._name(text, at, end)
                if name is not None:
                    spans, resume = self._beside(text, name, end)
                    yield from spans
        at = low.find("-stdin")
        while at >= 0:
            piped = _PIPED.search(text, max(0, at - 400), at)
            if piped is not None and "pass" in low[max(0, at - 12) : at]:
                yield Span(piped.start(2), piped.end(2), "password", piped.start())
            at = low.find("-stdin", at + 1)

    def _name(self, text: str, at: int, end: int) -> _Name | None:
        """Return the name around `at`, unless it tells of nothing."""
        head = text[at - 64 if at > 64 else 0 : at]
        start = at - len(head) + len(head.rstrip(_LETTERS))
        if start and text[start - 1] == "\\":
            escape = _ESCAPE.match(text, start, at)
            start = escape.end() if escape else start  # the letter of an escaped line break
        elif text[start - 1 : start] == "[":
            colour = _COLOUR.match(text, start, at)
            start = colour.end() if colour else start  # of a terminal
        while start < at and text[start] == ".":
            start += 1
        name = text[start:end]
        level = self._judge(name)
        if level == NO and name not in _SECOND and (low := name.lower()) not in _SECOND:
            if low not in ("sig", "signature") or text[start - 1 : start] not in ("?", "&", ";"):
                return None
            level = YES
        human = _HUMAN.search(name) is not None
        flag = text.startswith("-", start) or text[start - 4 : start] in (
            "ENV ",
            "ARG ",
            "etx ",
            "env ",
        )
        return _Name(start, name, level, flag, human)

    def _beside(self, text: str, name: _Name, end: int) -> tuple[list[Span], int]:
        """Return the secrets beside a name that ends at `end`, and where to look on."""
        join = find_join(text, name.start, end)
        if join is None:
            return [], end
        if not name.flag:
            if join.by == "flag" and _ODD.match(text, join.at) is None:
                return [], end  # `with password hunter2`, but not `your password must`
            level = self._level(text, name)
            name = name if level == name.level else name._replace(level=level)
        if name.level == NO or _is_elsewhere(text, name, join.at):
            return [], end
        if name.text.lower().endswith(("cookie", "cookies")):
            found, stop = find_cookies(text, join.at, self._judge, self._marker)
            return [Span(*place, "cookie", name.start) for place in found], max(stop, end)
        spans: list[Span] = []
        if join.by == "pair" and join.loose and name.level == YES:
            row = _ROW.match(text, join.at)
            if row is not None and _starts_line(text, name.start):
                join = join._replace(by="row")
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
        before = _WORDS.findall(text, max(0, start - 40), start)[-2:] if apart else []
        if not before:
            return name.level
        judge = self._judge.judge
        two = f"{before[-1]} {name.text}"
        if name.level:
            return min(name.level, judge(two))  # the word may take the meaning away: `max token`
        if before[-1].lower() not in _FIRST:
            return NO
        return max(judge(two), judge(f"{before[0]} {two}") if len(before) > 1 else NO)

    def _value(self, text: str, at: int, join: Join, name: _Name) -> tuple[Span | None, int]:
        """Return the secret that begins at `at`, and where a list may go on; -1 if nowhere."""
        begin, value, quote, scheme = _read(text, at, join, name)
        stop = begin + len(value)
        after = stop + len(quote) if quote else -1
        if not value or self._head in value or is_marked(text, begin, self._marker):
            return None, after
        if _is_out_of_place(text, name, join, quote, (stop, value[0])):
            return None, after
        if scheme and not quote:
            good = is_random(value)
        else:
            last = join.by == "flag" or text[stop : stop + 1] in _ENDS
            good = _is_good(value, join, name, quoted=bool(quote) or join.by == "tag", last=last)
        if not good:
            return None, after
        if not quote and not is_random(value) and self._judge.judge(value):
            return None, after  # another name, as in `password=user_password`
        if not quote and len(value) > 100:
            more = _MORE.match(text, stop)
            stop = more.end() if more else stop
        return Span(begin, stop, "named", name.start), after


def _read(text: str, at: int, join: Join, name: _Name) -> tuple[int, str, str, bool]:
    """Return where the value at `at` begins, the value, its quotes, and if a scheme precedes it."""
    quote = None if join.by == "tag" else _QUOTE.match(text, at)
    if join.quote and text.startswith(join.quote, at):
        quote = _DOUBLED.match(text, at)
    begin = quote.end() if quote else at
    scheme = SCHEME.match(text, begin) if text[begin : begin + 1] in _SCHEMES else None
    if quote is None:
        begin = scheme.end() if scheme else begin
        return begin, _bare(text, begin, name, join.by), "", scheme is not None
    stop = _closing(text, begin, quote[1])
    begin = scheme.end() if scheme and scheme.end() < stop else begin
    return begin, text[begin:stop], quote[1], False


def _is_out_of_place(
    text: str, name: _Name, join: Join, quote: str, ending: tuple[int, str]
) -> bool:
    """Tell whether what follows a name cannot be its value; `ending` is its end and first sign."""
    stop, first = ending
    if quote and _is_closing(text, name, quote, stop, first):
        return True
    if join.by == "tag" and text[stop : stop + 2] not in ("</", "<\\", "]]"):
        return True
    if join.by == "next" and text[stop : stop + 1] not in ("", "\r", "\n"):
        return True
    # `token` is the vendors' name for a piece of text
    return name.text == "token" and text.find("logprob", stop, stop + 24) >= 0


def _is_elsewhere(text: str, name: _Name, at: int) -> bool:
    """Tell whether a name only looks like one: of a directory, a resource or a user in a URL."""
    before = text[name.start - 1 : name.start]
    if before == "/":
        return text[max(0, name.start - 3) : name.start] == "://"
    if before == ":":
        return "arn:" in text[max(0, at - 120) : at]
    return text[at : at + 1] in ("/", "~") and name.text.lower() == "pwd"


def _is_closing(text: str, name: _Name, quote: str, stop: int, first: str) -> bool:
    """Tell whether a quotation mark behind a name closes the text that the name stands in."""
    start, end = name.start, name.start + len(name.text)
    if first.isalnum() or len(quote) > 1 or text[end : end + 1] in ('"', "'", "`", "\\", "&"):
        return False
    line = max(text.rfind("\n", 0, start), start - 200, 0)
    if text.count(quote, line, start) % 2:
        return True
    return first in ")],;}" and text[stop : stop + 1] != quote


def _is_good(value: str, join: Join, name: _Name, *, quoted: bool, last: bool) -> bool:
    """Tell whether a value beside a name is a secret."""
    by = "flag" if join.by == "pair" and name.flag else join.by
    if by == "flag" and not name.flag:
        if not name.human:
            return is_strong(value) or (quoted and len(value) >= 12 and is_random(value))
        by = "is"  # `with password hunter2`: as in prose
    if by == "is" and not quoted and _ATTRIBUTE.match(value):
        return False  # `token (code=401)`
    if by == "is" and name.human and value.isdigit():
        return len(value) >= 6
    if name.human and ("-" in value or "phrase" in name.text.lower()) and is_phrase(value):
        return " " not in value or quoted or by == "row"
    if by == "pair" and join.loose:
        return is_strong(value)
    if by == "row":
        return is_random(value) or (name.human and (value.isdigit() or is_phrase(value)))
    if name.level == MAYBE and not (name.human and by in ("=", ":", "tag", "is")):
        return is_strong(value)
    if name.level == MAYBE or join.loose:
        return not is_blank(value) and (
            is_random(value) or (name.human and quoted and (value.isdigit() or is_phrase(value)))
        )
    by = "=" if by == "tag" else by
    return is_secret_value(value, by=by, human=name.human, quoted=quoted, last=last)


def _bare(text: str, at: int, name: _Name, by: str) -> str:
    """Return the value without quotes that begins at `at`."""
    if by == "row":
        row = _ROW.match(text, at)
        return row.group().strip() if row else ""
    if by == "tag":
        inner = _INNER.match(text, at)
        return inner.group().strip().removesuffix("]]") if inner else ""
    match = (_WORD if name.human and by in ("is", "flag") else _BARE).match(text, at)
    if match is None:
        return ""
    value = match.group()
    if name.human and by in ("=", ":") and text.startswith("&", match.end()):
        whole = _WORD.match(text, at)
        rest = whole.group()[len(value) :] if whole else ""
        value += rest if not _SEPARATOR.search(rest) else ""  # no query goes on behind the `&`
    closer = _CLOSERS.get(text[name.start - 1 : name.start], "")
    if closer and closer in value:
        value = value[: value.index(closer)]
    elif not name.human and (cut := _HOLDS_CLOSER.search(value)):
        value = value[: cut.start()]
    elif name.human and by in ("=", ":"):
        line = _LINE.match(text, at)
        if line is not None and "=" not in line.group() and _starts_line(text, name.start):
            return line.group().rstrip(",;")
    return value.rstrip(",;.:!?)]}|*" if by in ("is", ":", "flag") else ")]}|")


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
