"""What is known of the tools of a run: which there are, and how their arguments are meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from chaoskit_guards.canonical import canonical, parsed

__all__ = ["Toolbook", "shown"]

_LISTED = 12
_NAME = re.compile(r"[\w.:/-]{1,64}")
_TYPES = ("integer", "number", "boolean")
_NONE = "\0 no default"  # a text, so that it is its own canonical form


def shown(name: str) -> str:
    """Return a name as errors and events tell it: a model can write anything in its place."""
    return name if _NAME.fullmatch(name) else "(a name that is none)"


class Toolbook:
    """Reads tool definitions of any vendor, or plain names."""

    def __init__(self, tools: Iterable[str | Mapping[str, Any]]) -> None:
        """Know these tools.

        Raises:
            ValueError: a definition has no name.
        """
        self._fields: dict[str, dict[str, tuple[object, object]]] = {}
        for tool in tools:
            self._add(tool)

    def _add(self, tool: str | Mapping[str, Any]) -> None:
        if isinstance(tool, str):
            self._fields[tool] = {}
            return
        several = tool.get("functionDeclarations") or tool.get("function_declarations")
        if several:
            for one in several:
                self._add(one)
            return
        body = tool["function"] if isinstance(tool.get("function"), Mapping) else tool
        name = body.get("name")
        if not isinstance(name, str) or not name:
            raise ValueError(f"a tool definition needs a name; it has {sorted(map(str, body))}")
        schema = body.get("input_schema") or body.get("parameters") or {}
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        self._fields[name] = {
            key: (field.get("type"), canonical(field.get("default", _NONE)))
            for key, field in (properties or {}).items()
            if isinstance(field, Mapping) and (field.get("type") in _TYPES or "default" in field)
        }

    def knows(self, name: str) -> bool:
        """Tell whether there is such a tool."""
        return name in self._fields

    def advice(self, name: str) -> str:
        """Return which tools there are, the most similar ones first."""
        close = get_close_matches(name, self._fields, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]}?" if close else ""
        names = ", ".join(list(self._fields)[:_LISTED]) or "none"
        return f"There is no tool {shown(name)}.{hint} The tools are: {names}."

    def plain(self, name: str, args: object) -> object:
        """Return arguments as the tool reads them: defaults left out, numbers as numbers."""
        fields = self._fields.get(name)
        if not fields:
            return args
        given = parsed(args)
        if not isinstance(given, (dict, Mapping)):
            return args
        read = dict(given)
        for key, (kind, default) in fields.items():
            if key in read:
                value = read[key] = _typed(read[key], kind)
                if default is not _NONE and canonical(value) == default:
                    del read[key]
        return read


def _typed(value: object, kind: object) -> object:
    if isinstance(value, str):
        if kind in ("integer", "number"):
            try:
                return float(value)
            except ValueError:
                return value
        if kind == "boolean" and value.lower() in ("true", "false"):
            return value.lower() == "true"
    return value
