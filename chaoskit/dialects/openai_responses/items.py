"""The items of which a conversation consists, each against its own shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import values
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses.content import read_content, read_output
from chaoskit.exchange import Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult

__all__ = ["Item", "messages_of", "read", "read_item", "unknown"]

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

_ROLES = ("assistant", "system", "developer", "user")
_LONGEST_CALL_ID = 64
_FIELDS = {
    "message": frozenset({"id", "type", "role", "content", "status", "phase"}),
    "function_call": frozenset(
        {
            *("id", "type", "call_id", "name", "arguments", "status"),
            *("caller", "namespace", "async", "async_", "created_by"),  # `model_dump` has async_
        }
    ),
    "function_call_output": frozenset(
        {
            *("id", "type", "call_id", "output", "status"),
            *("caller", "name", "namespace", "created_by"),
        }
    ),
    "reasoning": frozenset({"id", "type", "summary", "content", "encrypted_content", "status"}),
}
_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item.

    Attributes:
        kind: its `type`.
        id: empty when it has none.
        raw: as it was sent.
    """

    kind: str
    role: Role
    parts: tuple[Part, ...]
    id: str
    raw: Json


def read(value: object, path: str = "input") -> tuple[Item, ...]:
    """Return the items of an `input`; a text is one message of the user.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    if isinstance(value, str):
        raw = {"type": "message", "role": "user", "content": value}
        return (Item(kind="message", role="user", parts=(Text(value),), id="", raw=raw),)
    if not isinstance(value, list):
        raise values.wrong_type(value, "one of an array of objects or string", path)
    return tuple([read_item(item, f"{path}[{at}]") for at, item in enumerate(value)])


def read_item(value: object, path: str) -> Item:
    """Return one item; kinds that the simulation does not know pass as they are."""
    raw = values.record(value, path)
    kind = raw.get("type")
    kind = "message" if kind is None else values.string(kind, f"{path}.type")
    identity = _id(raw, kind, path)
    role, parts = _meaning(kind, raw, path)
    for name in _FIELDS.get(kind, ()) and raw:
        if name not in _FIELDS[kind]:
            raise unknown(f"{path}.{name}")
    return Item(kind=kind, role=role, parts=parts, id=identity, raw=raw)


def unknown(param: str) -> Exception:
    """Return the error for a field that does not exist."""
    return invalid(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def messages_of(items: tuple[Item, ...]) -> tuple[Message, ...]:
    """Return the conversation: what the model said in one turn, and the results, are one message.

    Messages of the user stay apart.
    """
    found: list[Message] = []
    role: str = ""
    parts: list[Part] = []
    for item in items:
        if item.role == role and role in ("assistant", "tool"):
            parts += item.parts
            found[-1] = Message(role=item.role, content=tuple(parts))
        else:
            role, parts = item.role, list(item.parts)
            found.append(Message(role=item.role, content=item.parts))
    return tuple(found)


def _id(raw: Json, kind: str, path: str) -> str:
    """Return the id of an item; an id of the wrong kind is a common mistake."""
    identity = raw.get("id")
    if identity is None:
        return ""
    identity = values.string(identity, f"{path}.id")
    prefix = _PREFIXES.get(kind, "")
    if not identity.startswith(prefix):
        raise invalid(
            f"Invalid '{path}.id': '{identity}'. Expected an ID that begins with '{prefix}'.",
            param=f"{path}.id",
            code="invalid_value",
        )
    return identity


def _meaning(kind: str, raw: Json, path: str) -> tuple[Role, tuple[Part, ...]]:
    """Return whose turn an item belongs to, and what it says."""
    if kind == "message":
        return _message(raw, path)
    if kind in ("function_call", "custom_tool_call"):
        return "assistant", (_call(kind, raw, path),)
    if kind in ("function_call_output", "custom_tool_call_output"):
        output = values.required(raw, "output", f"{path}.output")
        call = _call_id(raw, path)
        return "tool", (ToolResult(call_id=call, content=read_output(output, f"{path}.output")),)
    if kind == "reasoning":
        return "assistant", (_reasoning(raw, path),)
    if kind == "item_reference":
        values.string(values.required(raw, "id", f"{path}.id"), f"{path}.id")
        return "assistant", ()
    opaque = (Opaque(kind=kind, raw=dumps(raw)),)
    return ("tool" if kind.endswith(("_output", "_response")) else "assistant"), opaque


def _message(raw: Json, path: str) -> tuple[Role, tuple[Part, ...]]:
    role = values.required(raw, "role", f"{path}.role")
    role = values.one_of(role, _ROLES, f"{path}.role")
    content = values.required(raw, "content", f"{path}.content")
    parts = read_content(content, role, f"{path}.content")
    if role == "user":
        return "user", parts
    return ("assistant" if role == "assistant" else "system"), parts


def _call(kind: str, raw: Json, path: str) -> ToolCall:
    written = "arguments" if kind == "function_call" else "input"
    name = values.required(raw, "name", f"{path}.name")
    arguments = values.required(raw, written, f"{path}.{written}")
    return ToolCall(
        id=_call_id(raw, path),
        name=values.string(name, f"{path}.name"),
        arguments=values.string(arguments, f"{path}.{written}"),
    )


def _call_id(raw: Json, path: str) -> str:
    param = f"{path}.call_id"
    identity = values.string(values.required(raw, "call_id", param), param)
    return values.short(identity, param, _LONGEST_CALL_ID)


def _reasoning(raw: Json, path: str) -> Thinking:
    param = f"{path}.summary"
    texts = []
    for at, value in enumerate(values.array(values.required(raw, "summary", param), param)):
        part = values.record(value, f"{param}[{at}]")
        texts.append(
            values.string(
                values.required(part, "text", f"{param}[{at}].text"), f"{param}[{at}].text"
            )
        )
    sealed = raw.get("encrypted_content")
    signature = sealed if isinstance(sealed, str) else ""
    return Thinking(text="\n".join(texts), signature=signature)
