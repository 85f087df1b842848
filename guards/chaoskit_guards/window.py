"""The part of a conversation that fits: always a valid request, with a prefix that stays the same.

Trimming is a pure function of the conversation. It replays the history with two water marks: only
when the view grows past `max_tokens` it is cut, down to the low mark, and the cut stays where it
is until the view is full again. So the provider's prompt cache keeps hitting, in every process and
without any state, while the full log is never lost.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from chaoskit_guards.cut import NOT_SHOWN, Cut, DropStrategy
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.shapes import freeze, plain_text
from chaoskit_guards.tokens import TokenCounter, count_tokens
from chaoskit_guards.turns import Message, group

__all__ = ["NOT_SHOWN", "DropStrategy", "MessageWindow", "TrimReport"]

_CACHED_COUNTS = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimReport:
    """What trimming did to one conversation.

    Attributes:
        budget: tokens that the messages may take, system prompt and tools already deducted.
        tokens_before: tokens of the repaired conversation before anything was dropped.
        tokens_after: tokens of the view.
        dropped: positions of the messages that are not in the view.
        cleared: positions of the messages whose tool results were emptied.
        repairs: what was wrong with the conversation as it came in.
        prefix_kept: how many leading messages equal those of the view before.
    """

    budget: int
    tokens_before: int
    tokens_after: int
    dropped: tuple[int, ...] = ()
    cleared: tuple[int, ...] = ()
    repairs: tuple[str, ...] = ()
    prefix_kept: int = 0

    @property
    def fits(self) -> bool:
        """Whether the view is within the budget; false when what must be kept is too large."""
        return self.tokens_after <= self.budget


class MessageWindow:
    """Holds a conversation and shows the part of it that fits into `max_tokens`.

    System messages at the start, the first user turn (the task) and the newest turn are kept; the
    newest turn is kept even when it alone is too large, so that the caller hears of it.
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
        if keep_results < 0:
            raise ValueError(f"keep_results must not be negative, not {keep_results!r}")
        self._max_tokens = max_tokens
        self._strategy: DropStrategy = drop_strategy
        self._low_water = low_water
        self._keep_results = keep_results
        self._pin_task = pin_task
        self._system = system
        self._tools = tools
        self._listener = listener
        self._counter = _message_counter(token_counter)
        self._lock = threading.Lock()
        self._counts: dict[object, int] = {}
        self._log: list[dict[str, Any]] = []
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
            self._log = []

    def push(self, role: str, content: object, **fields: object) -> None:
        """Append one message; `fields` are its other keys, such as `tool_calls`."""
        with self._lock:
            self._log.append({"role": role, "content": content, **fields})

    def as_messages(self) -> list[dict[str, Any]]:
        """Return the view that fits, ready to be sent."""
        with self._lock:
            log = list(self._log)
        return self.trim(log)

    def as_turns(self) -> list[dict[str, Any]]:
        """Return the full log: nothing that was trimmed from the view is missing."""
        with self._lock:
            return [dict(message) for message in self._log]

    def trim(
        self, messages: Sequence[object], *, system: object = None, tools: object = None
    ) -> list[dict[str, Any]]:
        """Return the view of a plain list of messages, in the shape they came in.

        Raises:
            TypeError: something in the list is not a message.
        """
        beside = self._beside(self._system if system is None else system)
        beside += self._beside(self._tools if tools is None else tools)
        budget = max(0, self._max_tokens - beside)
        units, repairs = group(messages)
        cut = Cut(
            units,
            budget=budget,
            count=self._count,
            strategy=self._strategy,
            low_water=self._low_water,
            keep_results=self._keep_results,
            pin_task=self._pin_task,
        ).replay()
        view = [dict(message) for message in cut.view()]
        frozen = [freeze(message) for message in view]
        with self._lock:
            before, self._shown = self._shown, frozen
        same = zip(before, frozen, strict=False)
        shorter = min(len(before), len(frozen))
        report = self._report = TrimReport(
            budget=budget,
            tokens_before=sum(cut.sizes),
            tokens_after=sum(map(self._count, view, frozen)),
            dropped=cut.dropped(),
            cleared=cut.cleared(),
            repairs=repairs,
            prefix_kept=next((at for at, (a, b) in enumerate(same) if a != b), shorter),
        )
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
        return view

    def _beside(self, value: object) -> int:
        if not value:
            return 0
        return self._count({"content": value})

    def _count(self, message: Message, frozen: object = None) -> int:
        key = freeze(message) if frozen is None else frozen
        known = self._counts.get(key)
        if known is None:
            known = self._counter(message)
            if len(self._counts) >= _CACHED_COUNTS:
                self._counts.clear()
            self._counts[key] = known
        return known


def _message_counter(counter: Callable[[Any], float]) -> Callable[[Message], int]:
    """Return a counter of messages, whatever `counter` itself wants: text, a message or a list."""
    exact = isinstance(counter, TokenCounter)

    def count(message: Message) -> int:
        content = message.get("content")
        alone = isinstance(content, str) and not (message.keys() - {"role", "content"})
        text = str(content) if alone else plain_text(message)
        forms: list[object] = [text, message, [message]]
        if exact:
            forms = [message if "role" in message or "type" in message else content]
        failure: Exception | None = None
        for form in forms:
            try:
                value = counter(form)
            except (TypeError, KeyError, AttributeError, IndexError) as error:
                failure = failure or error
                continue
            if not 0 <= value < math.inf:
                raise ValueError(f"the token counter says {value!r}, which is not a count")
            return math.ceil(value)
        raise TypeError("the token counter accepts neither text nor messages") from failure

    return count
