"""Writes plain tables as TOML, in the shape in which people write scenario files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

__all__ = ["dumps"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(table: Mapping[str, object]) -> str:
    """Return a table of texts, numbers, flags, lists and tables as TOML text.

    Raises:
        TypeError: a value has no place in TOML, such as None.
    """
    return "\n".join(_table(table, ())).strip() + "\n"


def _table(table: Mapping[str, object], path: tuple[str, ...]) -> list[str]:
    lines = [
        f"{_key(key)} = {_long(value)}"
        for key, value in table.items()
        if not _is_section(value, path)
    ]
    for key, value in table.items():
        if not _is_section(value, path):
            continue
        name = ".".join(map(_key, (*path, key)))
        if isinstance(value, Mapping):
            inner = _table(value, (*path, key))
            lines += inner if key == "healthy" and inner[:1] == [""] else ["", f"[{name}]", *inner]
        elif isinstance(value, list):
            for item in value:
                lines += ["", f"[[{name}]]", *_table(item, (*path, key))]
    return lines


def _is_section(value: object, path: tuple[str, ...]) -> bool:
    """Tell whether a value gets a header of its own; below the first level it is written inline."""
    if path:
        return path == ("healthy",) and isinstance(value, Mapping)
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and bool(value) and all(isinstance(i, Mapping) for i in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    raise TypeError(f"{value!r} cannot be written in TOML")


def _text(text: str) -> str:
    """Return a basic string. JSON escapes a subset of what TOML knows, but leaves DEL alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _long(value: object) -> str:
    """Return a text of several lines as people write it, and anything else on one line."""
    if not isinstance(value, str) or "\n" not in value:
        return _value(value)
    text = "\n".join(_text(line)[1:-1] for line in value.split("\n"))
    if '""' not in value and not value.endswith('"'):
        text = text.replace('\\"', '"')
    return f'"""\n{text}"""'
