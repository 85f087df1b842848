"""Earlier turns of a conversation in plain data of no vendor, for agents that ask for `history`.

Each entry is one of

    {"role": "user", "content": "…"}
    {"role": "assistant", "content": "…", "tool_calls": [{"id": …, "name": …, "arguments": {…}}]}
    {"role": "tool", "tool_call_id": …, "name": …, "content": "…", "is_error": False}

`to_anthropic`, `to_openai` and `to_responses` turn a list of them into what the vendors' SDKs take.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from chaoskit.exchange import Call, Message, Part, Text, ToolCall, ToolResult

__all__ = ["Entry", "of_turn", "to_anthropic", "to_openai", "to_responses"]

Entry: TypeAlias = dict[str, Any]


def of_turn(prompt: str, call: Call | None, answer: str) -> list[Entry]:
    """Return the entries of one turn: the prompt, what the tools did, and the answer.

    Args:
        call: the last request of the turn, which carries its tool calls and results.
    """
    entries: list[Entry] = [{"role": "user", "content": prompt}]
    names: dict[str, str] = {}
    for message in _since_prompt(call.messages, prompt) if call is not None else ():
        entries.extend(_entries(message, names))
    entries.append({"role": "assistant", "content": answer})
    return entries


def to_anthropic(history: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Return the entries as `messages` of the Anthropic Messages API."""
    messages: list[Entry] = []
    for entry in history:
        if entry["role"] == "tool":
            block = {
                "type": "tool_result",
                "tool_use_id": entry["tool_call_id"],
                "content": entry["content"],
                "is_error": entry.get("is_error", False),
            }
            last = messages[-1] if messages else None
            if last and last["role"] == "user" and isinstance(last["content"], list):
                last["content"].append(block)
            else:
                messages.append({"role": "user", "content": [block]})
        elif entry.get("tool_calls"):
            text = [{"type": "text", "text": entry["content"]}] if entry.get("content") else []
            calls = [
                {"type": "tool_use", "id": it["id"], "name": it["name"], "input": it["arguments"]}
                for it in entry["tool_calls"]
            ]
            messages.append({"role": "assistant", "content": [*text, *calls]})
        else:
            messages.append({"role": entry["role"], "content": entry["content"]})
    return messages


def to_openai(history: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Return the entries as `messages` of the OpenAI Chat Completions API."""
    messages: list[Entry] = []
    for entry in history:
        if entry["role"] == "tool":
            messages.append(
                {
                    "role": "tool",
                    "tool_call_id": entry["tool_call_id"],
                    "content": entry["content"],
                }
            )
        elif entry.get("tool_calls"):
            messages.append(
                {
                    "role": "assistant",
                    "content": entry.get("content") or None,
                    "tool_calls": [
                        {
                            "id": it["id"],
                            "type": "function",
                            "function": {
                                "name": it["name"],
                                "arguments": json.dumps(it["arguments"]),
                            },
                        }
                        for it in entry["tool_calls"]
                    ],
                }
            )
        else:
            messages.append({"role": entry["role"], "content": entry["content"]})
    return messages


def to_responses(history: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Return the entries as `input` of the OpenAI Responses API."""
    items: list[Entry] = []
    for entry in history:
        if entry["role"] == "tool":
            items.append(
                {
                    "type": "function_call_output",
                    "call_id": entry["tool_call_id"],
                    "output": entry["content"],
                }
            )
            continue
        if entry.get("content") or not entry.get("tool_calls"):
            items.append({"role": entry["role"], "content": entry["content"]})
        items += [
            {
                "type": "function_call",
                "call_id": it["id"],
                "name": it["name"],
                "arguments": json.dumps(it["arguments"]),
            }
            for it in entry.get("tool_calls", ())
        ]
    return items


def _since_prompt(messages: Sequence[Message], prompt: str) -> Sequence[Message]:
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user" and prompt in messages[at].text:
            return messages[at + 1 :]
    return ()


def _entries(message: Message, names: dict[str, str]) -> Iterable[Entry]:
    calls = [part for part in message.content if isinstance(part, ToolCall)]
    if calls:
        names.update({call.id: call.name for call in calls})
        yield {
            "role": "assistant",
            "content": message.text,
            "tool_calls": [
                {"id": call.id, "name": call.name, "arguments": _arguments(call)} for call in calls
            ],
        }
    for part in message.content:
        if isinstance(part, ToolResult):
            yield {
                "role": "tool",
                "tool_call_id": part.call_id,
                "name": names.get(part.call_id, ""),
                "content": _text(part.content),
                "is_error": part.is_error,
            }


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        value = json.loads(call.arguments)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(parts: Iterable[Part]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, Text))
