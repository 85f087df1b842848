"""Which part of a text is the value of a name: with its quotes, to the end of a line or a field."""

from __future__ import annotations

import re
from typing import NamedTuple

from chaoskit_guards.scrub_headers import SCHEME
from chaoskit_guards.scrub_joins import QUOTE, Join

__all__ = ["Name", "is_elsewhere", "is_out_of_place", "read", "starts_line"]

_BARE = re.compile(r"[^\s\x1b\"'`<>,;&\\]{1,128}+")
_OPAQUE = re.compile(r"[^\s\x1b\"'`<>,;&\\)\]}|]{1,128}+")
_WORD = re.compile(r"[^\s\x1b\"'`<>\\]{1,128}+")
_SEPARATOR = re.compile(r"[=,;]")
_LINE = re.compile(r"[^\s\x1b\"'`<>\\]{1,128}+(?=[ \t]*(?:[\r\n]|\Z))")
_LINE_HEAD = re.compile(
    r"(?:^|[\r\n])[ \t]{0,16}(?:-[ \t]|export[ \t]|set[ \t]|ENV[ \t]|ARG[ \t])?\Z"
)
_ROW = re.compile(r"[^,\s\"]{4,300}(?:[\r\n]|\Z)")
_INNER = re.compile(r"[^<>\r\n]{1,512}+")
_DOUBLED = re.compile(r'("")')
_QUOTE = re.compile(rf"[brufBRUF]{{0,2}}({QUOTE})")
_HOMES = frozenset("/~")
_MAY_QUOTE = frozenset("\"'`\\&bBrRuUfF")
_ENTITY = re.compile(r"&(?:quot|apos|amp|lt|gt|#\d{2,4})(?:;|\Z)")
_CLOSERS = {"(": ")", "[": "]", "{": "}", "|": "|"}
_MOST = 4_096
_SCHEMES = "bBtTaAdDnNkKgGjJ"  # the first letters of `SCHEME`


class Name(NamedTuple):
    """A name that tells of a secret, and where it stands."""

    start: int
    text: str
    level: int
    flag: bool  # of a command line
    human: bool  # people choose what stands under this name
    cookies: bool


def read(text: str, at: int, join: Join, name: Name) -> tuple[int, str, str, bool]:
    """Return where the value at `at` begins, the value, its quotes, and if a scheme precedes it."""
    quote = None
    if text[at : at + 1] in _MAY_QUOTE and join.by != "tag":
        quote = _QUOTE.match(text, at)
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


def is_out_of_place(text: str, name: Name, join: Join, quote: str, ending: tuple[int, str]) -> bool:
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


def is_elsewhere(text: str, name: Name, at: int) -> bool:
    """Tell whether a name only looks like one: of a directory, a resource or a user in a URL."""
    before = text[name.start - 1 : name.start]
    if before == "/":
        return text[max(0, name.start - 3) : name.start] == "://"
    if before == ":":
        return "arn:" in text[max(0, at - 120) : at]
    return text[at : at + 1] in _HOMES and name.text.lower() == "pwd"


def _is_closing(text: str, name: Name, quote: str, stop: int, first: str) -> bool:
    """Tell whether a quotation mark behind a name closes the text that the name stands in."""
    start, end = name.start, name.start + len(name.text)
    if first.isalnum() or len(quote) > 1 or text[end : end + 1] in ('"', "'", "`", "\\", "&"):
        return False
    line = max(text.rfind("\n", 0, start), start - 200, 0)
    if text.count(quote, line, start) % 2:
        return True
    return first in ")],;}" and text[stop : stop + 1] != quote


def _bare(text: str, at: int, name: Name, by: str) -> str:
    """Return the value without quotes that begins at `at`."""
    if by == "row":
        row = _ROW.match(text, at)
        return row.group().strip() if row else ""
    if by == "tag":
        inner = _INNER.match(text, at)
        return inner.group().strip().removesuffix("]]") if inner else ""
    kind = _OPAQUE if not name.human else _WORD if by in ("is", "flag", "part") else _BARE
    match = kind.match(text, at)
    if match is None:
        return ""
    value = match.group()
    if name.human and by in ("=", ":") and text.startswith("&", match.end()):
        whole = _WORD.match(text, at)
        rest = whole.group()[len(value) :] if whole else ""
        value += rest if not _SEPARATOR.search(rest) else ""  # no query goes on behind the `&`
    if "&" in value and (entity := _ENTITY.search(value)):
        value = value[: entity.start()]
    closer = _CLOSERS.get(text[name.start - 1 : name.start], "")
    if closer and closer in value:
        value = value[: value.index(closer)]
    elif name.human and by in ("=", ":") and "=" not in value:
        line = _LINE.match(text, at)
        if line is not None and "=" not in line.group() and starts_line(text, name.start):
            return line.group().rstrip(",;")
    return value.rstrip(",;.:!?)]}|*" if by in ("is", ":", "flag") else ")]}|:")


def starts_line(text: str, at: int) -> bool:
    """Tell whether nothing but a list mark or a word of a shell stands before this in its line."""
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
