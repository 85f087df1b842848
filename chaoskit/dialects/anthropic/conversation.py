"""What the messages of a conversation demand of each other.

Messages of one role in a row are one turn, and a system message in mid-conversation does not
interrupt a turn. Positions are those of the messages as they were sent.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic.body import Body
from chaoskit.dialects.anthropic.signature import bound, genuine
from chaoskit.exchange import Message, Opaque, Part, Text, Thinking, ToolCall, ToolResult

__all__ = ["check"]

Placed: TypeAlias = tuple[int, int, Part]
Turn: TypeAlias = tuple[str, list[Placed]]


def check(body: Body, model: ModelFacts) -> None:
    """Refuse conversations that production refuses.

    Raises:
        RefusedError: with production's message for the first flaw.
    """
    _contents(body)
    last = body.messages[-1]
    if "thinking_bound" in model.features:
        _bound(body.messages)
    if any(not isinstance(part, Text) for message in body.messages for part in message.content):
        _tool_turns(_turns(body.messages))
    if last.role == "assistant":
        _prefill(last, model)


def _turns(messages: tuple[Message, ...]) -> list[Turn]:
    turns: list[Turn] = []
    for at, message in enumerate(messages):
        if message.role == "system":
            continue
        if not turns or turns[-1][0] != message.role:
            turns.append((message.role, []))
        turns[-1][1].extend((at, index, part) for index, part in enumerate(message.content))
    return turns


def _contents(body: Body) -> None:
    """Check that every message says something."""
    _texts(body.system, "system")
    last = len(body.messages) - 1
    for at, message in enumerate(body.messages):
        if not message.content:
            if at != last or message.role != "assistant":
                raise invalid(
                    f"messages.{at}: all messages must have non-empty content except for the "
                    "optional final assistant message"
                )
        else:
            _texts(message.content, "messages")


def _texts(parts: tuple[Part, ...], path: str) -> None:
    for part in parts:
        if isinstance(part, Text):
            if not part.text:
                raise invalid(f"{path}: text content blocks must be non-empty")
            if part.text.isspace():
                raise invalid(f"{path}: text content blocks must contain non-whitespace text")


def _tool_turns(turns: list[Turn]) -> None:
    seen: set[str] = set()
    open_calls: dict[str, int] = {}
    latest = max((at for at, (role, _) in enumerate(turns) if role == "assistant"), default=-1)
    for at, (role, parts) in enumerate(turns):
        if role == "assistant":
            open_calls = _calls(parts, seen)
            answer = turns[at + 1][1] if at + 1 < len(turns) else []
            _answered(open_calls, answer)
            _server_tools(parts, final=at == len(turns) - 1)
            if at == latest:
                _thinking(parts)
        else:
            _results(parts, open_calls)
            open_calls = {}


def _calls(parts: list[Placed], seen: set[str]) -> dict[str, int]:
    """Return the ids of the calls in a turn, with the message in which each stands."""
    calls: dict[str, int] = {}
    for at, index, part in parts:
        if isinstance(part, ToolCall):
            if part.id in seen:
                raise invalid(f"messages.{at}.content.{index}: `tool_use` ids must be unique")
            seen.add(part.id)
            calls[part.id] = at
    return calls


def _answered(calls: dict[str, int], answer: list[Placed]) -> None:
    """Check that the next turn begins with a result for each call; text may only follow."""
    if not calls:
        return
    given: set[str] = set()
    for _, _, part in answer:
        if not isinstance(part, ToolResult):
            break
        given.add(part.call_id)
    missing = [identity for identity in calls if identity not in given]
    if missing:
        raise invalid(
            f"messages.{calls[missing[0]]}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
            "corresponding `tool_result` block in the next message."
        )


def _results(parts: list[Placed], calls: dict[str, int]) -> None:
    """Check that each result answers a call of the turn before, and alone."""
    given: set[str] = set()
    for at, index, part in parts:
        if not isinstance(part, ToolResult):
            continue
        place = f"messages.{at}.content.{index}"
        if part.call_id not in calls:
            raise invalid(
                f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {part.call_id}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
        if part.call_id in given:
            raise invalid(
                f"{place}: each tool_use must have a single result. Found multiple `tool_result` "
                f"blocks with id: {part.call_id}"
            )
        given.add(part.call_id)


def _server_tools(parts: list[Placed], *, final: bool) -> None:
    """Check that tools which the vendor runs have their results in the same turn.

    A paused turn at the end may still lack them, and so may code that called the agent's tools.
    """
    if final or any(isinstance(part, ToolCall) for _, _, part in parts):
        return
    opaque = [part for _, _, part in parts if isinstance(part, Opaque)]
    uses = [json.loads(part.raw) for part in opaque if part.kind == "server_tool_use"]
    if not uses:
        return
    results = [json.loads(part.raw) for part in opaque if part.kind.endswith("_tool_result")]
    given = {result.get("tool_use_id") for result in results}
    for use in uses:
        if use.get("id") not in given:
            name = use.get("name")
            raise invalid(
                f"`{name}` tool use with id `{use.get('id')}` was found without a corresponding "
                f"`{name}_tool_result` block"
            )


def _thinking(parts: list[Placed]) -> None:
    for at, index, part in parts:
        if isinstance(part, Thinking) and not genuine(part.text, part.signature):
            raise invalid(
                f"messages.{at}.content.{index}: `thinking` or `redacted_thinking` blocks in the "
                "latest assistant message cannot be modified. These blocks must remain as they "
                "were in the original response."
            )


def _bound(messages: tuple[Message, ...]) -> None:
    """Check that thinking stands in the conversation in which it was thought."""
    for at, message in enumerate(messages):
        for index, part in enumerate(message.content):
            if isinstance(part, Thinking) and not bound(part.signature, messages[:at]):
                raise invalid(
                    f"messages.{at}.content.{index}: Invalid `signature` in `thinking` block. The "
                    "block is bound to a different conversation."
                )


def _prefill(last: Message, model: ModelFacts) -> None:
    """Check an answer that the agent began itself; a paused turn that goes on is none."""
    if any(isinstance(part, Opaque) for part in last.content):
        return
    if "prefill" not in model.features:
        raise invalid(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
    end = last.content[-1] if last.content else None
    if isinstance(end, Text) and end.text[-1:].isspace():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")
