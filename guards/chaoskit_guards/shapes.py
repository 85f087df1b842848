"""Reading the messages of each vendor: who speaks, which calls are made, which are answered.

Four shapes are known: Anthropic Messages (blocks `tool_use` and `tool_result`), OpenAI Chat
Completions (`tool_calls` and role `tool`), OpenAI Responses (items `…_call` and `…_call_output`)
and Gemini (`parts` with `functionCall` and `functionResponse`). Messages and blocks may be plain
mappings or the objects of the vendors' SDKs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "Ref",
    "answers_of",
    "as_mapping",
    "blocks_of",
    "body_of",
    "calls_of",
    "copied",
    "freeze",
    "has_content",
    "is_answer",
    "is_call",
    "is_empty_text",
    "is_plain",
    "is_tool",
    "part_of",
    "plain_text",
    "role_of",
    "text_message",
    "tool_calls_of",
]

Ref = tuple[str, str]
"""What a call and its answer have in common: an id, or the name of the tool where there is none."""

_ROLES = {"developer": "system", "model": "assistant", "function": "tool"}
_TEXTS = ("text", "input_text", "output_text")
_SILENT = ("thinking", "redacted_thinking")
_CALL = ("functionCall", "function_call")
_ANSWER = ("functionResponse", "function_response")


def as_mapping(value: object) -> Mapping[str, Any] | None:
    """Return a message or block as a mapping; None when it is neither."""
    if type(value) is dict:  # the common cases, without the detour over the abstract class
        return value
    if isinstance(value, (str, list, tuple)):
        return None
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
    if isinstance(role, str):
        return _ROLES.get(role, role)
    if body_of(message) == "parts":
        return "user"
    kind = str(message.get("type", ""))
    return "tool" if kind.endswith("_call_output") else "assistant"


def body_of(message: Mapping[str, Any]) -> str:
    """Return the key under which a message holds its blocks: `content`, or `parts` for Gemini."""
    return "parts" if isinstance(message.get("parts"), (list, tuple)) else "content"


def blocks_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the content of a message as a list of blocks."""
    content = message.get(body_of(message))
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, (list, tuple)) or (
        isinstance(content, Iterable) and not isinstance(content, (Mapping, bytes))
    ):
        return [block for item in content if (block := _block(item)) is not None]
    return []


def _block(item: object) -> Mapping[str, Any] | None:
    return {"type": "text", "text": item} if isinstance(item, str) else as_mapping(item)


def part_of(block: Mapping[str, Any], *names: str) -> Mapping[str, Any] | None:
    """Return what a part of Gemini holds under one of these names."""
    for name in names:
        if block.get(name) is not None:
            return as_mapping(block[name])
    return None


def is_call(block: Mapping[str, Any]) -> bool:
    """Tell whether a block is a call that the client has to answer (a server tool's is not)."""
    kind = block.get("type")
    return kind == "tool_use" or (kind is None and part_of(block, *_CALL) is not None)


def is_answer(block: Mapping[str, Any]) -> bool:
    """Tell whether a block answers a call that the client ran (a server tool's result does not)."""
    kind = block.get("type")
    return kind == "tool_result" or (kind is None and part_of(block, *_ANSWER) is not None)


def calls_of(message: Mapping[str, Any]) -> list[Ref]:
    """Return the calls that a message makes and the client has to answer."""
    if "role" not in message and body_of(message) == "content":
        if str(message.get("type", "")).endswith("_call") and message.get("call_id"):
            return [(str(message["call_id"]), "")]
        return []
    if role_of(message) != "assistant":
        return []
    found = [(str(_get(call, "id", "")), "") for call in tool_calls_of(message)]
    old = message.get("function_call")
    if old is not None and isinstance(old, Mapping):
        found.append(("", str(old.get("name", ""))))
    if not isinstance(message.get(body_of(message)), str):
        found += [_ref(block, "id", _CALL) for block in blocks_of(message) if is_call(block)]
    return found


def is_plain(message: Mapping[str, Any]) -> bool:
    """Tell whether a message is a role and a text that says something, as most are."""
    if len(message) != 2 or message.get("role") not in ("user", "assistant"):
        return False
    content = message.get("content")
    return isinstance(content, str) and not content.isspace() and content != ""


def tool_calls_of(message: Mapping[str, Any]) -> list[object]:
    """Return the `tool_calls` of Chat Completions."""
    calls = message.get("tool_calls")
    return list(calls) if isinstance(calls, (list, tuple)) else []


def answers_of(message: Mapping[str, Any]) -> list[Ref]:
    """Return the calls that a message answers."""
    role = message.get("role")
    if role == "assistant":
        return []
    body = body_of(message)
    if role is None and body == "content":
        if str(message.get("type", "")).endswith("_call_output"):
            return [(str(message.get("call_id", "")), "")]
        return []
    if body == "content":
        if role == "tool":
            return [(str(message.get("tool_call_id", "")), "")]
        if role == "function":
            return [("", str(message.get("name", "")))]
        if role != "user" or isinstance(message.get("content"), str):
            return []
    return [_ref(b, "tool_use_id", _ANSWER) for b in blocks_of(message) if is_answer(b)]


def _ref(block: Mapping[str, Any], key: str, names: tuple[str, ...]) -> Ref:
    if block.get("type") is not None:
        return str(block.get(key, "")), ""
    part = part_of(block, *names) or {}
    return str(part.get("id") or ""), str(part.get("name") or "")


def _get(value: object, name: str, default: object) -> object:
    mapping = as_mapping(value)
    return default if mapping is None else mapping.get(name, default)


def is_empty_text(block: Mapping[str, Any]) -> bool:
    """Tell whether a block is a text in which nothing is said; vendors refuse it."""
    kind = block.get("type")
    if kind is None and "text" in block:
        return not str(block["text"] or "").strip() and not block.keys() - {"text", "thought"}
    return kind in _TEXTS and not str(block.get("text") or "").strip()


def has_content(message: Mapping[str, Any]) -> bool:
    """Tell whether a vendor accepts the message: something is said, shown, called or answered."""
    body = body_of(message)
    if body == "content" and "role" not in message:
        return True
    if tool_calls_of(message) or isinstance(message.get("function_call"), Mapping):
        return True
    if message.get("role") in ("tool", "function"):
        return True
    if message.get(body) is None:
        return bool(message.get("refusal") or message.get("audio"))
    return any(
        not is_empty_text(block) and block.get("type") not in _SILENT and not block.get("thought")
        for block in blocks_of(message)
    )


def text_message(role: str, text: str, *, like: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of `user` or `assistant` in the shape of another one."""
    if body_of(like) == "parts":
        return {"role": "model" if role == "assistant" else role, "parts": [{"text": text}]}
    return {"role": role, "content": text}


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
    if isinstance(value, (list, tuple)):
        return tuple([freeze(item) for item in value])
    if isinstance(value, (str, int, float, bool, bytes)) or value is None:
        return value
    mapping = as_mapping(value)
    if mapping is not None:
        return tuple([(key, freeze(item)) for key, item in mapping.items()])
    return repr(value)


def copied(value: Any) -> Any:
    """Return a copy with new mappings and lists; texts and the vendors' objects are shared."""
    if type(value) is dict:
        return {k: v if type(v) is str else copied(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [copied(item) for item in value]
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return value
