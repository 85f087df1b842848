"""The tools of a request and the choice among them."""

from __future__ import annotations

import re
from dataclasses import replace

from chaoskit.again import Latest
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic import strict, values
from chaoskit.dialects.anthropic.blocks import Reader, breakpoint_of
from chaoskit.exchange import ToolChoice, ToolSpec
from chaoskit.schema.flaw import flaw
from chaoskit.schema.usable import usable

__all__ = ["choice", "read"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}\Z")
_DATED = re.compile(r"_\d{8}\Z")
_FIELDS = frozenset(
    {
        "allowed_callers",
        "cache_control",
        "defer_loading",
        "description",
        "eager_input_streaming",
        "input_examples",
        "input_schema",
        "name",
        "strict",
        "type",
    }
)
_LONGEST = 16 * 1024  # characters of a tool that is remembered
_known: Latest[str, ToolSpec] = Latest(256)
_CHOICE_FIELDS = frozenset({"type", "name", "disable_parallel_tool_use"})
_CHOICES = ("auto", "any", "tool", "none")


def read(reader: Reader, value: object) -> tuple[tuple[ToolSpec, ...], tuple[Json, ...]]:
    """Return the tools that the agent runs itself, and those of the vendor as they stand."""
    if value is None:
        return (), ()
    custom: list[ToolSpec] = []
    builtin: list[Json] = []
    for at, item in enumerate(values.array(value, "tools")):
        path = f"tools.{at}"
        tool = values.record(item, path)
        kind = tool.get("type")
        if kind is None or kind == "custom":
            custom.append(_custom(reader, tool, f"{path}.custom"))
            continue
        kind = values.string(kind, f"{path}.type")
        if not _DATED.search(kind) and kind != "mcp_toolset":
            raise invalid(
                f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected "
                "tags: 'bash_20250124', 'custom', 'text_editor_20250728', 'web_search_20250305'"
            )
        breakpoint_of(reader, tool, f"{path}.{kind}")
        builtin.append(tool)
    return tuple(custom), tuple(builtin)


def _custom(reader: Reader, tool: Json, path: str) -> ToolSpec:
    """Return a tool; one that was found right before is not looked at again."""
    raw = dumps(tool)
    spec = _known.get(raw)
    if spec is None:
        spec = _checked(tool, raw, path)
        if len(raw) <= _LONGEST:
            _known.keep(raw, spec)
    cache = breakpoint_of(reader, tool, path)
    return spec if cache is None else replace(spec, cache=cache)


def _checked(tool: Json, raw: str, path: str) -> ToolSpec:
    name = values.string(values.required(tool, "name", f"{path}.name"), f"{path}.name")
    if not _NAME.match(name):
        raise invalid(f"{path}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    inner = f"{path}.input_schema"
    schema = values.record(values.required(tool, "input_schema", inner), inner)
    if values.required(schema, "type", f"{inner}.type") != "object":
        raise invalid(f"{inner}.type: Input should be 'object'")
    if flaw(schema):
        raise invalid(
            f"{inner}: JSON schema is invalid. It must match JSON Schema draft 2020-12 "
            "(https://json-schema.org/draft/2020-12). Learn more about tool use at "
            "https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview."
        )
    description = tool.get("description")
    if description is not None:
        values.string(description, f"{path}.description")
    values.known(tool, _FIELDS, f"{path}.")
    held = tool.get("strict") is True
    if held and (found := strict.flaw(schema)):
        raise invalid(f"{path}: {found}")
    return ToolSpec(
        name=name,
        description=description or "",
        schema=usable(schema),
        raw=raw,
        strict=held,
    )


def choice(value: object) -> ToolChoice:
    """Return how the model may choose among the tools."""
    if value is None:
        return ToolChoice()
    record = values.record(value, "tool_choice")
    kind = values.required(record, "type", "tool_choice.type")
    if kind not in _CHOICES:
        expected = ", ".join(f"'{name}'" for name in _CHOICES)
        raise invalid(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the "
            f"expected tags: {expected}"
        )
    values.known(record, _CHOICE_FIELDS, f"tool_choice.{kind}.")
    name = ""
    if kind == "tool":
        inner = "tool_choice.tool.name"
        name = values.string(values.required(record, "name", inner), inner)
    single = record.get("disable_parallel_tool_use")
    if single is not None:
        values.boolean(single, f"tool_choice.{kind}.disable_parallel_tool_use")
    return ToolChoice(mode=kind, name=name, parallel=not single)
