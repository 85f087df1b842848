"""Which units of a conversation are shown, replayed over its whole history."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from chaoskit_guards.edits import cleared
from chaoskit_guards.shapes import freeze, text_message
from chaoskit_guards.turns import Message, Unit

__all__ = ["GO_ON", "NOT_SHOWN", "Cut", "DropStrategy", "Rules", "View"]

DropStrategy = Literal["oldest", "middle", "priority", "clear_tool_results", "summarise"]
"""What goes first: the oldest units, the middle of the conversation, what has the lowest priority,
old tool results, or the oldest units with a summary in their place."""

NOT_SHOWN = "[Earlier messages are not shown.]"
"""Stands where a cut would leave two messages of one role side by side, or no user turn first."""

GO_ON = "[Please go on.]"
"""Stands at the end where a repair would leave the model's own turn as the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a window cuts.

    Attributes:
        count: tokens of one message.
        measure: tokens of a unit.
        strategy: what goes first.
        low_water: share of the room that is left full after a cut.
        keep_results: newest exchanges whose results are never cleared.
        pin_task: keep the first user turn while it is at most half of the room.
        pin_last: keep so many of the newest messages while there is room.
        note: tokens of one note.
        summary: tokens that are set aside for a summary.
    """

    count: Callable[[Message], int]
    measure: Callable[[Unit], int]
    strategy: DropStrategy
    low_water: float
    keep_results: int
    pin_task: bool
    pin_last: int
    note: int
    summary: int


@dataclass(slots=True)
class View:
    """What is shown.

    Attributes:
        messages: the messages in order.
        keys: for each a hashable value that is equal exactly when the message is.
        notes: the messages among them that stand for something else.
    """

    messages: list[Message] = field(default_factory=list)
    keys: list[object] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)

    def add(self, note: Message) -> None:
        """Add a note."""
        self.messages.append(note)
        self.keys.append(freeze(note))
        self.notes.append(note)


@dataclass(frozen=True, slots=True)
class _Emptied:
    """A unit without the content of its results."""

    messages: tuple[Message, ...]
    keys: tuple[object, ...]
    size: int


@dataclass(slots=True)
class _State:
    """Where the replay stands; a copy is all that is needed to go on later."""

    done: int = 0
    seen: int = 0
    whole: int = 0
    total: int = 0
    task: int | None = None
    question: int | None = None
    lead: list[int] = field(default_factory=list)
    kept: dict[int, int] = field(default_factory=dict)  # with the rank among what is not empty
    emptied: dict[int, _Emptied] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    gone: tuple[tuple[int, ...], tuple[str, ...]] = ((), ())
    holes: int = 0
    digests: list[tuple[bytes, int]] = field(default_factory=list)

    def copy(self) -> _State:
        return replace(
            self,
            lead=list(self.lead),
            kept=dict(self.kept),
            emptied=dict(self.emptied),
            dropped=list(self.dropped),
            digests=list(self.digests),
        )


class Cut:
    """Which units are shown; goes on where it stood when the conversation has grown.

    The units may only have grown at their end since the last replay, or changed after those that
    were settled then.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        budget: int,
        pinned: Mapping[int, float],
    ) -> None:
        """Cut to `budget`; `pinned` has priorities of positions, infinity for a pin."""
        self.rules = rules
        self.budget = budget
        self.pinned = pinned
        self.units: Sequence[Unit] = ()
        self._saved = _State()
        self._now = _State()
        self._closed = False

    def replay(self, units: Sequence[Unit], settled: int, *, prefilled: bool) -> None:
        """Show unit after unit and cut whenever the view is full."""
        self.units = units
        state = self._now = self._saved
        for at in range(state.done, settled):
            self._show(at)
        state.done = settled
        self._now = state.copy()
        for at in range(settled, len(units)):
            self._show(at)
        last = next(reversed(self._now.kept), None)
        self._closed = not prefilled and last is not None and units[last].last_role == "assistant"
        if last is not None and self._closed and self.total > self._room() - self.rules.note:
            self._cut(last, self.rules.note)

    @property
    def total(self) -> int:
        """Tokens of what is shown, without notes."""
        return self._now.total

    @property
    def dropped(self) -> Sequence[int]:
        """Positions of the units that are not shown, in the order in which they went."""
        return self._now.dropped

    @property
    def gone(self) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Positions of the messages that were dropped, and the ids of what went with them."""
        return self._now.gone

    @property
    def digests(self) -> Sequence[tuple[bytes, int]]:
        """For each cut a name for everything that was dropped until then, and how many units."""
        return self._now.digests

    @property
    def tokens_before(self) -> int:
        """Tokens of all units."""
        return self._now.whole

    def _show(self, at: int) -> None:
        unit, state = self.units[at], self._now
        if not unit.messages:
            return
        if unit.size is None:
            unit.size = self.rules.measure(unit)
        if unit.kind == "system":
            if len(state.lead) == state.seen:
                state.lead.append(at)
        elif unit.kind == "user":
            state.task = at if state.task is None else state.task
            state.question = at
        state.kept[at] = state.seen
        state.seen += 1
        state.whole += unit.size
        state.total += unit.size
        if state.total > self._room():
            self._cut(at)

    def _room(self) -> int:
        """Return what the units may take; the rest is for notes where units are missing."""
        state = self._now
        if len(state.kept) < state.seen:
            return self._beside_notes()
        first = self.units[next(iter(state.kept))].kind if state.kept else "user"
        return self.budget if first == "user" else self.budget - self.rules.note

    def _beside_notes(self) -> int:
        return self.budget - (self._now.holes + 1) * self.rules.note - self.rules.summary

    def _cut(self, newest: int, less: int = 0) -> None:
        rules, state = self.rules, self._now
        room = self.budget - 2 * rules.note - rules.summary - less
        low = max(0, int(room * rules.low_water))
        if rules.strategy == "clear_tool_results":
            self._clear(newest)
            if state.total <= (low + self._room() - less) / 2:
                return  # room enough for a while, and no turn had to go
        firm = {*state.lead, state.question, newest}
        if self.pinned:
            firm |= {at for at in state.kept if self._priority(at) == math.inf}
        soft = [at for at in self._soft(room) if at not in firm]
        before = len(state.dropped)
        for at in self._order(newest):
            if at in firm or at in soft:
                continue
            if state.total <= low and self._holds(less):
                break
            self._drop(at)
        for at in soft:
            if self._holds(less):
                break
            self._drop(at)
        if len(state.dropped) > before:
            self._told(before)

    def _holds(self, less: int) -> bool:
        """Tell whether the budget is kept, with a note in each hole that there is now."""
        ranks = list(self._now.kept.values())
        pairs = zip([-1, *ranks], ranks, strict=False)
        self._now.holes = sum([rank > before + 1 for before, rank in pairs])
        return self._now.total <= self._beside_notes() - less

    def _soft(self, room: int) -> list[int]:
        """Return what is kept while there is room, in the order in which it goes."""
        state, last, messages = self._now, [], 0
        for at in reversed(state.kept):
            if messages >= self.rules.pin_last:
                break
            messages += len(self.units[at].messages)
            last.append(at)
        task = state.task if self.rules.pin_task else None
        if task is None or task not in state.kept or self._size(task) > room / 2:
            return last[::-1]
        return [*(at for at in reversed(last) if at != task), task]

    def _priority(self, at: int) -> float:
        if not self.pinned:
            return 0.0
        marks = [self.pinned[s] for s in self.units[at].sources if s in self.pinned]
        return max(marks, default=0.0)

    def _order(self, newest: int) -> list[int]:
        order = list(self._now.kept)
        if self.rules.strategy == "priority":
            return sorted(order, key=self._priority)
        if self.rules.strategy != "middle":
            return order
        head, share = 0, self.budget * self.rules.low_water / 3
        while head < len(order) and order[head] < newest:
            share -= self._size(order[head])
            if share <= 0:
                break
            head += 1
        return order[head:] + order[:head][::-1]

    def _size(self, at: int) -> int:
        return self.units[at].size or 0

    def _clear(self, newest: int) -> None:
        state, keep = self._now, self.rules.keep_results
        answered = [at for at in state.kept if self.units[at].results]
        for at in answered[: max(0, len(answered) - keep)]:
            if at in state.emptied or at == newest or self._priority(at) == math.inf:
                continue
            messages = tuple(cleared(message) for message in self.units[at].messages)
            size = sum(map(self.rules.count, messages))
            if size < self._size(at):
                state.emptied[at] = _Emptied(messages, tuple(map(freeze, messages)), size)
                state.total += size - self._size(at)

    def _drop(self, at: int) -> None:
        state = self._now
        del state.kept[at]
        gone = state.emptied.pop(at, None)
        state.total -= self._size(at) if gone is None else gone.size
        state.dropped.append(at)

    def _told(self, before: int) -> None:
        """Note what has been dropped so far, and give it a name that depends on nothing else."""
        state = self._now
        self._holds(0)
        new = [self.units[at] for at in state.dropped[before:]]
        places, ids = state.gone
        state.gone = (
            tuple(sorted([*places, *(source for unit in new for source in unit.sources)])),
            (*ids, *(name for unit in new for name in unit.names)),
        )
        if self.rules.strategy != "summarise":
            return
        digest = hashlib.blake2b(state.digests[-1][0] if state.digests else b"", digest_size=16)
        for unit in new:
            text = repr([dict(message) for message in unit.messages])
            digest.update(text.encode("utf-8", "surrogatepass"))
        state.digests.append((digest.digest(), len(state.dropped)))

    def view(self, summary: str = "") -> View:
        """Return the messages that are shown, with notes where they are needed."""
        view, last, before = View(), "", -1
        for at, rank in self._now.kept.items():
            unit = self.units[at]
            gap, before = rank > before + 1, rank
            shown = self._now.emptied.get(at) or unit
            messages = shown.messages
            if unit.kind != "system":
                if gap and summary:
                    view.add(text_message("user", summary, like=messages[0]))
                    summary, last, gap = "", "user", unit.first_role == "assistant"
                if not last and unit.first_role != "user":
                    view.add(text_message("user", NOT_SHOWN, like=messages[0]))
                elif gap and last == unit.first_role:
                    role = "assistant" if last == "user" else "user"
                    view.add(text_message(role, NOT_SHOWN, like=messages[0]))
                last = unit.last_role
            elif gap:
                before -= 1  # the gap is still to be closed
            view.messages.extend(messages)
            view.keys.extend(shown.keys)
        if self._closed:
            view.add(text_message("user", GO_ON, like=view.messages[-1]))
        return view

    def cleared(self) -> tuple[int, ...]:
        """Return the positions of the messages whose tool results were emptied."""
        return tuple(sorted(s for at in self._now.emptied for s in self.units[at].results))
