"""The line on which each key of a TOML text stands, which `tomllib` does not tell.

The scanner follows the grammar of TOML 1.0 but interprets no value; it is for texts that
`tomllib` has accepted. A path consists of keys and of positions in lists: `("faults", 0, "when")`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["Path", "line_of", "lines", "spell"]

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?'
    r"|'''.*?'''(?:'{1,2}(?!'))?"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")
_SIMPLE = re.compile(r"[A-Za-z0-9_-]+")


def lines(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table, key and list element of a valid TOML text."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def line_of(found: dict[Path, int], path: Sequence[str | int]) -> int:
    """Return the line of a path, or of the nearest enclosing table that is written; 0 for none."""
    for length in range(len(path), 0, -1):
        line = found.get(tuple(path[:length]))
        if line:
            return line
    return 0


def spell(path: Sequence[str | int]) -> str:
    """Return a path as people write it: `faults[0].retry_after`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _SIMPLE.fullmatch(part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


class _Scanner:
    """Reads one text from its beginning to its end, noting where things stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self.lists: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while self.skip(_BLANK) < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)

    def skip(self, pattern: re.Pattern[str]) -> int:
        matched = pattern.match(self.text, self.at)
        self.at = matched.end() if matched else self.at
        return self.at

    def note(self, path: Path) -> None:
        self.found.setdefault(path, self.text.count("\n", 0, self.at) + 1)

    def header(self) -> Path:
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        start = self.at
        self.at += brackets
        keys = self.dotted()
        end = self.at + brackets
        self.at = start
        path: Path = ()
        for position, key in enumerate(keys, start=1):
            path = (*path, key)
            self.note(path)
            if brackets == 2 and position == len(keys):
                self.lists[path] = self.lists.get(path, -1) + 1
            if path in self.lists:
                path = (*path, self.lists[path])
                self.note(path)
        self.at = end
        return path

    def dotted(self) -> tuple[str, ...]:
        keys = []
        while True:
            self.skip(_SPACE)
            matched = _KEY.match(self.text, self.at)
            if matched is None:  # not TOML: the caller's text was not checked
                raise ValueError(f"no key at character {self.at}")
            keys.append(_unquoted(matched.group()))
            self.at = matched.end()
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def pair(self, table: Path) -> None:
        start = self.at
        keys = self.dotted()
        end, self.at = self.at, start
        for length in range(1, len(keys) + 1):
            self.note((*table, *keys[:length]))
        self.at = end + 1  # past the equals sign
        self.skip(_SPACE)
        self.value((*table, *keys))

    def value(self, path: Path) -> None:
        self.note(path)
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self.items(path)
        elif opening == "{":
            self.inline(path)
        else:
            self.skip(_STRING if opening in ("'", '"') else _PLAIN)

    def items(self, path: Path) -> None:
        self.at += 1
        position = 0
        while self.skip(_BLANK) < len(self.text) and self.text[self.at] != "]":
            self.value((*path, position))
            position += 1
            self.separator()
        self.at += 1

    def inline(self, path: Path) -> None:
        self.at += 1
        while self.skip(_BLANK) < len(self.text) and self.text[self.at] != "}":
            self.pair(path)
            self.separator()
        self.at += 1

    def separator(self) -> None:
        self.skip(_BLANK)
        self.at += self.text.startswith(",", self.at)


def _unquoted(key: str) -> str:
    return key if _SIMPLE.fullmatch(key) else next(iter(tomllib.loads(f"{key} = 0")))
