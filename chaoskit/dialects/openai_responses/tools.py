"""The tools of a request and the choice among them."""

from __future__ import annotations

from typing import Any

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.functions import spec
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses.items import unknown
from chaoskit.exchange import ToolChoice, ToolSpec

__all__ = ["choice", "echoed", "read"]

_KINDS = (
    *("function", "file_search", "computer", "computer_use_preview", "web_search"),
    *("web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11", "mcp"),
    *("code_interpreter", "programmatic_tool_calling", "image_generation", "local_shell"),
    *("shell", "custom", "namespace", "tool_search", "apply_patch"),
)
_FUNCTION_FIELDS = frozenset(
    {
        *("type", "name", "description", "parameters", "strict"),
        *("allowed_callers", "async", "defer_loading", "output_schema"),
    }
)
_CHOICES = ("none", "auto", "required")


def read(value: object) -> tuple[tuple[ToolSpec, ...], tuple[Json, ...]]:
    """Return the function tools, and those of other kinds as they stand."""
    if value is None:
        return (), ()
    functions: list[ToolSpec] = []
    others: list[Json] = []
    for at, item in enumerate(values.array(value, "tools")):
        path = f"tools[{at}]"
        tool = values.record(item, path)
        kind = values.required(tool, "type", f"{path}.type")
        values.one_of(kind, _KINDS, f"{path}.type")
        if kind == "function":
            functions.append(_function(tool, path))
        else:
            others.append(tool)
    return tuple(functions), tuple(others)


def echoed(value: object) -> list[Any]:
    """Return the tools as an answer repeats them; functions are strict by default."""
    tools = value if isinstance(value, list) else []
    return [
        {"strict": True, "description": None, "parameters": None} | tool
        if tool["type"] == "function"
        else tool
        for tool in tools
    ]


def choice(
    value: object,
    parallel: object,
    functions: tuple[ToolSpec, ...],
    others: tuple[Json, ...],
) -> ToolChoice:
    """Return how the model may choose among the tools."""
    several = parallel is None or values.boolean(parallel, "parallel_tool_calls")
    if value is None or value in ("auto", "none"):
        return ToolChoice(mode="none" if value == "none" else "auto", parallel=several)
    if not functions and not others:
        raise invalid(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
            "specified.",
            param="tool_choice",
        )
    if not isinstance(value, dict):
        values.one_of(value, _CHOICES, "tool_choice")
        return ToolChoice(mode="any", parallel=several)
    return _object(value, functions, others, parallel=several)


def _function(tool: Json, path: str) -> ToolSpec:
    made = spec(tool, tool, path)
    for field in tool:
        if field not in _FUNCTION_FIELDS:
            raise unknown(f"{path}.{field}")
    return made


def _object(
    value: Json, functions: tuple[ToolSpec, ...], others: tuple[Json, ...], *, parallel: bool
) -> ToolChoice:
    kind = values.required(value, "type", "tool_choice.type")
    values.one_of(kind, ("allowed_tools", *_KINDS), "tool_choice.type")
    if kind == "allowed_tools":
        return _allowed(value, functions, parallel=parallel)
    if kind == "function":
        name = values.required(value, "name", "tool_choice.name")
        return _named(values.string(name, "tool_choice.name"), functions, parallel=parallel)
    if all(tool["type"] != kind for tool in others):
        raise _not_found(str(kind))
    return ToolChoice(parallel=parallel)


def _allowed(value: Json, functions: tuple[ToolSpec, ...], *, parallel: bool) -> ToolChoice:
    param = "tool_choice.mode"
    mode = values.one_of(values.required(value, "mode", param), ("auto", "required"), param)
    param = "tool_choice.tools"
    allowed = [
        values.record(tool, f"{param}[{at}]")
        for at, tool in enumerate(values.filled(values.required(value, "tools", param), param))
    ]
    if mode == "required" and len(allowed) == 1 and allowed[0].get("type") == "function":
        return _named(str(allowed[0].get("name")), functions, parallel=parallel)
    names = tuple([str(tool.get("name") or tool.get("type")) for tool in allowed])
    return ToolChoice(
        mode="any" if mode == "required" else "auto", parallel=parallel, allowed=names
    )


def _named(name: str, functions: tuple[ToolSpec, ...], *, parallel: bool) -> ToolChoice:
    if all(tool.name != name for tool in functions):
        raise _not_found(name)
    return ToolChoice(mode="tool", name=name, parallel=parallel)


def _not_found(name: str) -> Exception:
    return invalid(f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
