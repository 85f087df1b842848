"""A text that matches a regular expression."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterable, Iterator
from re import _constants as code  # type: ignore[attr-defined]  # no stubs, public in no version
from re import _parser as parser  # type: ignore[attr-defined]  # the one parser that agrees with re
from typing import Any

__all__ = ["matching"]

_PRINTABLE = string.ascii_letters + string.digits + "-_ .,:;/@#+*=!?%&()[]{}<>|~^$'\"`\\"
_SPACE = " \t\n"
_REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT)
_CATEGORIES = {
    code.CATEGORY_DIGIT: string.digits,
    code.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    code.CATEGORY_SPACE: _SPACE,
}
_NEGATED = {
    code.CATEGORY_NOT_DIGIT: code.CATEGORY_DIGIT,
    code.CATEGORY_NOT_WORD: code.CATEGORY_WORD,
    code.CATEGORY_NOT_SPACE: code.CATEGORY_SPACE,
}
_TRIES = 24
_WORK = 20_000  # characters and repetitions of one text


def matching(
    pattern: str, rng: random.Random, *, shortest: int = 0, longest: int | None = None
) -> str | None:
    """Return a text in which `pattern` is found, or None when no try gave one.

    Lookarounds are not followed but checked: most texts that fail them are drawn again.
    """
    try:
        tree = parser.parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    ends_open = not pattern.endswith("$")
    for extra in range(_TRIES):
        try:
            text = "".join(_texts(tree, rng, extra, {}, iter(range(_WORK))))
        except _TooLong:
            return None
        if len(text) < shortest and ends_open:
            text += "".join(rng.choices(string.ascii_lowercase, k=shortest - len(text)))
        long_enough = len(text) >= shortest and (longest is None or len(text) <= longest)
        if long_enough and compiled.search(text):
            return text
    return None


class _TooLong(Exception):  # noqa: N818 - a signal between the functions of this file
    """The text would be longer than any that is of use."""


def _texts(
    tree: Iterable[tuple[Any, Any]],
    rng: random.Random,
    extra: int,
    groups: dict[int, str],
    work: Iterator[int],
) -> Iterator[str]:
    for kind, value in tree:
        if next(work, None) is None:
            raise _TooLong
        if kind in _REPEATS:
            least, most, inner = value
            for _ in range(rng.randint(least, min(most, least + extra))):
                if next(work, None) is None:
                    raise _TooLong
                yield from _texts(inner, rng, extra, groups, work)
        elif kind is code.BRANCH:
            yield from _texts(rng.choice(value[1]), rng, extra, groups, work)
        elif kind is code.SUBPATTERN:
            number, _, _, inner = value
            groups[number] = "".join(_texts(inner, rng, extra, groups, work))
            yield groups[number]
        elif kind is code.ATOMIC_GROUP:
            yield from _texts(value, rng, extra, groups, work)
        elif kind is code.GROUPREF:
            yield groups.get(value, "")
        else:
            yield from _character(kind, value, rng)


def _character(kind: Any, value: Any, rng: random.Random) -> Iterator[str]:
    if kind is code.LITERAL:
        yield chr(value)
    elif kind is code.NOT_LITERAL:
        yield rng.choice(_PRINTABLE.replace(chr(value), ""))
    elif kind is code.ANY:
        yield rng.choice(string.ascii_lowercase)
    elif kind is code.IN:
        yield rng.choice(_members(value))


def _members(items: list[tuple[Any, Any]]) -> str:
    negated = items[0][0] is code.NEGATE
    found = "".join(_set(kind, value) for kind, value in items)
    if negated:
        found = "".join(char for char in _PRINTABLE if char not in found)
    return found or "?"


def _set(kind: Any, value: Any) -> str:
    if kind is code.LITERAL:
        return chr(value)
    if kind is code.RANGE:
        first, last = value
        return "".join(map(chr, range(first, min(last, first + 127) + 1)))
    if kind is code.CATEGORY and value in _NEGATED:
        return "".join(c for c in _PRINTABLE if c not in _CATEGORIES[_NEGATED[value]])
    return _CATEGORIES.get(value, "") if kind is code.CATEGORY else ""
