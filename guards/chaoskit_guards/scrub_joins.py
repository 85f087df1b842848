"""How a name and the value beside it are joined, in every notation that reaches a log."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["LEADS", "QUOTE", "Join", "find_join", "may_join"]

QUOTE = r"(?:\\{0,15}(?:\"\"\"|'''|[\"'`])|&quot;|&\#(?:3[49]|x2[27]);|&apos;|\\{1,15}u00(?:22|27))"
"""A quotation mark, however often it was escaped."""


class Join(NamedTuple):
    """Where the value begins, and in which manner it is joined.

    `by` is one of `=`, `:`, `flag`, `is`, `pair`, `cell`, `tag`, `part` (of a form) and `next`
    (all of the next line);
    `loose` joins hold only values that look like secrets; `many` values may follow one another, as
    in a list.
    """

    at: int
    by: str
    loose: bool = False
    many: bool = False
    quote: str = ""  # of the value, if the name tells: doubled in a CSV file


_WRAPPER = (
    r"(?:pydantic\.)?(?:SecretStr|SecretBytes|Secret|String::from|Some|str|bytes|Password|Token)"
)
_INSIDE = rf"\{{[ \t\r\n]{{0,16}}{QUOTE}(?:[Vv]alue|S|plain){QUOTE}[ \t]{{0,4}}:[ \t]{{0,4}}"
_TYPE = r"(?:&?(?:'static )?str|[sS]tring|SecretStr|bytes|[aA]ny|Final(?:\[\w+\])?|str \| None)"
_COLOUR = r"(?:(?:\x1b|\\{1,4}(?:u001b|x1b|033|e))\[[0-9;]{0,8}m){0,2}"
_ATTRIBUTES = r"(?:[ \t]{1,4}[\w:.-]{1,32}=(?:\"[^\"<>]{0,64}\"|'[^'<>]{0,64}')){0,4}"
_ASSIGN = re.compile(
    rf"(?P<close>\"\"(?!\")|{QUOTE})?(?:\]|\*\*|\?)?{_COLOUR}[ \t]{{0,16}}"
    rf"(?P<by>=>|:=|={{1,3}}|:[ \t]*{_TYPE}[ \t]*=|:(?!:|//)|->|<-|→|⇒|：|[—–](?=[ \t])"
    r"|\\{1,4}u003[dD])"
    rf"(?:\*\*)?[ \t]{{0,16}}{_COLOUR}(?:[|>][+-]?[ \t]{{0,4}}\r?\n[ \t]{{1,32}}"
    rf"|\\?\r?\n[ \t]{{1,32}}(?={QUOTE})|(?P<next>\r?\n[ \t]{{1,32}}))?"
    r"(?:string\(\d{1,6}\) )?"
    rf"(?P<wrap>(?:{_WRAPPER}\(|\[[ \t\r\n]{{0,16}}|\(|{_INSIDE})"
    rf"(?:value=)?(?=[bru]{{0,2}}{QUOTE}))?"
)
_PAIR = re.compile(rf"{QUOTE},[ \t]{{0,8}}(?=[bru]{{0,2}}{QUOTE})|(?P<bare>,)(?=[^\s,'\"]{{4}})")
_PART = re.compile(
    r"\\?\"(?:\r?\n|\\r\\n)(?:[A-Za-z-]{1,32}:[^\r\n\\]{0,80}(?:\r?\n|\\r\\n)){0,3}(?:\r?\n|\\r\\n)"
)
_BREAKS = frozenset('\r\n\\"')
_CELL_STARTS = frozenset((",", ";", "|", "\t", "\n", "\r", ""))
_FIELD = re.compile(
    rf"(?:{QUOTE})?,?(?:[ \t\r\n]|\\n){{0,32}}{_ATTRIBUTES}[ \t\r\n]{{0,8}}"
    rf"(?:{QUOTE})?(?:[Vv]alue|VALUE|content|val|default)(?:{QUOTE})?"
    r"[ \t]{0,4}[:=][ \t]{0,4}"
)
_HOLDER = re.compile(
    rf"(?:\b(?:name|key|header|var|variable|param|parameter|id|property)|type(?=.{{0,16}}pass))"
    rf"(?:{QUOTE})?[ \t]{{0,4}}[:=][ \t]{{0,4}}(?:{QUOTE})?\Z",
    re.IGNORECASE,
)
_TAG = re.compile(
    rf"(?:{QUOTE})?{_ATTRIBUTES}[ \t]{{0,4}}>[ \t]{{0,4}}(?:<!\[CDATA\[|<(?:value|string|val)>)?"
)
_CELL = re.compile(
    r"[ \t]{0,4}</[\w:.-]{1,32}>[ \t\r\n]{0,32}<[\w:.-]{1,32}>|[ \t]{0,16}\|[ \t]{1,16}"
)
_CELL_HEAD = re.compile(r"(?:^|[|\r\n])[ \t*`_]{0,4}(?:[A-Za-z]{1,16} ){0,2}[*`_]{0,2}\Z")
_GIVEN = r"(?:provided|given|used|supplied|received|sent|found)[ \t]{0,4}:"
_VERB = re.compile(
    r"[ \t]{1,4}(?:(?:is|was|to|equals|being|set to|is set to|was set to|changed to)"
    rf"(?:[ \t]{{0,4}}:)?[ \t]{{1,4}}|{_GIVEN}[ \t]{{1,4}}"
    r"|\((?=[^\s)]{6}))"
)
_ROUTE = re.compile(
    r"[ \t]{1,16}(?:(?P<verb>(?:is|was|to|equals|being|set|changed)[ \t:]"
    rf"|{_GIVEN}|\()|(?P<cell></|\|)"
    r"|(?P<value>[\\\"'`]|[\w:.-]{1,32}=|[^\s\d]{0,64}\d|[^\s\d]{0,32}[a-z][A-Z]))"
)
"""What a blank behind a name may lead to; in running text it mostly leads to nothing."""
_MARKS = frozenset("\"'`")
_NO_HOLDER = frozenset(",\"'`(){}[]")
_LOOSE = frozenset(("—", "–", "==", "==="))
_HUMAN = re.compile("pass|pwd", re.IGNORECASE)
_FLAG = re.compile(r"[ \t]{1,4}(?:\\\r?\n[ \t]{0,16})?")
_CALL = re.compile(rf"\([ \t]{{0,4}}(?={QUOTE})")
_ASSIGNS = frozenset("<\"'`\\&]*?=:-→⇒—–： \t\x1b")
_INDEXED = re.compile(r"\][ \t]{0,16}[=:]")
_BLANKS = frozenset((" ", "\t", "\n", '"', "'", "(", "[", ""))
_ONLY_ASSIGN = frozenset("]*?=:-→⇒—–：\x1b")
LEADS = frozenset("\"'`\\&]*?=:-→⇒—–： \t>,)|(<\r\n\x1b")
"""What may stand right behind a name that a value follows."""


def may_join(text: str, at: int, end: int) -> bool:
    """Tell at small cost whether a value can follow the name around `at` that ends at `end`.

    One of `LEADS` stands at `end`.
    """
    first = text[end : end + 1]
    if first not in " \t":
        return first != "]" or _INDEXED.match(text, end) is not None
    if text[end + 1 : end + 2] in _ASSIGNS or _ROUTE.match(text, end) is not None:
        return True
    if text[at - 1 : at] in _BLANKS:
        return False
    return "-" in text[at - 32 if at > 32 else 0 : at]  # it may be a flag


def find_join(text: str, start: int, end: int) -> Join | None:
    """Return how the name from `start` to `end` goes on to a value, or None."""
    first = text[end : end + 1]
    near = first if first not in " \t" else text[end + 1 : end + 2]
    match = None
    if near in _ASSIGNS and not (first in _MARKS and text.startswith(",", end + 1)):
        match = _ASSIGN.match(text, end)
    if match is not None:
        by, wrap, close, line = match.group("by", "wrap", "close", "next")
        if line is not None:
            return Join(match.end(), "next", True)
        loose = by in _LOOSE
        by = "=" if by[0] in "=\\" or by[-1] == "=" else ":"
        many = wrap is not None and "[" in wrap
        return Join(match.end(), by, loose, many, '""' if close == '""' else "")
    if first in " \t":
        return _apart(text, start, end)
    if first in _ONLY_ASSIGN:
        return None
    if first == ">":
        if text[start - 1 : start] not in ("<", ":"):
            return None
        match = _TAG.match(text, end)
        return Join(match.end(), "tag") if match else None
    if first == "(":
        match = _CALL.match(text, end)
        return Join(match.end(), "is", loose=True) if match else None
    return _behind_quote(text, start, end)


def _apart(text: str, start: int, end: int) -> Join | None:
    """Return the join that begins with a blank."""
    route = _ROUTE.match(text, end)
    if route is None:
        if not text.startswith("-", start):
            return None
    elif route["verb"]:
        match = _VERB.match(text, end)
        if match is not None:
            return Join(match.end(), "is", loose=match.group().strip() in ("(", "to"))
    elif route["cell"]:
        return _cell(text, start, end)
    if text[start - 1 : start] in ("<", ":"):
        match = _TAG.match(text, end)
        if match is not None:
            return Join(match.end(), "tag")
    if text[start - 1 : start] in " :=<":
        field = _field(text, start, end)
        if field is not None:
            return field
    match = _FLAG.match(text, end)
    return Join(match.end(), "flag") if match else None


def _behind_quote(text: str, start: int, end: int) -> Join | None:
    """Return the join that begins with a quotation mark, a line break or the end of a cell."""
    near = text[end + 1 : end + 2]
    match = _PART.match(text, end) if near in _BREAKS else None
    if match is not None and text.find("form-data", start - 48 if start > 48 else 0, start) >= 0:
        return Join(match.end(), "part")
    match = _PAIR.match(text, end)
    if match is not None and match["bare"] and text[start - 1 : start] not in _CELL_STARTS:
        match = None
    if match is not None:
        return _field(text, start, end) or Join(match.end(), "pair", match["bare"] is not None)
    field = _field(text, start, end)
    if field is not None:
        return field
    cell = _cell(text, start, end)
    if cell is not None:
        return cell
    match = _TAG.match(text, end)
    return Join(match.end(), "cell") if match else None


def _cell(text: str, start: int, end: int) -> Join | None:
    """Return the join of two cells of a table, of which the first holds the name at its end."""
    match = _CELL.match(text, end)
    if match is None or not (
        text[end] == "<" or _CELL_HEAD.search(text, max(0, start - 32), start)
    ):
        return None
    return Join(match.end(), "cell")


def _field(text: str, start: int, end: int) -> Join | None:
    """Return the join of `"name": "password", "value": "…"`."""
    if text[start - 1 : start] in _MARKS and text[start - 2 : start - 1] in _NO_HOLDER:
        return None
    match = _FIELD.match(text, end)
    if match is None:
        return None
    if text[start - 1 : start] != "<" and not _HOLDER.search(text, max(0, start - 32), start):
        return None
    return Join(match.end(), "=", loose=_HUMAN.search(text, start, end) is None)
