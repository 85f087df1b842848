"""Notices that an agent goes in circles, and says so in words that the model can act on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from chaoskit_guards.canonical import VOLATILE, call_key, outcome, result_key, words
from chaoskit_guards.errors import LoopDetectedError
from chaoskit_guards.events import Listener, emit

__all__ = ["LoopAdvice", "LoopGuard"]

Level = Literal["ok", "hint", "block", "stop"]

_UNKNOWN = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopAdvice:
    """What the guard thinks of one call.

    Attributes:
        level: `ok`; `hint`, tell the model; `block`, do not run the tool and tell the model;
            `stop`, end the run.
        kind: `repeat`, `cycle`, `rephrased`, `fruitless` or `failing`; empty when all is well.
        count: how often it has happened, this call included.
        message: text for the model; empty when all is well.
    """

    level: Level = "ok"
    kind: str = ""
    count: int = 1
    message: str = ""


_FINE = LoopAdvice()


@dataclass(slots=True)
class _Call:
    tool: str
    key: bytes
    turn: object = None
    result: bytes | None = None
    outcome: str = ""
    words: frozenset[str] = frozenset()

    def bring(self, args: object, result: object, *, error: bool) -> None:
        """Add what the call brought; its words only matter when that is nothing."""
        self.result = result_key(result)
        self.outcome = "error" if error else outcome(result)
        if self.outcome != "value":
            self.words = words(args)


class LoopGuard:
    """Watches the calls of one run.

    The same call is fine `max_repeats` times within the last `window_size` calls and any number of
    times while its results change (polling). Cycles of several calls, rephrased calls that keep
    finding nothing, and a tool that keeps failing are loops as well.
    """

    def __init__(
        self,
        window_size: int = 8,
        max_repeats: int = 3,
        *,
        max_period: int = 4,
        similarity: float = 0.5,
        blocks_before_stop: int = 2,
        raises: bool = True,
        ignore: Collection[str] = (),
        per_tool: Mapping[str, int] | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Raise on the call after `max_repeats` fruitless ones.

        Args:
            window_size: how many calls back a repetition counts.
            max_repeats: how often the same call is fine.
            max_period: longest cycle of different calls that is looked for.
            similarity: share of words that makes two queries the same question.
            blocks_before_stop: calls that are blocked before the advice is to stop the run.
            raises: raise `LoopDetectedError` for `block` and `stop`; false returns the advice.
            ignore: further arguments that mean nothing, next to request ids and the like.
            per_tool: another `max_repeats` for some tools.
            listener: told of every hint, block and stop.
        """
        if window_size < 1 or max_repeats < 1 or max_period < 1:
            raise ValueError("window_size, max_repeats and max_period must be at least 1")
        self._window = max(window_size, max_repeats + 1)
        self._max_repeats = max_repeats
        self._max_period = max_period
        self._similarity = similarity
        self._patience = blocks_before_stop
        self._raises = raises
        self._ignore = VOLATILE | frozenset(ignore)
        self._per_tool = dict(per_tool or {})
        self._listener = listener
        self._lock = threading.Lock()
        most = max([max_repeats, *self._per_tool.values()])
        self._calls: deque[_Call] = deque(
            maxlen=max(self._window, max_period * most + 1, 2 * most + 1)
        )
        self._blocked = 0

    def record(
        self,
        name: str,
        args: object = None,
        result: object = _UNKNOWN,
        *,
        turn: object = None,
        error: bool = False,
    ) -> LoopAdvice:
        """Note one call, before it runs or with its result, and say what to do.

        Args:
            name: the tool, whether it exists or not.
            args: its arguments, as a mapping or as the JSON text that the model wrote.
            result: what it returned, if it ran already; `observe` can bring it later.
            turn: number of the model's turn: identical calls within one turn count once.
            error: the result is an error.

        Raises:
            LoopDetectedError: the call goes in circles and should not run.
        """
        call = _Call(name, call_key(name, args, self._ignore), turn)
        if result is not _UNKNOWN:
            call.bring(args, result, error=error)
        with self._lock:
            if turn is not None and any(c.turn == turn and c.key == call.key for c in self._calls):
                return _FINE
            advice = self._judge(call, args)
            self._calls.append(call)
            if advice.level == "block":
                self._blocked += 1
                if self._blocked > self._patience:
                    advice = LoopAdvice(
                        level="stop",
                        kind=advice.kind,
                        count=advice.count,
                        message=advice.message,
                    )
            elif advice.level == "ok":
                self._blocked = 0
        if advice.level == "ok":
            return advice
        emit(self._listener, advice.level, "loop", tool=name, kind=advice.kind, count=advice.count)
        if self._raises and advice.level != "hint":
            raise LoopDetectedError(
                advice.message, tool=name, kind=advice.kind, level=advice.level, count=advice.count
            )
        return advice

    def observe(self, name: str, args: object, result: object, *, error: bool = False) -> None:
        """Bring the result of a call that was recorded before it ran."""
        key = call_key(name, args, self._ignore)
        with self._lock:
            for call in reversed(self._calls):
                if call.key == key and call.result is None:
                    call.bring(args, result, error=error)
                    return

    def reset(self) -> None:
        """Forget everything; the next run starts fresh."""
        with self._lock:
            self._calls.clear()
            self._blocked = 0

    def _judge(self, call: _Call, args: object) -> LoopAdvice:
        limit = self._per_tool.get(call.tool, self._max_repeats)
        count = self._same(call)
        if count > limit:
            return _advice("block", "repeat", call.tool, count)
        rounds, period = self._rounds(call, limit)
        if rounds > limit:
            return _advice("block", "cycle", call.tool, rounds, period)
        kind, fruitless = self._fruitless(call, args, limit)
        if kind:
            return _advice("block", kind, call.tool, fruitless)
        if count == limit > 1:
            return _advice("hint", "repeat", call.tool, count)
        return _FINE

    def _same(self, call: _Call) -> int:
        """Return how often this call was made without a new result, this time included."""
        tally: dict[bytes | None, int] = {}
        for earlier in islice(reversed(self._calls), self._window - 1):
            if earlier.key == call.key:
                tally[earlier.result] = tally.get(earlier.result, 0) + 1
        if not tally:
            return 1
        if call.result is not None:
            return 1 + tally.get(call.result, 0) + tally.get(None, 0)
        unknown = tally.pop(None, 0)
        return 1 + unknown + max(tally.values(), default=0)

    def _rounds(self, call: _Call, limit: int) -> tuple[int, int]:
        """Return how many rounds of a cycle have begun, and its length."""
        known = len(self._calls)
        for period in range(2, self._max_period + 1):
            needed = period * limit + 1
            if known < needed - 1:
                break
            if self._calls[-period].key != call.key or self._calls[-1].key == call.key:
                continue
            tail = [*islice(self._calls, known - needed + 1, None), call]
            if all(
                a.key == b.key and (a.result == b.result or a.result is None or b.result is None)
                for a, b in zip(tail, tail[period:], strict=False)
            ):
                return limit + 1, period
        return 0, 0

    def _fruitless(self, call: _Call, args: object, limit: int) -> tuple[str, int]:
        """Return whether this tool keeps finding nothing or failing, however it is asked."""
        bad: list[_Call] = []
        for earlier in reversed(self._calls):
            if not earlier.outcome or earlier.tool != call.tool:
                continue
            if earlier.outcome == "value" or (bad and earlier.outcome != bad[0].outcome):
                break
            bad.append(earlier)
        if not bad:
            return "", 0
        if call.outcome and (call.outcome == "value" or bad[0].outcome != call.outcome):
            return "", 0
        asked = call.words or words(args)
        alike = sum(self._alike(asked, earlier.words) for earlier in bad)
        if bad[0].outcome == "error":
            same = sum(earlier.result == bad[0].result for earlier in bad)
            if max(alike, same) >= limit:
                return "failing", max(alike, same) + 1
        elif alike >= limit:
            return "rephrased", alike + 1
        elif len(bad) >= 2 * limit:
            return "fruitless", len(bad) + 1
        return "", 0

    def _alike(self, one: frozenset[str], other: frozenset[str]) -> bool:
        if not one or not other:
            return one == other
        return len(one & other) >= self._similarity * min(len(one), len(other))


_TEXT = {
    "repeat": "{tool} was called {count} times with the same arguments and brings nothing new.",
    "cycle": "The same {period} calls, now {tool} again, are being repeated in a circle.",
    "rephrased": "{tool} was asked {count} times in other words and found nothing each time.",
    "fruitless": "{tool} was asked {count} times and found nothing each time.",
    "failing": "{tool} was called {count} times and failed the same way each time.",
}
_ADVICE = (
    " Do not repeat it. Change the approach: another tool or a really different question; "
    "or answer with what you have and say what could not be found."
)


def _advice(level: Level, kind: str, tool: str, count: int, period: int = 0) -> LoopAdvice:
    text = _TEXT[kind].format(tool=tool, count=count, period=period) + _ADVICE
    return LoopAdvice(level=level, kind=kind, count=count, message=text)
