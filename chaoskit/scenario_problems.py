"""What is wrong with a table of a scenario file, in the words of scenario files.

Validation is pydantic's; its messages are written for those who know it. Here they become
sentences about keys, texts, whole numbers, lists and tables, with a suggestion where one is near.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from chaoskit.scenario_lines import Path

__all__ = ["Wrong", "keys_of", "read", "suggestion", "what_is"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong at a path of a scenario file."""

    path: Path
    message: str
    advice: str = ""


_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")
_NOUNS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a table",
    "mapping_type": "a table",
    "dataclass_type": "a table",
    "dataclass_exact_type": "a table",
}
_LIMITS = {
    "greater_than_equal": ("ge", "at least {}"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "at most {}"),
    "less_than": ("lt", "less than {}"),
    "multiple_of": ("multiple_of", "a multiple of {}"),
    "string_pattern_mismatch": ("pattern", "a text that matches {}"),
}
_SIZES = {
    "too_short": ("min_length", "must have at least {} entries"),
    "too_long": ("max_length", "must have at most {} entries"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
}


def read(
    make: type[T],
    table: object,
    path: Path = (),
    *,
    also: Iterable[str] = (),
    hints: Mapping[str, str] | None = None,
) -> T | list[Wrong]:
    """Return the settings that a table of a scenario file writes, or all that is wrong with it.

    Args:
        path: where the table stands in its file.
        also: further keys that the table may have; they are suggested, but not passed on.
        hints: what to say about keys that belong somewhere else.
    """
    try:
        # In JSON a list may stand for a tuple while "3" is no number: just what a file means.
        return TypeAdapter(make).validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
    found = list(_merged(_translated(details, table)))
    return [_finished(item, make, path, also, hints or {}) for item in found]


def keys_of(make: type) -> tuple[str, ...]:
    """Return the keys that a table of these settings may have, in order."""
    known: Mapping[str, FieldInfo] = make.__pydantic_fields__  # type: ignore[attr-defined]  # `@settings` makes it
    return tuple(info.alias or name for name, info in known.items())


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt name."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def what_is(value: object) -> str:
    """Return a value of a TOML text in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else f"{value[:36]!r}…"
    return str(value)


@dataclass(frozen=True, slots=True)
class _Found:
    """One error of the validation.

    Attributes:
        noun: what should stand there, where something of another kind does.
        seen: what stands there, in words.
        text: what stands there, when it is a text.
    """

    path: Path
    kind: str
    message: str = ""
    noun: str = ""
    choices: tuple[str, ...] = ()
    seen: str = ""
    text: str = ""


def _translated(details: Iterable[ErrorDetails], table: object) -> Iterator[_Found]:
    for detail in details:
        kind, context = detail["type"], detail.get("ctx", {})
        path, value = _place(detail, table)
        seen, text = what_is(value), value if isinstance(value, str) else ""
        if kind in _UNKNOWN:
            yield _Found(path, "unknown", "unknown key")
        elif kind in _MISSING:
            yield _Found(path, "missing", "missing")
        elif kind in _NOUNS:
            yield _Found(path, "noun", noun=_NOUNS[kind], seen=seen)
        elif kind == "literal_error":
            choices = tuple(re.findall(r"'([^']*)'", context["expected"]))
            noun = context["expected"]
            yield _Found(path, "noun", noun=noun, choices=choices, seen=seen, text=text)
        elif kind in _LIMITS:
            name, noun = _LIMITS[kind]
            yield _Found(path, "limit", f"must be {noun.format(_short(context[name]))}, not {seen}")
        elif kind in _SIZES:
            name, sentence = _SIZES[kind]
            size = context[name]
            yield _Found(path, "size", "must not be empty" if size == 1 else sentence.format(size))
        elif kind in ("value_error", "assertion_error"):
            yield _Found(path, "value", str(context["error"]) or f"cannot be {seen}")
        else:
            message = detail["msg"].replace("Input should be", "must be")
            yield _Found(path, "other", message[:1].lower() + message[1:])


def _short(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, (int, float)) else str(limit)


def _listed(words: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _place(detail: ErrorDetails, table: object) -> tuple[Path, object]:
    """Return the path of an error and the value there, without the names of union members."""
    path: Path = ()
    value: Any = table
    for part in detail["loc"]:
        in_table = isinstance(value, dict) and part in value
        if in_table or (isinstance(value, list) and isinstance(part, int) and part < len(value)):
            path, value = (*path, part), value[part]
    if detail["type"] in _MISSING:
        path = (*path, detail["loc"][-1])
    if detail["loc"][-1:] == ("[key]",):
        value = detail["loc"][-2]
    return path, value


def _merged(found: Iterable[_Found]) -> Iterator[_Found]:
    """Make one of what the members of a union say, keeping what those that came nearest say."""
    items = list(dict.fromkeys(found))
    paths = [item.path for item in items]
    done: set[Path] = set()
    for item in items:
        here = item.path
        deeper = any(len(other) > len(here) and other[: len(here)] == here for other in paths)
        if item.kind != "noun":
            yield item
        elif here not in done and not deeper:
            done.add(here)
            same = [other for other in items if other.path == here and other.kind == "noun"]
            if any(other.path == here and other.kind != "noun" for other in items):
                continue
            nouns = list(dict.fromkeys(other.noun for other in same))
            message = f"must be {_listed(nouns)}, not {item.seen}"
            choices = tuple(choice for other in same for choice in other.choices)
            yield _Found(here, "noun", message, choices=choices, text=item.text)


def _finished(
    item: _Found, make: type, path: Path, also: Iterable[str], hints: Mapping[str, str]
) -> Wrong:
    where = (*path, *item.path)
    if item.kind == "unknown":
        key = str(item.path[-1])
        if len(item.path) == 1 and key in hints:
            return Wrong(where, item.message, hints[key])
        known = _known(make, item.path[:-1])
        return Wrong(
            where, item.message, suggestion(key, [*known, *(also if len(item.path) == 1 else ())])
        )
    near = difflib.get_close_matches(item.text, item.choices, n=1)
    return Wrong(where, item.message, f"did you mean {near[0]!r}?" if near else "")


def _known(make: type, path: Path) -> list[str]:
    """Return the keys that may stand in the table at a path below `make`."""
    schema = TypeAdapter(make).json_schema()
    nodes = [schema]
    for part in path:
        nodes = [child for node in nodes for child in _children(node, part, schema)]
    return sorted({key for node in nodes for one in _plain(node, schema) for key in _keys(one)})


def _keys(node: Mapping[str, Any]) -> Iterable[str]:
    return list(node.get("properties", ()))


def _children(
    node: Mapping[str, Any], part: str | int, schema: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for one in _plain(node, schema):
        inner = (one.get("items"), one.get("additionalProperties"))
        child = one.get("properties", {}).get(part, inner[isinstance(part, str)])
        if isinstance(child, dict):
            yield child


def _plain(node: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Follow references and alternatives down to plain schemas."""
    if "$ref" in node:
        yield from _plain(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    for word in ("anyOf", "oneOf", "allOf"):
        for option in node.get(word, ()):
            yield from _plain(option, schema)
    yield node
