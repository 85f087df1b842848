"""Which units of a conversation are shown, replayed over its whole history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from chaoskit_guards.turns import Message, Unit, cleared

__all__ = ["NOT_SHOWN", "Cut", "DropStrategy"]

DropStrategy = Literal["oldest", "middle", "clear_tool_results"]
"""What goes first: the oldest units, the middle of the conversation, or old tool results."""

NOT_SHOWN = "[Earlier messages are not shown.]"
"""Stands where a cut would leave two messages of one role side by side, or no user turn first."""


class Cut:
    """Which units are shown, replayed over the whole history."""

    def __init__(
        self,
        units: list[Unit],
        *,
        budget: int,
        count: Callable[[Message], int],
        strategy: DropStrategy,
        low_water: float,
        keep_results: int,
        pin_task: bool,
    ) -> None:
        self.units = units
        self.count = count
        self.strategy = strategy
        self.low_water = low_water
        self.keep_results = keep_results
        self.pin_task = pin_task
        self.sizes = [sum(map(self.count, unit.messages)) for unit in units]
        self.budget = budget
        self.kept: dict[int, None] = {}
        self.emptied: dict[int, Unit] = {}
        self.total = 0
        self.note = self.count({"role": "assistant", "content": NOT_SHOWN})

    def replay(self) -> Cut:
        """Show unit after unit and cut whenever the view is full."""
        for at, size in enumerate(self.sizes):
            self.kept[at] = None
            self.total += size
            if self.total > self._room(at):
                self._cut(at)
        return self

    def _room(self, at: int) -> int:
        """Return what the units may take; the rest is for notes where units are missing."""
        gap = len(self.kept) <= at or (self.units and self.units[0].kind != "user")
        return self.budget - (2 * self.note if gap else 0)

    def _cut(self, newest: int) -> None:
        system, task, question = self._pins(newest)
        low = max(0, int((self.budget - 2 * self.note) * self.low_water))
        if self.strategy == "clear_tool_results":
            self._clear(newest)
            if self.total <= (low + self.budget) / 2:
                return  # room enough for a while, and no turn had to go
        pinned = {*system, task, question, newest}
        for at in self._order(newest):
            if self.total <= low:
                return
            if at not in pinned:
                self._drop(at)
        if self.total > self._room(newest) and task not in (None, question, newest):
            self._drop(task)

    def _pins(self, newest: int) -> tuple[list[int], int | None, int | None]:
        users = [at for at in range(newest + 1) if self.units[at].kind == "user"]
        lead = next((i for i, u in enumerate(self.units) if u.kind != "system"), len(self.units))
        task = users[0] if users and self.pin_task else None
        if task is not None and (
            task not in self.kept or self.sizes[task] > (self.budget - 2 * self.note) / 2
        ):
            task = None
        return list(range(lead)), task, users[-1] if users else None

    def _order(self, newest: int) -> list[int]:
        order = list(self.kept)
        if self.strategy != "middle":
            return order
        head, share = 0, self.budget * self.low_water / 3
        while head < newest and (share := share - self.sizes[order[head]]) > 0:
            head += 1
            if head >= len(order):
                break
        return order[head:] + order[:head][::-1]

    def _clear(self, newest: int) -> None:
        answered = [at for at in self.kept if self.units[at].kind == "calls" and at <= newest]
        keep = self.keep_results
        for at in answered[: len(answered) - keep] if keep else answered:
            if at in self.emptied or at == newest:
                continue
            unit = self.units[at]
            empty = Unit(unit.kind, [cleared(m) for m in unit.messages], unit.sources)
            size = sum(map(self.count, empty.messages))
            if size < self.sizes[at]:
                self.emptied[at] = empty
                self.total += size - self.sizes[at]

    def _drop(self, at: int | None) -> None:
        if at is None or at not in self.kept:
            return
        del self.kept[at]
        gone = self.emptied.pop(at, None)
        self.total -= self.sizes[at] if gone is None else sum(map(self.count, gone.messages))

    def view(self) -> list[Message]:
        """Return the messages that are shown, with a note where roles would collide."""
        shown: list[Message] = []
        last = ""
        gap = False
        for at, whole in enumerate(self.units):
            if at not in self.kept:
                gap = True
                continue
            unit = self.emptied.get(at, whole)
            if unit.kind == "system":
                shown.extend(unit.messages)
                continue
            if not last and unit.first_role != "user":
                shown.append({"role": "user", "content": NOT_SHOWN})
            elif gap and last == unit.first_role:
                role = "assistant" if last == "user" else "user"
                shown.append({"role": role, "content": NOT_SHOWN})
            gap = False
            shown.extend(unit.messages)
            last = unit.last_role
        return shown

    def dropped(self) -> tuple[int, ...]:
        """Return the positions of the messages that are not shown."""
        shown = {s for at in self.kept for s in self.units[at].sources}
        every = {s for unit in self.units for s in unit.sources}
        return tuple(sorted(every - shown))

    def cleared(self) -> tuple[int, ...]:
        """Return the positions of the messages whose tool results were emptied."""
        return tuple(sorted({s for unit in self.emptied.values() for s in unit.sources[1:]}))
