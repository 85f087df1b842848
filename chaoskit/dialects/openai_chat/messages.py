"""The messages of a request, each against its own shape and against each other."""

from __future__ import annotations

from typing import Any

from chaoskit.dialects import _images
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.caching import breakpoint_of
from chaoskit.dialects._refused import invalid
from chaoskit.exchange import Message, Opaque, Part, Text, ToolCall, ToolResult
from chaoskit.quick import maker

__all__ = ["paired", "read"]

_new_text = maker(Text)
_new_message = maker(Message)
_LEGACY = "function_call:"  # what stands for an id where functions are called by their old name
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def read(value: object) -> tuple[Message, ...]:
    """Return the messages, one for each that was sent; `developer` is `system` by its new name."""
    return tuple(
        _message(values.record(item, f"messages[{at}]"), at)
        for at, item in enumerate(values.filled(value, "messages"))
    )


def _message(message: Json, at: int) -> Message:
    path = f"messages[{at}]"
    role = message.get("role")
    if role == "user":
        return _new_message(role="user", content=_content(message, at))
    if role == "assistant":
        return _assistant(message, at)
    if role == "tool":
        identity = values.required(message, "tool_call_id", f"{path}.tool_call_id")
        call = values.string(identity, f"{path}.tool_call_id")
        result = ToolResult(call_id=call, content=_content(message, at))
        return _new_message(role="tool", content=(result,))
    values.one_of(values.required(message, "role", f"{path}.role"), _ROLES, f"{path}.role")
    if role == "function":
        name = values.string(values.required(message, "name", f"{path}.name"), f"{path}.name")
        said = () if message.get("content") is None else _content(message, at)
        return Message(role="tool", content=(ToolResult(call_id=_LEGACY + name, content=said),))
    return _new_message(role="system", content=_content(message, at))


def _content(message: Json, at: int) -> tuple[Part, ...]:
    """Return the content of a message that must have one."""
    content = message.get("content")
    if isinstance(content, str):
        return (_new_text(content),)
    if content is None:
        raise invalid(
            "Invalid value for 'content': expected a string, got null.",
            param=f"messages.[{at}].content",
        )
    path = f"messages[{at}].content"
    return tuple(
        _part(item, f"{path}[{index}]") for index, item in enumerate(values.array(content, path))
    )


def _part(value: object, path: str) -> Part:
    """Return one part of a content; kinds that the simulation does not know pass as they are."""
    part = values.record(value, path)
    kind = values.string(values.required(part, "type", f"{path}.type"), f"{path}.type")
    if kind == "text":
        inner = f"{path}.text"
        text = values.string(values.required(part, "text", inner), inner)
        return _new_text(text, breakpoint_of(part, path))
    if kind == "image_url":
        inner = f"{path}.image_url"
        image = values.record(values.required(part, "image_url", inner), inner)
        inner = f"{inner}.url"
        url = values.string(values.required(image, "url", inner), inner)
        return _images.from_url(url, breakpoint_of(part, path))
    return Opaque(kind=kind, raw=dumps(part))


def _assistant(message: Json, at: int) -> Message:
    calls = message.get("tool_calls")
    parts: tuple[Part, ...] = ()
    says = any(message.get(key) is not None for key in ("refusal", "audio", "function_call"))
    if message.get("content") is not None or (calls is None and not says):
        parts = _content(message, at)
    if isinstance(message.get("refusal"), str):
        parts = (*parts, Text(message["refusal"]))
    if message.get("function_call") is not None:
        parts = (*parts, _function_call(message["function_call"], f"messages[{at}].function_call"))
    if calls is not None:
        path = f"messages[{at}].tool_calls"
        items = values.filled(calls, path)
        parts += tuple(_call(item, f"{path}[{index}]") for index, item in enumerate(items))
    return _new_message(role="assistant", content=parts)


def _function_call(value: object, path: str) -> ToolCall:
    call = values.record(value, path)
    name = values.string(values.required(call, "name", f"{path}.name"), f"{path}.name")
    inner = f"{path}.arguments"
    arguments = values.string(values.required(call, "arguments", inner), inner)
    return ToolCall(id=_LEGACY + name, name=name, arguments=arguments)


def _call(value: object, path: str) -> ToolCall:
    call = values.record(value, path)
    identity = values.string(values.required(call, "id", f"{path}.id"), f"{path}.id")
    kind = values.required(call, "type", f"{path}.type")
    kind = values.one_of(kind, ("function", "custom"), f"{path}.type")
    path = f"{path}.{kind}"
    inside = values.record(values.required(call, kind, path), path)
    key = "arguments" if kind == "function" else "input"
    name: Any = values.required(inside, "name", f"{path}.name")
    arguments: Any = values.required(inside, key, f"{path}.{key}")
    return ToolCall(
        id=identity,
        name=values.string(name, f"{path}.name"),
        arguments=values.string(arguments, f"{path}.{key}"),
    )


def paired(messages: tuple[Message, ...]) -> None:
    """Check that tool calls and tool messages belong together.

    Raises:
        RefusedError: with production's message for the first that do not.
    """
    calls: frozenset[str] = frozenset()
    waiting: dict[str, None] = {}
    for at, message in enumerate(messages):
        if message.role == "tool":
            for part in message.content:
                if isinstance(part, ToolResult) and not part.call_id.startswith(_LEGACY):
                    _answer(part.call_id, at, calls, waiting)
            continue
        if waiting:
            raise _unanswered(waiting, f"messages.[{at}].role")
        ids = [
            part.id
            for part in message.content
            if isinstance(part, ToolCall) and not part.id.startswith(_LEGACY)
        ]
        if ids or calls:
            calls, waiting = frozenset(ids), dict.fromkeys(ids)
    if waiting:
        raise _unanswered(waiting, "messages")


def _answer(identity: str, at: int, calls: frozenset[str], waiting: dict[str, None]) -> None:
    if not calls:
        raise invalid(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            param=f"messages.[{at}].role",
        )
    if identity not in calls:
        raise invalid(
            f"Invalid parameter: 'tool_call_id' of '{identity}' not found in 'tool_calls' of "
            "previous message.",
            param=f"messages.[{at}].tool_call_id",
        )
    if identity not in waiting:
        raise invalid(
            f"Duplicate value for 'tool_call_id' of '{identity}'.",
            param=f"messages.[{at}].tool_call_id",
        )
    del waiting[identity]


def _unanswered(waiting: dict[str, None], param: str) -> Exception:
    return invalid(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(waiting)}",
        param=param,
    )
