"""What the catalogues hold, in words: each name, what it means, and its settings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, is_dataclass
from inspect import getdoc
from textwrap import dedent
from typing import Any

from pydantic.fields import FieldInfo

from chaoskit.evidence import lasting
from chaoskit.registry import Registry
from chaoskit.scenario_schema import Node, schema_of
from chaoskit.settings import defaults

__all__ = ["Entry", "Setting", "describe", "describe_table", "examples_of"]

_STAGES = {
    "admit": "instead of an answer",
    "reply": "in what the model says",
    "frames": "in the events of a stream",
    "steps": "in how the answer travels",
    "offer": "in which tools there are",
    "run": "in what a tool does",
    "result": "in what a tool returns",
}
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "table",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key. `default` is empty where it is unset unless written, `required` where it must be."""

    name: str
    kind: str
    default: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One member of a catalogue, or any other table of a scenario file.

    Attributes:
        text: what it is, in one sentence; `more`: what else there is to say, in paragraphs.
        remark: where a fault strikes, what a promise is about, whose it is.
        examples: fragments of a scenario file.
    """

    name: str
    text: str
    more: tuple[str, ...] = ()
    remark: str = ""
    settings: tuple[Setting, ...] = ()
    examples: tuple[str, ...] = ()


def describe(registry: Registry[Any]) -> tuple[Entry, ...]:
    """Return what a catalogue holds, in its order."""
    return tuple(
        describe_table(name, registry[name], remark=_remark(registry, name)) for name in registry
    )


def describe_table(name: str, member: Any, *, remark: str = "") -> Entry:
    """Return what a table of these settings means and may contain."""
    schema = schema_of(member)
    known: dict[str, FieldInfo] = member.__pydantic_fields__
    usual = defaults(member)
    settings = tuple(
        Setting(
            name=(key := info.alias or field),
            kind=(kind := _kind(node := schema["properties"][key])),
            default=_default(usual[field], kind) if field in usual else "required",
            text=node.get("description", ""),
        )
        for field, info in known.items()
    )
    text, *more = [" ".join(part.split()) for part in (getdoc(member) or "").split("\n\n")]
    return Entry(
        name=name,
        text=text,
        more=tuple(more),
        remark=remark,
        settings=settings,
        examples=examples_of(member),
    )


def examples_of(member: Any) -> tuple[str, ...]:
    """Return the fragments of a scenario file that settings have as examples.

    They stand in the class as `example`; a line `# or` separates one from the next.
    """
    text = dedent(getattr(member, "example", "")).strip("\n")
    return tuple(f"{part.strip()}\n" for part in text.split("\n# or\n") if part.strip())


def _remark(registry: Registry[Any], name: str) -> str:
    member = registry[name]
    words = ""
    if registry.kind == "fault":
        words = next(words for stage, words in _STAGES.items() if hasattr(member, stage))
    elif registry.kind == "check":
        words = "what users get" if member.outcome else "how the agent goes about it"
    if member.__module__.startswith("chaoskit."):
        return words
    return ", ".join(filter(None, (words, f"of {member.__module__}")))


def _kind(node: Node) -> str:
    if "x-unit" in node:
        return str(node["x-unit"])
    if "const" in node:
        return json.dumps(node["const"], ensure_ascii=False)
    if "enum" in node:
        return _listed(json.dumps(choice, ensure_ascii=False) for choice in node["enum"])
    options = node.get("anyOf", ())
    if any(str(option.get("pattern", "")).startswith(r"^\s*(\d+") for option in options):
        return "duration"
    if options:
        return _listed(_kind(option) for option in options)
    if node.get("type") == "array":
        return f"list of {_kind(node.get('items', {}))}"
    return _KINDS.get(node.get("type", ""), "anything")


def _listed(kinds: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(kinds))


def _default(value: Any, kind: str) -> str:
    if value is None or value == () or is_dataclass(value):
        return ""
    if kind == "duration":
        return lasting(value) if value else "0s"
    return json.dumps(value, ensure_ascii=False)
