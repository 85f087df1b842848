"""The part of a conversation that fits: always a valid request, with a prefix that stays the same.

Trimming is a pure function of the conversation. It replays the history with two water marks: only
when the view grows past `max_tokens` it is cut, down to the low mark, and the cut stays where it
is until the view is full again. So the provider's prompt cache keeps hitting, in every process and
without any state, while the full log is never lost. What was replayed before is remembered, so
that a longer conversation costs no more than its new messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from chaoskit_guards.counting import Counts
from chaoskit_guards.cut import GO_ON, NOT_SHOWN, Cut, DropStrategy, Rules, View
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.shapes import as_mapping, copied, freeze, text_message
from chaoskit_guards.summary import Summaries, Summarise, SummaryWanted
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.trimmed import TrimReport
from chaoskit_guards.turns import Grouping, Message, Unit

__all__ = ["NOT_SHOWN", "DropStrategy", "MessageWindow"]


@dataclass(slots=True)
class _Talk:
    """A conversation as far as it has been read: copies, which nobody else changes."""

    messages: list[Message] = field(default_factory=list)
    keys: dict[int, object] = field(default_factory=dict)  # by the identity of the message
    grouping: Grouping = field(default_factory=Grouping)
    cut: Cut | None = None

    def begins(self, messages: list[Message]) -> bool:
        """Tell whether a conversation goes on from here."""
        return messages[: len(self.messages)] == self.messages

    def read(self, messages: Sequence[Message]) -> None:
        """Add what is new."""
        for given in messages[len(self.messages) :]:
            message = copied(given)
            self.messages.append(message)
            self.keys[id(message)] = freeze(message)
            self.grouping.add(message)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A view before its summary is known."""

    talk: _Talk
    cut: Cut
    system: int
    tools: int
    summary: str | None = None
    wanted: SummaryWanted | None = None


class MessageWindow:
    """Holds a conversation and shows the part of it that fits into `max_tokens`.

    System messages at the start, the first user turn (the task), the newest turn and what is pinned
    are kept; the newest turn and pins are kept even when they alone are too large, so that the
    caller hears of it.
    """

    def __init__(
        self,
        max_tokens: int,
        token_counter: Callable[[Any], float] = count_tokens,
        drop_strategy: DropStrategy = "oldest",
        *,
        low_water: float = 0.6,
        keep_results: int = 3,
        pin_task: bool = True,
        pin_last: int = 0,
        summarise: Summarise | None = None,
        summary_tokens: int = 500,
        system: object = None,
        tools: object = None,
        listener: Listener | None = None,
    ) -> None:
        """Keep views within `max_tokens`; a cut goes down to `low_water` of them.

        Args:
            max_tokens: upper bound of a view, with `system` and `tools`.
            token_counter: counts one message; a counter of plain text does as well.
            drop_strategy: what goes first.
            low_water: share of the budget that is left full after a cut, 0 to 1.
            keep_results: newest tool exchanges whose results are never cleared.
            pin_task: keep the first user turn while it is at most half of what remains.
            pin_last: keep this many of the newest messages while there is room for them.
            summarise: for the strategy `summarise`: turns dropped messages into a note. It is
                called once for each cut, with the note so far as the first message; when it fails
                the turn goes on without a note. An async one needs `atrim`.
            summary_tokens: most tokens of the note, at most a quarter of the budget.
            system: system prompt that is sent beside the messages.
            tools: tool definitions that are sent beside the messages.
            listener: told of every cut.
        """
        if not max_tokens > 0:
            raise ValueError(f"max_tokens must be positive, not {max_tokens!r}")
        if drop_strategy not in get_args(DropStrategy):
            known = ", ".join(get_args(DropStrategy))
            raise ValueError(f"drop_strategy must be one of {known}, not {drop_strategy!r}")
        if not 0 < low_water <= 1:
            raise ValueError(f"low_water must be above 0 and at most 1, not {low_water!r}")
        for name, value in (("keep_results", keep_results), ("pin_last", pin_last)):
            if value < 0:
                raise ValueError(f"{name} must not be negative, not {value!r}")
        if not summary_tokens > 0:
            raise ValueError(f"summary_tokens must be positive, not {summary_tokens!r}")
        if (drop_strategy == "summarise") != (summarise is not None):
            raise ValueError(
                "drop_strategy='summarise' and a `summarise` hook go together, not one alone"
            )
        self._max_tokens = max_tokens
        self._strategy: DropStrategy = drop_strategy
        self._low_water = low_water
        self._keep_results = keep_results
        self._pin_task = pin_task
        self._pin_last = pin_last
        self._summary_tokens = summary_tokens
        self._system = system
        self._tools = tools
        self._listener = listener
        self._count = Counts(token_counter)
        self._summaries = None if summarise is None else Summaries(summarise, self._count, listener)
        self._lock = own_lock(self)
        self._log: list[dict[str, Any]] = []
        self._marks: dict[int, float] = {}
        self._talk: _Talk | None = None
        self._shown: list[object] = []
        self._report = TrimReport(budget=max_tokens, tokens_before=0, tokens_after=0)

    @property
    def report(self) -> TrimReport:
        """What the last `as_messages` or `trim` did."""
        return self._report

    def __len__(self) -> int:
        return len(self._log)

    def clear(self) -> None:
        """Forget the conversation; counts of known messages stay cached."""
        with self._lock:
            self._log, self._marks = [], {}

    def push(
        self,
        role: str,
        content: object = None,
        *,
        pinned: bool = False,
        priority: float = 0.0,
        **fields: object,
    ) -> None:
        """Append one message; `fields` are its other keys, such as `tool_calls` or `parts`.

        Args:
            role: who speaks.
            content: what is said; it is copied, so that changing it later changes nothing here.
            pinned: the message is never dropped, nor what belongs to it.
            priority: for the strategy `priority`: the lowest go first.
            fields: the other keys of the message.
        """
        body = {} if content is None and "parts" in fields else {"content": content}
        message = copied({"role": role, **body, **fields})
        mark = _mark(priority, pinned=pinned)
        with self._lock:
            if mark:
                self._marks[len(self._log)] = mark
            self._log.append(message)

    def as_messages(self) -> list[dict[str, Any]]:
        """Return the view that fits, ready to be sent."""
        return self._ask(self._plan_log())

    async def aas_messages(self) -> list[dict[str, Any]]:
        """Return the view that fits, with an async `summarise` hook."""
        return await self._aask(self._plan_log())

    def as_turns(self) -> list[dict[str, Any]]:
        """Return the full log: nothing that was trimmed from the view is missing."""
        with self._lock:
            log = list(self._log)
        return [copied(message) for message in log]

    def trim(
        self,
        messages: Sequence[object],
        *,
        system: object = None,
        tools: object = None,
        pinned: Collection[int] = (),
        priorities: Mapping[int, float] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the view of a plain list of messages, in the shape they came in.

        Args:
            messages: the whole conversation.
            system: system prompt beside the messages, in place of the window's.
            tools: tool definitions, in place of the window's.
            pinned: positions of messages that are never dropped.
            priorities: for the strategy `priority`: priorities of positions, 0 for the others.

        Raises:
            TypeError: something in the list is not a message.
            ValueError: a position is not one of the list.
        """
        return self._ask(self._plan_list(messages, system, tools, pinned, priorities))

    async def atrim(
        self,
        messages: Sequence[object],
        *,
        system: object = None,
        tools: object = None,
        pinned: Collection[int] = (),
        priorities: Mapping[int, float] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the view of a plain list of messages, with an async `summarise` hook.

        Raises:
            TypeError: something in the list is not a message.
            ValueError: a position is not one of the list.
        """
        return await self._aask(self._plan_list(messages, system, tools, pinned, priorities))

    def _plan_log(self) -> _Plan:
        with self._lock:
            log: list[Message] = list(self._log)
            marks = dict(self._marks)
        return self._plan(log, marks, self._system, self._tools)

    def _plan_list(
        self,
        messages: Sequence[object],
        system: object,
        tools: object,
        pinned: Collection[int],
        priorities: Mapping[int, float] | None,
    ) -> _Plan:
        read = [_message(at, message) for at, message in enumerate(messages)]
        marks = {at: mark for at, value in (priorities or {}).items() if (mark := _mark(value))}
        marks |= dict.fromkeys(pinned, math.inf)
        if strange := [at for at in (*(priorities or ()), *pinned) if not 0 <= at < len(read)]:
            raise ValueError(f"there are {len(read)} messages, none of them at {strange}")
        return self._plan(
            read,
            marks,
            self._system if system is None else system,
            self._tools if tools is None else tools,
        )

    def _plan(
        self,
        messages: list[Message],
        marks: dict[int, float],
        system: object,
        tools: object,
    ) -> _Plan:
        again = self._count.refresh()
        beside = self._count.beside(system), self._count.beside(tools)
        budget = max(0, self._max_tokens - sum(beside))
        with self._lock:
            talk, self._talk = self._talk, None  # nobody else goes on with it meanwhile
        if talk is None or again or not talk.begins(messages):
            talk = _Talk()
        known = len(talk.messages)
        talk.read(messages)
        cut = talk.cut
        if cut is None or cut.budget != budget or not _same(cut.pinned, marks, known):
            cut = talk.cut = Cut(self._rules(budget, talk), budget=budget, pinned=marks)
        cut.pinned = marks
        grouping = talk.grouping
        cut.replay(grouping.units, grouping.settled, prefilled=grouping.prefilled)
        if self._summaries is None or not cut.digests:
            return _Plan(talk, cut, *beside)
        summary = self._summaries.known(cut.digests[-1][0])
        if summary is not None:
            return _Plan(talk, cut, *beside, summary)
        dropped = [grouping.units[at].messages for at in cut.dropped]
        wanted = self._summaries.wanted(cut.digests, dropped)
        return _Plan(talk, cut, *beside, wanted=wanted)

    def _rules(self, budget: int, talk: _Talk) -> Rules:
        keys = talk.keys

        def measure(unit: Unit) -> int:
            unit.keys = tuple(keys.get(id(m)) or freeze(m) for m in unit.messages)
            return sum(map(self._count, unit.messages, unit.keys))

        like = talk.messages[0] if talk.messages else {}
        return Rules(
            count=self._count,
            measure=measure,
            strategy=self._strategy,
            low_water=self._low_water,
            keep_results=self._keep_results,
            pin_task=self._pin_task,
            pin_last=self._pin_last,
            note=self._count(text_message("user", NOT_SHOWN, like=like)),
            summary=0 if self._summaries is None else self._most(budget),
        )

    def _most(self, budget: int) -> int:
        return min(self._summary_tokens, budget // 4)

    def _ask(self, plan: _Plan) -> list[dict[str, Any]]:
        if plan.wanted is None or self._summaries is None:
            return self._show(plan, plan.summary or "")
        return self._show(plan, self._summaries.ask(plan.wanted, self._most(plan.cut.budget)))

    async def _aask(self, plan: _Plan) -> list[dict[str, Any]]:
        if plan.wanted is None or self._summaries is None:
            return self._show(plan, plan.summary or "")
        most = self._most(plan.cut.budget)
        return self._show(plan, await self._summaries.aask(plan.wanted, most))

    def _show(self, plan: _Plan, summary: str) -> list[dict[str, Any]]:
        cut = plan.cut
        view = cut.view(summary)
        if summary and self._tokens(cut, view) > cut.budget:
            summary, view = "", cut.view()  # what must stay is too large; that is worse with it
        if not view.messages and plan.talk.messages:
            view.add(text_message("user", GO_ON, like=plan.talk.messages[-1]))
        dropped, ids = cut.gone
        with self._lock:
            before, self._shown = self._shown, view.keys
        same = zip(before, view.keys, strict=False)
        shorter = min(len(before), len(view.keys))
        report = self._report = TrimReport(
            budget=cut.budget,
            tokens_before=cut.tokens_before,
            tokens_after=self._tokens(cut, view),
            system=plan.system,
            tools=plan.tools,
            dropped=dropped,
            dropped_ids=ids,
            cleared=cut.cleared(),
            summarised=len(dropped) if summary else 0,
            repairs=plan.talk.grouping.repairs,
            prefix_kept=next((at for at, (a, b) in enumerate(same) if a != b), shorter),
        )
        with self._lock:
            self._talk = plan.talk
        if report.dropped or report.cleared:
            emit(
                self._listener,
                "trimmed",
                "window",
                dropped=len(report.dropped),
                cleared=len(report.cleared),
                tokens=report.tokens_after,
                fits=report.fits,
            )
        return [copied(message) for message in view.messages]

    def _tokens(self, cut: Cut, view: View) -> int:
        return cut.total + sum(map(self._count, view.notes))


def _message(at: int, given: object) -> Message:
    message = as_mapping(given)
    if message is None:
        raise TypeError(f"message {at} is a {type(given).__name__}, not a mapping")
    return message


def _mark(priority: float, *, pinned: bool = False) -> float:
    if math.isnan(priority) or math.isinf(priority):
        raise ValueError(f"a priority must be a finite number, not {priority!r}")
    return math.inf if pinned else priority


def _same(before: Mapping[int, float], now: Mapping[int, float], known: int) -> bool:
    """Tell whether the first `known` positions have the marks that they had."""
    if before == now:
        return True
    return {at: mark for at, mark in now.items() if at < known} == {
        at: mark for at, mark in before.items() if at < known
    }
