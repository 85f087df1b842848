"""A conversation as the units that can be kept or dropped without making the request invalid.

A unit is one message, or a call with everything that answers it. Results are brought to their call
over any distance; what no vendor would accept (an answer without a call, a call without an answer,
an empty message) is left out and named in the repairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from chaoskit_guards.shapes import (
    as_mapping,
    blocks_of,
    call_ids,
    has_content,
    is_result_block,
    result_ids,
    role_of,
    without_empty_text,
)

__all__ = ["CLEARED", "Message", "Unit", "cleared", "group"]

Message = Mapping[str, Any]
"""One message or item of a conversation, in the shape of any vendor."""

CLEARED = "[This result was cleared to save space. Call the tool again if it is needed.]"


@dataclass(slots=True)
class Unit:
    """Messages that stand or fall together.

    Attributes:
        kind: who opens the unit; `calls` for calls with their results.
        messages: the messages as they will be sent.
        sources: positions of the messages they were made from.
    """

    kind: Literal["system", "user", "assistant", "calls"]
    messages: list[Message]
    sources: list[int] = field(default_factory=list)

    @property
    def first_role(self) -> str:
        """Role that opens the unit."""
        return "assistant" if self.kind == "calls" else self.kind

    @property
    def last_role(self) -> str:
        """Role that ends the unit."""
        return role_of(self.messages[-1])


@dataclass(slots=True)
class _Calls:
    """A unit of calls while its answers are still coming in."""

    unit: Unit
    open: dict[str, None]
    blocks: list[Mapping[str, Any]] = field(default_factory=list)
    whole: Message | None = None
    after: list[Mapping[str, Any]] = field(default_factory=list)


class _Grouping:
    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.calls: dict[int, _Calls] = {}
        self.waiting: dict[str, _Calls] = {}
        self.reasoning: list[tuple[int, Message]] = []
        self.repairs: list[str] = []

    def add(self, at: int, given: object) -> None:
        message = as_mapping(given)
        if message is None:
            raise TypeError(f"message {at} is a {type(given).__name__}, not a mapping")
        if message.get("type") == "reasoning" and "role" not in message:
            self.reasoning.append((at, message))
            return
        answered = result_ids(message)
        if answered:
            self._results(at, message, answered)
        elif ids := call_ids(message):
            self._call(at, message, ids)
        elif not has_content(message):
            self.repairs.append(f"message {at} is empty")
        else:
            self._plain(at, without_empty_text(message))

    def _take_reasoning(self, unit: Unit) -> None:
        for at, message in self.reasoning:
            unit.messages.append(message)
            unit.sources.append(at)
        self.reasoning.clear()

    def _plain(self, at: int, message: Message) -> None:
        role = role_of(message)
        kind: Literal["system", "user", "assistant"] = (
            "system" if role == "system" else "user" if role == "user" else "assistant"
        )
        unit = Unit(kind, [])
        if kind == "assistant":
            self._take_reasoning(unit)
        unit.messages.append(message)
        unit.sources.append(at)
        self.units.append(unit)

    def _call(self, at: int, message: Message, ids: list[str]) -> None:
        last = self.calls.get(id(self.units[-1])) if self.units else None
        item = "role" not in message
        if item and last is not None and last.open and "role" not in last.unit.messages[-1]:
            calls = last  # parallel calls of one turn arrive as neighbouring items
            self._take_reasoning(calls.unit)
        else:
            calls = _Calls(Unit("calls", []), {})
            self._take_reasoning(calls.unit)
            self.units.append(calls.unit)
            self.calls[id(calls.unit)] = calls
        calls.unit.messages.append(without_empty_text(message))
        calls.unit.sources.append(at)
        for call in ids:
            calls.open[call] = None
            self.waiting[call] = calls

    def _results(self, at: int, message: Message, answered: list[str]) -> None:
        if role_of(message) != "user":  # one result is one message or item
            calls = self.waiting.pop(answered[0], None)
            if calls is None:
                self.repairs.append(f"message {at} answers no call")
                return
            del calls.open[answered[0]]
            calls.unit.messages.append(message)
            calls.unit.sources.append(at)
            return
        blocks = blocks_of(message)
        first_other = next((i for i, b in enumerate(blocks) if not is_result_block(b)), len(blocks))
        owners = [self.waiting.get(call) for call in answered]
        home = owners[0]
        untouched = (
            home is not None
            and all(owner is home for owner in owners)
            and len(set(answered)) == len(answered) == first_other
            and home.unit is self.units[-1]
            and home.whole is None
            and not home.blocks
        )
        target: _Calls | None = None
        for block, call in zip(filter(is_result_block, blocks), answered, strict=True):
            calls = self.waiting.pop(call, None)
            if calls is None:
                self.repairs.append(f"message {at} answers no call")
                continue
            target = calls
            del calls.open[call]
            calls.blocks.append(block)
            calls.unit.sources.append(at)
            calls.whole = None
        others = [b for b in blocks if not is_result_block(b)]
        if untouched and home is not None:
            home.whole = without_empty_text(message)
            home.after = others
        elif others:
            self._rest(at, message, others, target)

    def _rest(
        self,
        at: int,
        message: Message,
        others: list[Mapping[str, Any]],
        target: _Calls | None,
    ) -> None:
        if target is not None and target.unit is self.units[-1]:
            target.after.extend(others)
            return
        rest = {**message, "content": others}
        if has_content(rest):
            self._plain(at, without_empty_text(rest))

    def finish(self) -> list[Unit]:
        for at, _ in self.reasoning:
            self.repairs.append(f"message {at} is reasoning without what it led to")
        for calls in self.calls.values():
            self._close(calls)
        return [unit for unit in self.units if unit.messages]

    def _close(self, calls: _Calls) -> None:
        unit = calls.unit
        if calls.open:
            self.repairs.append(
                f"message {unit.sources[0]} makes {len(calls.open)} unanswered call(s)"
            )
            kept = [_without_calls(message, calls.open) for message in unit.messages]
            unit.messages = _without_idle_reasoning([m for m in kept if m is not None])
            if not any(call_ids(message) for message in unit.messages):
                unit.kind = "assistant"
        if calls.whole is not None:
            unit.messages.append(calls.whole)
        elif calls.blocks:
            rebuilt = {"role": "user", "content": [*calls.blocks, *calls.after]}
            unit.messages.append(without_empty_text(rebuilt))


def _without_calls(message: Message, ids: Mapping[str, None]) -> Message | None:
    """Return the message without the calls of these ids; None when nothing is left to say."""
    if not any(call in ids for call in call_ids(message)):
        return message
    if "role" not in message:
        return None
    left: dict[str, Any] = dict(message)
    if message.get("tool_calls"):
        calls = [
            c for c in message["tool_calls"] if str((as_mapping(c) or {}).get("id")) not in ids
        ]
        left["tool_calls"] = calls
        if not calls:
            del left["tool_calls"]
    if not isinstance(message.get("content"), str) and message.get("content") is not None:
        left["content"] = [
            block
            for block in message["content"]
            if not (
                (found := as_mapping(block) or {}).get("type") == "tool_use"
                and str(found.get("id", "")) in ids
            )
        ]
    return left if has_content(left) or call_ids(left) else None


def _without_idle_reasoning(messages: list[Message]) -> list[Message]:
    """Return the items without reasoning whose call was taken out; vendors refuse it alone."""
    kept: list[Message] = []
    led_to: Message | None = None
    for message in reversed(messages):
        if message.get("type") == "reasoning":
            if led_to is None or result_ids(led_to):
                continue
        else:
            led_to = message
        kept.append(message)
    return kept[::-1]


def group(messages: Sequence[object]) -> tuple[list[Unit], tuple[str, ...]]:
    """Return the units of a conversation in order, and what had to be repaired.

    Raises:
        TypeError: something in the list is not a message.
    """
    grouping = _Grouping()
    for at, message in enumerate(messages):
        grouping.add(at, message)
    units = grouping.finish()
    return units, tuple(grouping.repairs)


def cleared(message: Message) -> Message:
    """Return a message that answers calls with the content of the answers taken out."""
    if not result_ids(message):
        return message
    if "role" not in message:
        return {**message, "output": CLEARED}
    if message["role"] == "tool":
        return {**message, "content": CLEARED}
    content = [
        {**block, "content": CLEARED} if is_result_block(block) else block
        for block in blocks_of(message)
    ]
    return {**message, "content": content}
