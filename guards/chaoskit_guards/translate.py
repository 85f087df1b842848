"""Requests in the words of either vendor.

The neutral shape is that of Anthropic's Messages API; messages in the shape of OpenAI's Chat
Completions are understood as well. Everything is copied, so that no provider sees what another
one's client has changed. What cannot be said in the other words is refused by name; markers that
only save money (`cache_control`) and thinking that only its author can read are left away.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaoskit_guards.errors import UntranslatableRequest

__all__ = ["Request", "copied", "neutral", "to_anthropic", "to_openai"]

Json = dict[str, Any]

_PLAIN = frozenset({str, int, float, bool, type(None)})

OPTIONS = ("temperature", "top_p", "stop_sequences", "tool_choice")
"""Options that both vendors have, by Anthropic's names."""


@dataclass(slots=True, kw_only=True)
class Request:
    """What is asked, in the neutral shape; `prompt_tokens` where somebody has counted them."""

    system: Any
    messages: list[Json]
    tools: Sequence[Any] | None
    max_tokens: int
    options: Mapping[str, Any]
    prompt_tokens: int | None = None


def copied(value: Any) -> Any:
    """Return a copy of JSON data; objects of an SDK become plain data."""
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {
            key: item if item.__class__ in _PLAIN else copied(item) for key, item in value.items()
        }
    if kind is list or kind is tuple:
        return [item if item.__class__ in _PLAIN else copied(item) for item in value]
    dump = getattr(value, "model_dump", None)
    return value if dump is None else dump(exclude_none=True, warnings=False)


def neutral(messages: Iterable[Any], system: Any = None) -> tuple[Any, list[Json]]:
    """Return system and messages in Anthropic's shape, copied.

    Raises:
        UntranslatableRequest: a message has a shape of neither vendor.
    """
    if messages.__class__ is not list and isinstance(messages, str | bytes | Mapping):
        raise UntranslatableRequest(
            'messages is a list: [{"role": "user", "content": …}], not ' + type(messages).__name__
        )
    if system is not None:
        system = copied(system)
    found: list[Json] = []
    for message in messages:
        turn = copied(message)
        if not isinstance(turn, dict) or "role" not in turn:
            raise UntranslatableRequest("a message is a mapping with a role")
        role = turn["role"]
        if role == "assistant" and (turn.get("tool_calls") or "refusal" in turn):
            _append(found, "assistant", _assistant_blocks(turn))
        elif role in ("user", "assistant"):
            content = turn.get("content")
            if content.__class__ is not str:
                turn["content"] = _neutral_content(content)
            found.append(turn)
        elif role == "tool":
            _append(found, "user", [_tool_result(turn)])
        elif role in ("system", "developer"):
            system = _joined_system(system, turn.get("content"))
        else:
            raise UntranslatableRequest(f"nobody knows the role {role!r}")
    return system, found


def to_anthropic(model: str, asked: Request) -> Json:
    """Return the arguments of `messages.create`."""
    said = copied(asked.messages)
    for turn in said:
        for block in turn["content"] if turn["content"].__class__ is list else ():
            if block.get("type") == "tool_use" and not isinstance(block.get("input"), dict):
                block["input"] = {"unreadable_arguments": block.get("input")}
    request: Json = {"model": model, "max_tokens": asked.max_tokens, "messages": said}
    if asked.system:
        request["system"] = copied(asked.system)
    if asked.tools:
        request["tools"] = [_anthropic_tool(copied(tool)) for tool in asked.tools]
    if asked.options:
        request.update(copied(asked.options))
    return request


def to_openai(model: str, asked: Request) -> Json:
    """Return the arguments of `chat.completions.create`.

    Raises:
        UntranslatableRequest: it uses something that Chat Completions has no words for.
    """
    said: list[Json] = []
    if asked.system:
        said.append({"role": "system", "content": _plain_text(asked.system, "the system prompt")})
    for turn in asked.messages:
        said += _openai_turn(turn)
    # `max_tokens` is refused by reasoning models; its successor is known to all.
    request: Json = {"model": model, "max_completion_tokens": asked.max_tokens, "messages": said}
    if asked.tools:
        request["tools"] = [_openai_tool(copied(tool)) for tool in asked.tools]
    for name, value in asked.options.items():
        if name == "tool_choice":
            request.update(_openai_choice(copied(value)))
        else:
            request["stop" if name == "stop_sequences" else name] = copied(value)
    return request


def _append(found: list[Json], role: str, blocks: list[Json]) -> None:
    """Add blocks; results of parallel calls belong into one turn."""
    last = found[-1] if found and role == "user" else {}
    before = last.get("content")
    if isinstance(before, list) and all(b.get("type") == "tool_result" for b in before):
        before += blocks
        return
    found.append({"role": role, "content": blocks})


def _joined_system(system: Any, more: Any) -> Any:
    added = _plain_text(more, "a system message")
    if not system:
        return added
    if isinstance(system, str):
        return f"{system}\n\n{added}"
    return [*system, {"type": "text", "text": added}]


def _neutral_content(content: Any) -> Any:
    if content is None:
        return []
    if not isinstance(content, list):
        return content
    return [_neutral_part(part) for part in content]


def _neutral_part(part: Any) -> Json:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, dict):
        raise UntranslatableRequest("a part of a message is a mapping with a type")
    if part.get("type") != "image_url":
        return part
    url = part["image_url"]["url"] if isinstance(part["image_url"], dict) else part["image_url"]
    if url.startswith("data:"):
        media_type, _, data = url.removeprefix("data:").partition(";base64,")
        source = {"type": "base64", "media_type": media_type, "data": data}
    else:
        source = {"type": "url", "url": url}
    return {"type": "image", "source": source}


def _tool_result(turn: Json) -> Json:
    return {
        "type": "tool_result",
        "tool_use_id": turn.get("tool_call_id", ""),
        "content": turn.get("content") or "",
    }


def _assistant_blocks(turn: Json) -> list[Json]:
    content = _neutral_content(turn.get("content") or turn.get("refusal"))
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    for call in turn.get("tool_calls") or ():
        if "function" not in call:
            raise UntranslatableRequest(f"a tool call of type {call.get('type')!r}")
        blocks.append(
            {
                "type": "tool_use",
                "id": call.get("id", ""),
                "name": call["function"].get("name", ""),
                "input": parsed_arguments(call["function"].get("arguments")),
            }
        )
    return blocks


def parsed_arguments(text: Any) -> Any:
    """Return a call's arguments as an object; the raw text where it is none."""
    try:
        value = json.loads(text or "{}")
    except (TypeError, ValueError):
        return text
    return value if isinstance(value, dict) else text


def _anthropic_tool(tool: Json) -> Json:
    if tool.get("type") != "function":
        return tool
    function = tool.get("function", tool)
    made = {
        "name": function["name"],
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        made["description"] = function["description"]
    return made


def _openai_tool(tool: Json) -> Json:
    if tool.get("type") == "function":
        return tool
    if "input_schema" not in tool or tool.get("type", "custom") != "custom":
        raise UntranslatableRequest(f"the built-in tool {tool.get('type') or tool.get('name')!r}")
    function = {"name": tool["name"], "parameters": tool["input_schema"]}
    if tool.get("description"):
        function["description"] = tool["description"]
    return {"type": "function", "function": function}


def _openai_choice(choice: Any) -> Json:
    if not isinstance(choice, dict) or choice.get("type") == "function":
        return {"tool_choice": choice}
    made: Json = {}
    if choice.get("type") == "tool":
        made["tool_choice"] = {"type": "function", "function": {"name": choice["name"]}}
    else:
        made["tool_choice"] = {"any": "required"}.get(choice["type"], choice["type"])
    if choice.get("disable_parallel_tool_use"):
        made["parallel_tool_calls"] = False
    return made


def _openai_turn(turn: Json) -> list[Json]:
    role, content = turn["role"], turn["content"]
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    if role == "assistant":
        return [_openai_assistant(content)]
    results = [_openai_result(b) for b in content if b.get("type") == "tool_result"]
    parts = [_openai_part(b) for b in content if b.get("type") != "tool_result"]
    # Chat Completions wants the results right behind the calls, so they come first.
    return results + ([{"role": "user", "content": _shortest(parts)}] if parts else [])


def _openai_assistant(content: list[Json]) -> Json:
    texts, calls = [], []
    for block in content:
        kind = block.get("type")
        if kind == "text":
            texts.append(block["text"])
        elif kind == "tool_use":
            given = block.get("input")
            arguments = given if isinstance(given, str) else json.dumps(given or {})
            calls.append(
                {
                    "id": block["id"],
                    "type": "function",
                    "function": {"name": block["name"], "arguments": arguments},
                }
            )
        elif kind not in ("thinking", "redacted_thinking"):
            raise UntranslatableRequest(f"a block of type {kind!r} in an answer")
    said: Json = {"role": "assistant", "content": "".join(texts) or (None if calls else "")}
    return {**said, "tool_calls": calls} if calls else said


def _openai_result(block: Json) -> Json:
    text = _plain_text(block.get("content") or "", "a tool result")
    if block.get("is_error") and not text.lower().startswith("error"):
        text = f"Error: {text}"  # Chat Completions has no other mark for it
    return {"role": "tool", "tool_call_id": block["tool_use_id"], "content": text}


def _openai_part(block: Json) -> Json:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": block["text"]}
    source = block.get("source") or {}
    if kind == "image" and source.get("type") == "url":
        return {"type": "image_url", "image_url": {"url": source["url"]}}
    if kind == "image" and source.get("type") == "base64":
        url = f"data:{source['media_type']};base64,{source['data']}"
        return {"type": "image_url", "image_url": {"url": url}}
    raise UntranslatableRequest(f"a block of type {kind!r} in a question")


def _shortest(parts: list[Json]) -> Any:
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts


def _plain_text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise UntranslatableRequest(f"{where} that is no text")
    texts = []
    for part in content:
        text = part if isinstance(part, str) else part.get("text")
        if not isinstance(text, str):
            raise UntranslatableRequest(f"a block of type {part.get('type')!r} in {where}")
        texts.append(text)
    return "\n".join(texts)
