"""The tools of a request and the choice among them."""

from __future__ import annotations

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.functions import spec
from chaoskit.dialects._refused import invalid
from chaoskit.exchange import ToolChoice, ToolSpec

__all__ = ["choice", "read"]


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
        values.one_of(kind, ("function", "custom"), f"{path}.type")
        if kind == "custom":
            others.append(tool)
        else:
            functions.append(_function(tool, f"{path}.function"))
    return tuple(functions), tuple(others)


def _function(tool: Json, path: str) -> ToolSpec:
    return spec(tool, values.record(values.required(tool, "function", path), path), path)


def choice(
    value: object, parallel: object, tools: tuple[ToolSpec, ...], *, any_tool: bool
) -> ToolChoice:
    """Return how the model may choose among the tools; `any_tool` tells whether there is one."""
    for key, given in (("tool_choice", value), ("parallel_tool_calls", parallel)):
        if given is not None and not any_tool:
            raise invalid(
                f"Invalid value for '{key}': '{key}' is only allowed when 'tools' are specified.",
                param=key,
            )
    several = parallel is None or values.boolean(parallel, "parallel_tool_calls")
    if value is None:
        return ToolChoice(parallel=several)
    if isinstance(value, dict):
        return _object(value, tools, parallel=several)
    mode = values.one_of(value, ("none", "auto", "required"), "tool_choice")
    if mode == "required":
        return ToolChoice(mode="any", parallel=several)
    return ToolChoice(mode="none" if mode == "none" else "auto", parallel=several)


def _object(value: Json, tools: tuple[ToolSpec, ...], *, parallel: bool) -> ToolChoice:
    kind = values.required(value, "type", "tool_choice.type")
    values.one_of(kind, ("function", "allowed_tools", "custom"), "tool_choice.type")
    if kind == "allowed_tools":
        return _allowed(value, tools, parallel=parallel)
    if kind == "custom":
        return ToolChoice(parallel=parallel)
    path = "tool_choice.function"
    function = values.record(values.required(value, "function", path), path)
    name = values.string(values.required(function, "name", f"{path}.name"), f"{path}.name")
    if all(tool.name != name for tool in tools):
        raise invalid(f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice")
    return ToolChoice(mode="tool", name=name, parallel=parallel)


def _allowed(value: Json, tools: tuple[ToolSpec, ...], *, parallel: bool) -> ToolChoice:
    path = "tool_choice.allowed_tools"
    inner = values.record(values.required(value, "allowed_tools", path), path)
    mode = values.required(inner, "mode", f"{path}.mode")
    mode = values.one_of(mode, ("auto", "required"), f"{path}.mode")
    names = []
    for at, item in enumerate(
        values.filled(values.required(inner, "tools", f"{path}.tools"), path)
    ):
        tool = values.record(item, f"{path}.tools[{at}]")
        function = tool.get(str(tool.get("type")))
        name = str(function.get("name")) if isinstance(function, dict) else ""
        if tool.get("type") == "function" and all(one.name != name for one in tools):
            raise invalid(
                f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice"
            )
        names.append(name)
    return ToolChoice(
        mode="any" if mode == "required" else "auto", parallel=parallel, allowed=tuple(names)
    )
