"""Secrets in running text that only the words beside them give away.

`api_key=…`, `"password": "…"` (also escaped, as JSON within JSON), `--token …`, `Authorization:
Bearer …`, `<secret>…</secret>`, `the password is …`. Each telling word is found literally and
looked at where it stands, within fixed bounds, so the time stays linear.
"""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import re
from collections.abc import Iterator

from chaoskit_guards.scrub_headers import find_cookies, is_opaque
from chaoskit_guards.scrub_joins import LEADS, QUOTE, Join, find_join, may_join
from chaoskit_guards.scrub_keys import NO, YES, KeyJudge
from chaoskit_guards.scrub_proof import is_proven
from chaoskit_guards.scrub_reading import Name, is_elsewhere, is_out_of_place, read, starts_line
from chaoskit_guards.scrub_spans import Span

__all__ = ["STEMS", "NamedFinder"]

STEMS = tuple(
    """pass pw secret token key auth bearer cred cookie session sig= signature conn phrase mnemonic
    contrase senha kennwort wachtwoord heslo пароль 密码 密碼 パスワード 비밀번호
    lösenord hasło şifre""".split()
)
"""Parts of words that stand beside secrets."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
_REST = re.compile(r"[\w.-]{0,64}+(?:\\u00[c-f][0-9a-f][\w-]{0,32}+)?")
_COLOUR = re.compile(r"[0-9;]{0,8}m")
_ESCAPE = re.compile(r"[nrtbf]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}")
_MORE = re.compile(r"[^\s\x1b\"'`<>,;&\\]{0,8192}+")
_ROW = re.compile(r"[^,\s\"]{4,300}(?:[\r\n]|\Z)")
_ODD = re.compile(r"[\"'`]|[^\s\d]{0,64}\d|[^\s\d]{0,32}[a-z][A-Z]")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_AGAIN = re.compile(rf"[ \t\r\n]{{0,16}},[ \t\r\n]{{0,16}}(?=[bru]{{0,2}}{QUOTE})")
_PIPED = re.compile(
    r"\b(?:echo|printf)[ \t]{1,4}(?:-n[ \t]{1,4}|%s[ \t]{1,4})?([\"']?)([^\s\"'$`|]{4,128})\1"
    r"[ \t]{0,4}\|[^|\r\n]{1,240}\Z"
)
_CLOSED = frozenset(("tag", "next"))
_PLACES = frozenset("/:~")
_NEW = tuple.__new__  # of a named tuple; its own constructor takes twice as long
_BLANKS = frozenset((" ", "\t"))
_FLAGS = frozenset(("ENV ", "ARG ", "etx ", "env "))
_SECOND = frozenset(("key", "keys", "code", "codes", "string", "str", "id", "phrase", "tokens"))
"""Words that tell of a secret only behind one of `_FIRST`, as in `access key`."""
_FIRST = frozenset(
    """api access private secret client account auth session connection encryption signing master
    app application security recovery backup pass service admin shared storage subscription
    consumer webhook refresh time verification mfa""".split()
)


class NamedFinder:
    """Finds the values that stand beside the names of secrets."""

    def __init__(self, judge: KeyJudge, stems: tuple[str, ...], marker: str) -> None:
        """Look for names that contain one of `stems` and are one for `judge`.

        Values that were replaced by `marker` before are not looked at again.
        """
        self._judge = judge
        self._stems = stems
        self._marker = marker
        self._start = marker[:-1] if len(marker) > 2 else marker
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
        rest = _REST.match
        for at in hits:
            if at >= resume:
                match = rest(text, at)
                end = match.end() if match else at
                while end > at and text[end - 1] in ".-":
                    end -= 1
                resume = end
                if text[end : end + 1] not in LEADS or not may_join(text, at, end):
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

    def _name(self, text: str, at: int, end: int) -> Name | None:
        """Return the name around `at`, unless it tells of nothing."""
        start = at
        if text[at - 1 : at] in _LETTERS:  # also where there is nothing
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
        level, human, cookies = self._judge.kind(name)
        if level == NO and name not in _SECOND and (low := name.lower()) not in _SECOND:
            if low not in ("sig", "signature") or text[start - 1 : start] not in ("?", "&", ";"):
                return None
            level = YES
        flag = text.startswith("-", start)
        if not flag and text[start - 1 : start] == " ":
            flag = text[start - 4 if start > 4 else 0 : start] in _FLAGS
            if human and not flag:
                flag = text.find("login ", start - 80 if start > 80 else 0, start) >= 0  # of netrc
        return _NEW(Name, (start, name, level, flag, human, cookies))

    def _beside(self, text: str, name: Name, end: int) -> tuple[list[Span], int]:
        """Return the secrets beside a name that ends at `end`, and where to look on."""
        join = find_join(text, name.start, end)
        if join is None:
            return [], end
        before = text[name.start - 1 : name.start]
        if not name.flag:
            if join.by == "flag" and _ODD.match(text, join.at) is None:
                return [], end  # `with password hunter2`, but not `your password must`
            if before in _BLANKS:
                level = self._level(text, name)
                name = name if level == name.level else name._replace(level=level)
            elif name.level == NO:
                return [], end
        placed = before in _PLACES or text[join.at : join.at + 1] in _PLACES
        if name.level == NO or (placed and is_elsewhere(text, name, join.at)):
            return [], end
        if name.cookies:
            found, stop = find_cookies(text, join.at, self._judge, self._marker)
            return [Span(*place, "cookie", name.start) for place in found], max(stop, end)
        spans: list[Span] = []
        if join.by == "pair" and join.loose and name.level == YES:
            row = _ROW.match(text, join.at)
            if row is not None and starts_line(text, name.start):
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

    def _level(self, text: str, name: Name) -> int:
        """Return what a name tells together with the words before it."""
        start = name.start
        if name.level == YES and name.human and not self._judge.allows_phrases:
            return YES
        apart = text[start - 2 : start - 1].isalnum()
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

    def _value(self, text: str, at: int, join: Join, name: Name) -> tuple[Span | None, int]:
        """Return the secret that begins at `at`, and where a list may go on; -1 if nowhere."""
        begin, value, quote, scheme = read(text, at, join, name)
        stop = begin + len(value)
        after = stop + len(quote) if quote else -1
        if not value or self._head in value or text.startswith(self._start, begin):
            return None, after
        if (quote or join.by in _CLOSED or name.text == "token") and is_out_of_place(
            text, name, join, quote, (stop, value[0])
        ):
            return None, after
        if scheme and not quote:
            proven = is_opaque(value)
        else:
            quoted = bool(quote) or join.by == "tag"
            proven = is_proven(text, name, join, self._judge, (begin, stop, quoted))
        if not proven:
            return None, after
        if not quote and len(value) > 100:
            more = _MORE.match(text, stop)
            stop = more.end() if more else stop
        return Span(begin, stop, "named", name.start), after
