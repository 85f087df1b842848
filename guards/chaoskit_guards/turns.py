"""A conversation as the units that can be kept or dropped without making the request invalid.

A unit is one message, or a call with everything that answers it. Results are brought to their call
over any distance; what no vendor would accept (an answer without a call, a call without an answer,
an empty message, an id used twice) is left out or put right and named in the repairs. Messages are
added one by one, and adding one costs the same however long the conversation is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chaoskit_guards.edits import said, with_answer, with_answers, with_calls
from chaoskit_guards.shapes import (
    Ref,
    answers_of,
    blocks_of,
    body_of,
    calls_of,
    has_content,
    is_answer,
    is_plain,
    role_of,
)

__all__ = ["Grouping", "Message", "Unit"]

Message = Mapping[str, Any]
"""One message or item of a conversation, in the shape of any vendor."""

Kind = Literal["system", "user", "assistant", "calls"]
Place = tuple[int, int]
"""A call: the position of its item in the unit, and its own position in the item."""


@dataclass(slots=True, eq=False)
class Unit:
    """Messages that stand or fall together.

    Attributes:
        kind: who opens the unit; `calls` for calls with their results.
        items: what opens it: one message, or reasoning and the calls of one turn.
        sources: positions of the messages they were made from.
        ids: the id of each call as it is shown.
        open: the calls that are not answered yet, with the reference of their answer.
        at: position of the unit.
        keys: a hashable value for each message, once somebody has made them.
        size: tokens of the messages, once somebody has counted them.
    """

    kind: Kind
    at: int = 0
    items: list[Message] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    ids: dict[Place, str] = field(default_factory=dict)
    open: dict[Place, Ref] = field(default_factory=dict)
    renamed: bool = False
    answers: list[Message] = field(default_factory=list)
    blocks: list[Message] = field(default_factory=list)
    whole: Message | None = None
    after: list[Message] = field(default_factory=list)
    keys: tuple[object, ...] = ()
    size: int | None = None
    _shown: tuple[Message, ...] | None = None

    def touch(self) -> None:
        """Forget what was made of the unit, because it has changed."""
        self._shown = self.size = None
        self.keys = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages as they will be sent; none when nothing valid is left."""
        if self._shown is None:
            self._shown = tuple(self._made())
        return self._shown

    @property
    def results(self) -> list[int]:
        """Positions of the messages that brought the answers."""
        return self.sources[len(self.items) :]

    @property
    def names(self) -> list[str]:
        """Ids of the calls in the unit, and of messages that have one."""
        own = [str(item["id"]) for item in self.items if item.get("id")]
        return [*own, *filter(None, self.ids.values())]

    @property
    def first_role(self) -> str:
        """Role that opens the unit."""
        return "assistant" if self.kind == "calls" else self.kind

    @property
    def last_role(self) -> str:
        """Role that ends the unit."""
        role = role_of(self.messages[-1])
        return "user" if role == "assistant" and answers_of(self.messages[-1]) else role

    def _made(self) -> list[Message]:
        made = self.items
        if self.open or self.renamed:
            edited = [self._edited(at, item) for at, item in enumerate(self.items)]
            made = _without_idle_reasoning([item for item in edited if item is not None])
        if self.whole is not None:
            return [*made, self.whole]
        if not self.blocks:
            return [*made, *self.answers, *(_as_user(self.items[-1], self.after))]
        if body_of(self.items[-1]) == "parts":  # Gemini wants nothing beside the answers
            own, rest = _as_user(self.items[-1], self.blocks), _as_user(self.items[-1], self.after)
            return [*made, *own, *rest]
        return [*made, *_as_user(self.items[-1], [*self.blocks, *self.after])]

    def _edited(self, at: int, item: Message) -> Message | None:
        calls = calls_of(item)
        if not calls:
            return item
        places = [(at, n) for n in range(len(calls))]
        if not any(place in self.open for place in places) and not self.renamed:
            return item
        return with_calls(item, [None if p in self.open else self.ids[p] for p in places])


def _as_user(like: Message, blocks: list[Message]) -> list[Message]:
    if not blocks:
        return []
    body = body_of(like)
    made = said({"role": "user", body: list(blocks)})
    return [made] if made[body] else []


def _without_idle_reasoning(messages: list[Message]) -> list[Message]:
    """Return the items without reasoning whose call was taken out; vendors refuse it alone."""
    kept: list[Message] = []
    led_to: Message | None = None
    for message in reversed(messages):
        if message.get("type") == "reasoning":
            if led_to is None:
                continue
        else:
            led_to = message
        kept.append(message)
    return kept[::-1]


class Grouping:
    """The units of a conversation that grows.

    Attributes:
        units: all of them, in order; those whose `messages` are empty show nothing.
        count: messages added so far.
        prefilled: the newest message is the beginning of an answer, which the model shall go on.
    """

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.count = 0
        self.prefilled = False
        self._waiting: dict[Ref, list[tuple[Unit, Place]]] = {}
        self._open: dict[int, None] = {}  # units with calls that are not answered, in order
        self._seen: dict[str, int] = {}
        self._reasoning: list[tuple[int, Message]] = []
        self._repairs: list[str] = []

    @property
    def settled(self) -> int:
        """How many units at the beginning can no longer change when messages are added."""
        return min(next(iter(self._open), len(self.units)), max(0, len(self.units) - 1))

    @property
    def repairs(self) -> tuple[str, ...]:
        """What is wrong with the conversation as it came in."""
        late = [
            f"message {self.units[at].sources[0]} makes {len(self.units[at].open)} "
            "unanswered call(s)"
            for at in self._open
        ]
        idle = [f"message {at} is reasoning without what it led to" for at, _ in self._reasoning]
        return (*self._repairs, *idle, *late)

    def add(self, message: Message) -> None:
        """Add the next message."""
        at, self.count = self.count, self.count + 1
        self.prefilled = False
        if is_plain(message):
            self._plain(at, message)
            self.prefilled = message["role"] == "assistant"
        elif message.get("type") == "reasoning" and "role" not in message:
            self._reasoning.append((at, message))
        elif answered := answers_of(message):
            self._results(at, message, answered)
        elif calls := calls_of(message):
            self._call(at, message, calls)
        elif not has_content(message):
            self._repairs.append(f"message {at} is empty")
        else:
            self._plain(at, said(message))
            self.prefilled = self.units[-1].kind == "assistant"

    def _new(self, kind: Kind) -> Unit:
        unit = Unit(kind, at=len(self.units))
        self.units.append(unit)
        return unit

    def _take_reasoning(self, unit: Unit) -> None:
        for at, message in self._reasoning:
            unit.items.append(message)
            unit.sources.append(at)
        self._reasoning.clear()

    def _plain(self, at: int, message: Message) -> None:
        role = role_of(message)
        kind: Kind = "system" if role == "system" else "user" if role == "user" else "assistant"
        unit = self._new(kind)
        if kind == "assistant":
            self._take_reasoning(unit)
        unit.items.append(message)
        unit.sources.append(at)

    def _call(self, at: int, message: Message, calls: list[Ref]) -> None:
        unit = self.units[-1] if self.units else None
        item = "role" not in message and body_of(message) == "content"
        if unit is not None and item and _goes_on(unit):
            unit.kind = "calls"  # what one turn makes arrives as neighbouring items
            self._take_reasoning(unit)
        else:
            unit = self._new("calls")
            self._take_reasoning(unit)
        place = len(unit.items)
        unit.items.append(said(message))
        unit.sources.append(at)
        for n, ref in enumerate(calls):
            shown = self._unique(ref[0])
            if shown != ref[0]:
                unit.renamed = True
                self._repairs.append(f"message {at} uses the id of an earlier call")
            unit.ids[place, n] = shown
            unit.open[place, n] = ref
            for key in _keys(ref):
                self._waiting.setdefault(key, []).append((unit, (place, n)))
        self._open[unit.at] = None
        unit.touch()

    def _unique(self, identity: str) -> str:
        """Return an id that no call has had before; the same for the same beginning."""
        if not identity:
            return identity
        times = self._seen.get(identity, 0) + 1
        shown = identity if times == 1 else f"{identity}_{times}"
        while shown in self._seen:
            times += 1
            shown = f"{identity}_{times}"
        self._seen[identity] = times
        self._seen.setdefault(shown, 1)
        return shown

    def _claim(self, ref: Ref) -> tuple[Unit, Place] | None:
        """Return the call that an answer belongs to: of the newest unit, the first one open."""
        waiting: list[tuple[Unit, Place]] = []
        for key in _keys(ref):
            waiting = self._waiting.get(key, [])
            if ref[0] and not key[0]:  # a name is enough only where an id is missing
                waiting = [call for call in waiting if not call[0].open[call[1]][0]]
            if waiting:
                break
        if not waiting:
            return None
        newest = waiting[-1][0]
        claimed = next(call for call in waiting if call[0] is newest)
        unit, place = claimed
        for key in _keys(unit.open.pop(place)):
            self._waiting[key].remove(claimed)
        if not unit.open:
            del self._open[unit.at]
        unit.touch()
        return claimed

    def _results(self, at: int, message: Message, answered: list[Ref]) -> None:
        body = body_of(message)
        if body == "content" and role_of(message) != "user":  # one result is one message or item
            if (found := self._claim(answered[0])) is None:
                self._repairs.append(f"message {at} answers no call")
                return
            unit, place = found
            self._moved(at, unit)
            shown = unit.ids[place]
            unit.answers.append(
                message if shown == answered[0][0] else with_answers(message, shown)
            )
            unit.sources.append(at)
            return
        self._result_blocks(at, message, answered)

    def _moved(self, at: int, unit: Unit) -> None:
        if unit.at < len(self.units) - 1:
            self._repairs.append(f"message {at} is moved to the call that it answers")

    def _result_blocks(self, at: int, message: Message, answered: list[Ref]) -> None:
        blocks = blocks_of(message)
        results = [block for block in blocks if is_answer(block)]
        others = [block for block in blocks if not is_answer(block)]
        home: Unit | None = None
        alone = blocks[: len(results)] == results
        for block, ref in zip(results, answered, strict=True):
            found = self._claim(ref)
            if found is None:
                self._repairs.append(f"message {at} answers no call")
                alone = False
                continue
            unit, place = found
            shown = unit.ids[place]
            if shown != ref[0]:
                alone = alone and not shown
            alone = alone and home in (None, unit)
            home = unit
            unit.whole = None
            unit.blocks.append(block if shown == ref[0] else with_answer(block, shown))
            if at not in unit.sources:
                self._moved(at, unit)
                unit.sources.append(at)
        if home is None or home is not self.units[-1]:
            rest = {**message, body_of(message): others}
            if others and has_content(rest):
                self._plain(at, said(rest))
            return
        if alone and len(home.blocks) == len(results) and not home.after:
            home.whole = said(message)
        home.after.extend(others)


def _goes_on(unit: Unit) -> bool:
    """Tell whether a call item belongs to the turn of this unit."""
    if unit.answers or unit.blocks or not unit.items:
        return False
    if unit.kind == "calls":
        return "role" not in unit.items[-1]
    return unit.kind == "assistant" and any(i.get("type") == "reasoning" for i in unit.items)


def _keys(ref: Ref) -> list[Ref]:
    """Return under what the answer to a call may come: its id, and the name where it has one."""
    return [(ref[0], ""), ("", ref[1])] if all(ref) else [ref]
