"""Reading the messages of each vendor: who speaks, which calls are made, which are answered.

Three shapes are known: Anthropic Messages (blocks `tool_use` and `tool_result`), OpenAI Chat
Completions (`tool_calls` and role `tool`) and OpenAI Responses (items `…_call` and
`…_call_output`). Messages and blocks may be plain mappings or the objects of the vendors' SDKs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

__all__ = [
    "as_mapping",
    "blocks_of",
    "call_ids",
    "freeze",
    "has_content",
    "is_result_block",
    "is_tool",
    "plain_text",
    "result_ids",
    "role_of",
]


def as_mapping(value: object) -> Mapping[str, Any] | None:
    """Return a message or block as a mapping; None when it is neither."""
    if type(value) is dict:  # the common case, without the detour over the abstract class
        return value
    if isinstance(value, Mapping):
        return value
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        dumped = dump(exclude_none=True, warnings=False)
        return dumped if isinstance(dumped, Mapping) else None
    return None


def is_tool(value: Mapping[str, Any]) -> bool:
    """Tell whether a mapping is the definition of a tool rather than a message or block."""
    if "role" in value or "content" in value:
        return False
    if "input_schema" in value or "parameters" in value:
        return True
    return (
        value.get("type") == "function"
        and isinstance(value.get("function"), Mapping)
        and ("arguments" not in value["function"])
    )


def role_of(message: Mapping[str, Any]) -> str:
    """Return who speaks: `system`, `user`, `assistant` or `tool`."""
    role = message.get("role")
    if role == "developer":
        return "system"
    if isinstance(role, str):
        return role
    kind = str(message.get("type", ""))
    return "tool" if kind.endswith("_call_output") else "assistant"


def blocks_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the content of a message as a list of blocks."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, Iterable) and not isinstance(content, (Mapping, bytes)):
        return [block for item in content if (block := _block(item)) is not None]
    return []


def _block(item: object) -> Mapping[str, Any] | None:
    return {"type": "text", "text": item} if isinstance(item, str) else as_mapping(item)


def is_result_block(block: Mapping[str, Any]) -> bool:
    """Tell whether a block answers a call that the client ran (a server tool's result does not)."""
    return block.get("type") == "tool_result"


def _is_call_item(message: Mapping[str, Any]) -> bool:
    return "role" not in message and str(message.get("type", "")).endswith("_call")


def call_ids(message: Mapping[str, Any]) -> list[str]:
    """Return the ids of the calls that a message makes and the client has to answer."""
    if _is_call_item(message):
        return [str(message["call_id"])] if message.get("call_id") else []
    if role_of(message) != "assistant":
        return []
    ids = [str(_get(call, "id", "")) for call in message.get("tool_calls") or ()]
    if not isinstance(message.get("content"), str):
        ids += [str(b.get("id", "")) for b in blocks_of(message) if b.get("type") == "tool_use"]
    return ids


def result_ids(message: Mapping[str, Any]) -> list[str]:
    """Return the ids of the calls that a message answers."""
    if "role" not in message and str(message.get("type", "")).endswith("_call_output"):
        return [str(message.get("call_id", ""))]
    if message.get("role") == "tool":
        return [str(message.get("tool_call_id", ""))]
    if message.get("role") != "user" or isinstance(message.get("content"), str):
        return []
    return [str(b.get("tool_use_id", "")) for b in blocks_of(message) if is_result_block(b)]


def _get(value: object, name: str, default: object) -> object:
    mapping = as_mapping(value)
    return default if mapping is None else mapping.get(name, default)


def _is_empty_text(block: Mapping[str, Any]) -> bool:
    kind = block.get("type")
    return (
        kind in ("text", "input_text", "output_text") and not str(block.get("text") or "").strip()
    )


def has_content(message: Mapping[str, Any]) -> bool:
    """Tell whether a vendor accepts the message: something is said, shown, called or answered."""
    if "role" not in message or message.get("tool_calls") or message.get("function_call"):
        return True
    if message["role"] in ("tool", "function"):
        return True
    content = message.get("content")
    if content is None:
        return bool(message.get("refusal") or message.get("audio"))
    return any(
        not _is_empty_text(block) and block.get("type") not in ("thinking", "redacted_thinking")
        for block in blocks_of(message)
    )


def without_empty_text(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the message without its empty text blocks; itself when there are none."""
    content = message.get("content")
    if not _is_block_list(content):
        return message
    kept = [item for item in content if not _is_empty_text(_block(item) or {})]
    return message if len(kept) == len(content) else {**message, "content": kept}


def _is_block_list(content: object) -> TypeGuard[list[object] | tuple[object, ...]]:
    return isinstance(content, (list, tuple))


def plain_text(message: Mapping[str, Any]) -> str:
    """Return everything of a message that a counter of plain text can count."""
    parts: list[str] = []
    _collect({k: v for k, v in message.items() if k not in ("role", "type")}, parts)
    return "\n".join(parts)


def _collect(value: object, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(value)
    elif (mapping := as_mapping(value)) is not None:
        for key, item in mapping.items():
            if key != "type":
                _collect(item, parts)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, parts)
    elif value is not None:
        parts.append(str(value))


def freeze(value: object) -> object:
    """Return a hashable value that is equal exactly when the message is; texts are not copied."""
    if type(value) is str:
        return value
    if type(value) is dict:
        return tuple([(k, v if type(v) is str else freeze(v)) for k, v in value.items()])
    if isinstance(value, (str, int, float, bool, bytes)) or value is None:
        return value
    mapping = as_mapping(value)
    if mapping is not None:
        return tuple([(key, freeze(item)) for key, item in mapping.items()])
    if isinstance(value, (list, tuple)):
        return tuple([freeze(item) for item in value])
    return repr(value)
