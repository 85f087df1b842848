"""Messages with something taken out or put right, in the shape they came in; never in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from chaoskit_guards.shapes import (
    answers_of,
    as_mapping,
    blocks_of,
    body_of,
    calls_of,
    has_content,
    is_answer,
    is_call,
    is_empty_text,
    part_of,
    tool_calls_of,
)

__all__ = ["CLEARED", "cleared", "said", "with_answer", "with_answers", "with_calls"]

CLEARED = "[This result was cleared to save space. Call the tool again if it is needed.]"

Message = Mapping[str, Any]


def said(message: Message) -> Message:
    """Return the message without texts in which nothing is said; itself when there are none."""
    left: Message = message
    body = body_of(message)
    content = message.get(body)
    if _is_list(content) and any(map(_says_nothing, content)):
        kept = [_nested(item) for item in content if not is_empty_text(_mapping(item))]
        left = {**message, body: kept}
    if "tool_calls" in message and not tool_calls_of(message):
        left = {key: value for key, value in left.items() if key != "tool_calls"}
    return left


def _says_nothing(item: object) -> bool:
    """Tell whether there is an empty text in a block, or the block is one."""
    block = item if type(item) is dict else _mapping(item)
    inner = block.get("content") if block.get("type") == "tool_result" else None
    return is_empty_text(block) or (_is_list(inner) and any(map(_says_nothing, inner)))


def _nested(item: object) -> object:
    block = _mapping(item)
    inner = block.get("content") if block.get("type") == "tool_result" else None
    if not _is_list(inner):
        return item
    return {**block, "content": [i for i in inner if not is_empty_text(_mapping(i))]}


def _mapping(item: object) -> Message:
    return {} if isinstance(item, str) else as_mapping(item) or {}


def _is_list(content: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(content, (list, tuple))


def with_calls(message: Message, ids: Sequence[str | None]) -> Message | None:
    """Return the message with its calls under these ids and without those that are None.

    Returns None when nothing is left to say.
    """
    wanted = iter(ids)
    if "role" not in message and body_of(message) == "content":
        identity = next(wanted)
        return None if identity is None else {**message, "call_id": identity}
    left = dict(message)
    if tool_calls_of(message):
        calls = [(as_mapping(call) or {}, next(wanted)) for call in tool_calls_of(message)]
        left["tool_calls"] = [{**call, "id": new} for call, new in calls if new is not None]
        if not left["tool_calls"]:
            del left["tool_calls"]
    if isinstance(message.get("function_call"), Mapping) and next(wanted) is None:
        del left["function_call"]
    body = body_of(message)
    if _is_list(message.get(body)):
        kept = []
        for item in message[body]:
            block = _mapping(item)
            if not is_call(block):
                kept.append(item)
            elif (identity := next(wanted)) is not None:
                kept.append(_renamed(block, "id", identity))
        left[body] = kept
    return said(left) if has_content(left) or calls_of(left) else None


def with_answers(message: Message, identity: str) -> Message:
    """Return a message that is one answer under this id."""
    if "role" not in message:
        return {**message, "call_id": identity}
    return {**message, "tool_call_id": identity} if message["role"] == "tool" else message


def with_answer(block: Message, identity: str) -> Message:
    """Return a block that is an answer under this id; an empty one changes nothing."""
    return _renamed(block, "tool_use_id", identity)


def _renamed(block: Message, key: str, identity: str) -> Message:
    if block.get("type") is not None:
        return {**block, key: identity}
    if not identity:
        return block
    name = next(name for name in block if part_of(block, name) is not None)
    return {**block, name: {**(as_mapping(block[name]) or {}), "id": identity}}


def cleared(message: Message) -> Message:
    """Return a message that answers calls with the content of the answers taken out."""
    if not answers_of(message):
        return message
    if body_of(message) == "parts":
        return {**message, "parts": [_cleared_part(block) for block in blocks_of(message)]}
    if "role" not in message:
        return {**message, "output": CLEARED}
    if message["role"] in ("tool", "function"):
        return {**message, "content": CLEARED}
    content = [
        {**block, "content": CLEARED} if is_answer(block) else block for block in blocks_of(message)
    ]
    return {**message, "content": content}


def _cleared_part(block: Message) -> Message:
    for name in ("functionResponse", "function_response"):
        if (part := part_of(block, name)) is not None:
            return {**block, name: {**part, "response": {"result": CLEARED}}}
    return block
