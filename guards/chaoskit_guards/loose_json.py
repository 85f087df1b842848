"""JSON as models write it when they write it badly, read without making anything up.

Undone is only what has one reading: comments, commas too many or forgotten at the end of a line,
names and texts in other quotes, names without quotes, line breaks inside of texts, escapes that
JSON does not know, Python's True, False and None, and closing brackets that are missing after the
last value. What is cut off within a value is left out and said to be incomplete. Values are never
guessed: a bare word, a second value for a name, NaN and "..." are refused.
"""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["Loose", "NotJson", "read"]

_DEEPEST = 100

_BLANK = re.compile(r"[ \t\r\n\ufeff\u00a0]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[A-Za-z_$][\w$-]*")
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_PAIRS = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "`": "`"}
_ESCAPES = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
_HEX = re.compile(r"[0-9a-fA-F]{4}")


class NotJson(ValueError):  # noqa: N818 - what the text is
    """The text has no reading, or several.

    Attributes:
        at: where it goes wrong.
        within: whether something of a value was read before that.
    """

    def __init__(self, message: str, at: int, *, within: bool = False) -> None:
        super().__init__(message)
        self.at = at
        self.within = within


class Loose:
    """One value that was read.

    Attributes:
        value: the value; of an incomplete one what is complete.
        end: where it ends.
        repairs: what was undone, in words.
        incomplete: whether the text ends within a value.
        closed: how many brackets are missing at the end.
    """

    __slots__ = ("closed", "end", "incomplete", "repairs", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.end = 0
        self.repairs: dict[str, None] = {}
        self.incomplete = False
        self.closed = 0


_MISSING: Final = object()
"""What a value is that is cut off before anything of it is complete."""


def read(text: str, at: int = 0) -> Loose:
    """Read the value that begins at `at`.

    Raises:
        NotJson: there is none, or what it means is open.
    """
    reader = _Reader(text, at)
    found = reader.found
    try:
        value = reader.value(0)
    except NotJson as error:
        error.within = reader.read
        raise
    if value is _MISSING:
        found.incomplete = True
        value = None
    found.value, found.end = value, reader.at
    return found


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.found = Loose()
        self.read = False  # a name and its colon, or an item

    def value(self, depth: int) -> Any:
        self.skip()
        char = self.text[self.at : self.at + 1]
        if not char:
            return _MISSING
        if char in "{[":
            if depth >= _DEEPEST:
                raise NotJson("is nested too deeply", self.at)
            return self.members(depth) if char == "{" else self.items(depth)
        if char in _PAIRS:
            return self.string()
        if char in "-0123456789":
            return self.number()
        return self.word()

    def members(self, depth: int) -> Any:
        made: dict[str, Any] = {}
        self.at += 1
        while True:
            if self.ends("}"):
                return made
            name = self.name()
            if name is _MISSING:
                return self.cut(made)
            if name in made:
                raise NotJson("gives one name twice in the same object", self.at)
            self.skip()
            if self.at >= len(self.text):
                return self.cut(made)
            if self.text[self.at] != ":":
                raise NotJson("a name is not followed by a colon", self.at)
            self.at += 1
            self.read = True
            value = self.value(depth + 1)
            if value is _MISSING:
                return self.cut(made)
            made[name] = value
            if self.found.incomplete or self.found.closed or not self.goes_on("}"):
                return self.ended(made)

    def items(self, depth: int) -> Any:
        made: list[Any] = []
        self.at += 1
        while True:
            if self.ends("]"):
                return made
            value = self.value(depth + 1)
            if value is _MISSING:
                return self.cut(made)
            made.append(value)
            self.read = True
            if self.found.incomplete or self.found.closed or not self.goes_on("]"):
                return self.ended(made)

    def ends(self, closer: str) -> bool:
        """Whether the closing bracket is next; then it is read."""
        self.skip()
        if self.text.startswith(closer, self.at):
            self.at += 1
            return True
        return False

    def goes_on(self, closer: str) -> bool:
        """Read what stands behind a member; whether another one may follow."""
        before = self.at
        self.skip()
        char = self.text[self.at : self.at + 1]
        if char == ",":
            self.at += 1
            self.skip()
            if self.text.startswith(",", self.at):
                raise NotJson("there is no value between two commas", self.at)
            if self.text.startswith(closer, self.at):
                self.repair("a comma too many")
            return True
        if not char or char == closer:
            return char == closer
        if char in "}]":
            raise NotJson("the brackets do not match", self.at)
        if "\n" in self.text[before : self.at]:
            self.repair("a missing comma")
            return True
        raise NotJson("a comma or a closing bracket is missing", self.at)

    def ended(self, made: Any) -> Any:
        """Return what is complete of a container that the text ends in."""
        if not self.found.incomplete:
            self.found.closed += 1
        return made

    def cut(self, made: Any) -> Any:
        """Return what is complete of a container that is cut off within a member."""
        self.found.incomplete = True
        return made

    def name(self) -> Any:
        self.skip()
        char = self.text[self.at : self.at + 1]
        if not char:
            return _MISSING
        if char in _PAIRS:
            return self.string()
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise NotJson("a name is missing", self.at)
        self.at = word.end()
        self.repair("a name without quotes")
        return word.group()

    def string(self) -> Any:
        opener = self.text[self.at]
        closer = _PAIRS[opener]
        if opener != '"':
            self.repair("other quotes")
        self.at += 1
        parts: list[str] = []
        plain = _plain(closer)
        while True:
            run = plain.match(self.text, self.at)
            assert run is not None  # noqa: S101 - it matches the empty text as well
            parts.append(run.group())
            self.at = run.end()
            char = self.text[self.at : self.at + 1]
            if not char:
                return _MISSING
            if char == closer:
                self.at += 1
                return "".join(parts)
            if char == "\\":
                escaped = self.escape()
                if escaped is _MISSING:
                    return _MISSING
                parts.append(escaped)
            else:
                self.repair("a line break or tab within a text")
                parts.append(char)
                self.at += 1

    def escape(self) -> Any:
        char = self.text[self.at + 1 : self.at + 2]
        if not char:
            return _MISSING
        if char in _ESCAPES:
            self.at += 2
            return _ESCAPES[char]
        if char != "u":
            self.repair("an escape that JSON does not know")
            self.at += 2
            return char if char in "'`" else "\\" + char
        code = _HEX.match(self.text, self.at + 2)
        if code is None:
            if len(self.text) < self.at + 6:
                return _MISSING
            raise NotJson("an escape has no four digits", self.at)
        self.at += 6
        unit = int(code.group(), 16)
        low = _HEX.match(self.text, self.at + 2) if self.text.startswith("\\u", self.at) else None
        if 0xD800 <= unit < 0xDC00 and low is not None:
            second = int(low.group(), 16)
            if 0xDC00 <= second < 0xE000:
                self.at += 6
                return chr(0x10000 + ((unit - 0xD800) << 10) + second - 0xDC00)
        return chr(unit)

    def number(self) -> Any:
        match = _NUMBER.match(self.text, self.at)
        end = len(self.text)
        if match is None:
            if self.text[self.at :] == "-":
                return _MISSING
            raise NotJson("is no number", self.at)
        follows = self.text[match.end() : match.end() + 1]
        if match.end() == end or (follows in ".eE+-" and _tail(self.text, match.end())):
            self.at = end
            # At the top nothing shows where a number ends; within brackets it may go on.
            return _MISSING
        if follows.isalnum() or follows in "._%":
            raise NotJson("is no number", self.at)
        self.at = match.end()
        text = match.group()
        if len(text) > 1_000:
            raise NotJson("is a number too long", self.at)
        return float(text) if "." in text or "e" in text or "E" in text else int(text)

    def word(self) -> Any:
        word = _WORD.match(self.text, self.at)
        if word is None:
            raise NotJson("there is no value", self.at)
        text = word.group()
        if text in _WORDS:
            self.at = word.end()
            if text[0].isupper():
                self.repair("Python's True, False or None")
            return _WORDS[text]
        if word.end() == len(self.text) and any(known.startswith(text) for known in _WORDS):
            self.at = word.end()
            return _MISSING
        raise NotJson("a text without quotes has no clear end", self.at)

    def skip(self) -> None:
        """Read over blanks and comments."""
        while True:
            blank = _BLANK.match(self.text, self.at)
            assert blank is not None  # noqa: S101 - it matches the empty text as well
            self.at = blank.end()
            comment = _COMMENT.match(self.text, self.at)
            if comment is None:
                return
            self.repair("comments")
            self.at = comment.end()

    def repair(self, what: str) -> None:
        self.found.repairs[what] = None


def _plain(closer: str) -> re.Pattern[str]:
    return _PLAIN[closer]


_PLAIN = {
    closer: re.compile(f"[^{re.escape(closer)}\\\\\\x00-\\x1f]*") for closer in _PAIRS.values()
}


def _tail(text: str, at: int) -> bool:
    """Tell whether the text ends in the middle of a number: `1.`, `2e`, `2e-`."""
    return re.fullmatch(r"\.|(?:\.\d+)?[eE][+-]?", text[at:]) is not None
