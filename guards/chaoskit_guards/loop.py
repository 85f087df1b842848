"""Notices that an agent goes in circles, and says so in words that the model can act on."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from chaoskit_guards.canonical import VOLATILE, call_key, outcome, plain_name, result_key, words
from chaoskit_guards.errors import LoopDetectedError
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.toolbook import Toolbook, shown

__all__ = ["LoopAdvice", "LoopGuard"]

Level = Literal["ok", "hint", "block", "stop"]

_UNKNOWN = object()
_VERSION = 1
_CONTENT = 200
"""Characters from which a result is something that was found rather than an acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopAdvice:
    """What the guard thinks of one call.

    Attributes:
        level: `ok`; `hint`, tell the model; `block`, do not run the tool and tell the model;
            `stop`, end the run.
        kind: `repeat`, `cycle`, `rephrased`, `fruitless`, `unchanged`, `failing`, `missing` or
            `limit`; empty when all is well.
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
    words: frozenset[int] = frozenset()
    advice: LoopAdvice = _FINE

    def bring(self, args: object, result: object, *, error: bool) -> None:
        """Add what the call brought; its words only matter when that may be nothing new."""
        self.result = result_key(result)
        self.outcome = "error" if error else outcome(result)
        if self.outcome == "value" and _long(result):
            self.outcome = "content"
        if self.outcome != "value":
            self.words = words(args)


def _long(result: object) -> bool:
    return len(result if isinstance(result, str) else repr(result)) >= _CONTENT


class LoopGuard:
    """Watches the calls of one run.

    The same call is fine `max_repeats` times within the last `window_size` calls and any number of
    times while its results change (polling). Cycles of several calls, rephrased calls that keep
    finding nothing or the same, a tool that keeps failing, and tools that do not exist are loops
    as well. What is remembered is bounded.
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
        max_calls: int | None = None,
        max_calls_per_tool: Mapping[str, int] | None = None,
        tools: Iterable[str | Mapping[str, Any]] | None = None,
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
            per_tool: another `max_repeats` for some tools, such as one that is meant to be polled.
            max_calls: how many calls a run may make at all.
            max_calls_per_tool: how many calls of some tools a run may make.
            tools: names or definitions of the tools that there are: calls of others are noticed,
                and arguments are compared as their schemas mean them (defaults, types).
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
        self._ignore = VOLATILE | frozenset(map(plain_name, ignore))
        self._per_tool = dict(per_tool or {})
        self._max_calls = math.inf if max_calls is None else max_calls
        self._max_calls_per_tool = dict(max_calls_per_tool or {})
        limits = [*self._per_tool.items(), *self._max_calls_per_tool.items()]
        if max_calls is not None:
            limits.append(("max_calls", max_calls))
        for name, limit in limits:
            if limit < 1:
                raise ValueError(f"the limit {name} must be at least 1, not {limit!r}")
        self._tools = None if tools is None else Toolbook(tools)
        self._listener = listener
        self._lock = own_lock(self)
        most = max([max_repeats, *self._per_tool.values()])
        self._calls: deque[_Call] = deque(
            maxlen=max(self._window, max_period * most + 1, 2 * most + 1)
        )
        self._blocked = 0
        self._made = 0
        self._made_of: dict[str, int] = {}

    def know(self, tools: Iterable[str | Mapping[str, Any]]) -> None:
        """Tell which tools there are, where `tools=` has not.

        Raises:
            ValueError: a definition has no name.
        """
        if self._tools is None:
            self._tools = Toolbook(tools)

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
        call = self._call(name, args, turn)
        if result is not _UNKNOWN:
            call.bring(args, result, error=error)
        with self._lock:
            twin = self._twin(call)
            advice = self._judge(call, args) if twin is None else twin.advice
            if twin is None:
                advice = call.advice = self._note(call, advice)
        if advice.level == "ok":
            return advice
        tool = shown(name)
        emit(self._listener, advice.level, "loop", tool=tool, kind=advice.kind, count=advice.count)
        if self._raises and advice.level != "hint":
            raise LoopDetectedError(
                advice.message, tool=tool, kind=advice.kind, level=advice.level, count=advice.count
            )
        return advice

    def peek(self, name: str, args: object = None, *, turn: object = None) -> LoopAdvice:
        """Say what `record` would say, without noting the call or raising."""
        call = self._call(name, args, turn)
        with self._lock:
            twin = self._twin(call)
            advice = self._judge(call, args) if twin is None else twin.advice
            if twin is None and advice.level == "block" and self._blocked >= self._patience:
                return replace(advice, level="stop")
            return advice

    def observe(
        self, name: str, args: object = None, result: object = None, *, error: bool = False
    ) -> None:
        """Bring the result of a call that was recorded before it ran."""
        done = self._call(name, args, None)
        done.bring(args, result, error=error)
        with self._lock:
            for call in reversed(self._calls):
                if call.key == done.key and call.result is None:
                    call.result, call.outcome, call.words = done.result, done.outcome, done.words
                    return

    def reset(self) -> None:
        """Forget everything; the next run starts fresh."""
        with self._lock:
            self._calls.clear()
            self._blocked = self._made = 0
            self._made_of.clear()

    def __len__(self) -> int:
        """Return how many calls are remembered."""
        return len(self._calls)

    def snapshot(self) -> dict[str, Any]:
        """Return what is remembered as JSON can hold it: digests, and hashes of words."""
        with self._lock:
            return {
                "version": _VERSION,
                "blocked": self._blocked,
                "made": self._made,
                "made_of": dict(self._made_of),
                "calls": [
                    {
                        "tool": call.tool,
                        "key": call.key.hex(),
                        "result": None if call.result is None else call.result.hex(),
                        "outcome": call.outcome,
                        "words": sorted(call.words),
                    }
                    for call in self._calls
                ],
            }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on where a snapshot was taken, in this process or another.

        Raises:
            ValueError: the snapshot is not one of this version.
        """
        if snapshot.get("version") != _VERSION:
            raise ValueError(f"this is no snapshot of version {_VERSION}: {sorted(snapshot)}")
        calls = [
            _Call(
                one["tool"],
                bytes.fromhex(one["key"]),
                result=None if one["result"] is None else bytes.fromhex(one["result"]),
                outcome=one["outcome"],
                words=frozenset(one["words"]),
            )
            for one in snapshot["calls"]
        ]
        with self._lock:
            self._calls.clear()
            self._calls.extend(calls)
            self._blocked, self._made = snapshot["blocked"], snapshot["made"]
            self._made_of = dict(snapshot["made_of"])

    def _call(self, name: str, args: object, turn: object) -> _Call:
        if self._tools is not None:
            args = self._tools.plain(name, args)
        return _Call(name, call_key(name, args, self._ignore), turn)

    def _twin(self, call: _Call) -> _Call | None:
        """Return the same call of the same turn: what a model asks twice at once it asks once."""
        if call.turn is None:
            return None
        return next((c for c in self._calls if c.turn == call.turn and c.key == call.key), None)

    def _note(self, call: _Call, advice: LoopAdvice) -> LoopAdvice:
        self._calls.append(call)
        if advice.level == "block":
            self._blocked += 1
            return replace(advice, level="stop") if self._blocked > self._patience else advice
        self._made += 1
        if call.tool in self._max_calls_per_tool:
            self._made_of[call.tool] = self._made_of.get(call.tool, 0) + 1
        if advice.level == "ok":
            self._blocked = 0
        return advice

    def _judge(self, call: _Call, args: object) -> LoopAdvice:
        made = self._made_of.get(call.tool, 0)
        if self._made >= self._max_calls:
            return _advice("block", "limit", "", self._made + 1)
        if made >= self._max_calls_per_tool.get(call.tool, math.inf):
            return _advice("block", "limit", call.tool, made + 1)
        limit = self._per_tool.get(call.tool, self._max_repeats)
        if self._tools is not None and not self._tools.knows(call.tool):
            return self._missing(call, limit, self._tools)
        count = self._same(call, limit)
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

    def _missing(self, call: _Call, limit: int, tools: Toolbook) -> LoopAdvice:
        count = 1 + sum(not tools.knows(earlier.tool) for earlier in self._calls)
        advice = _advice("block" if count > limit else "hint", "missing", call.tool, count)
        return replace(advice, message=tools.advice(call.tool) + advice.message)

    def _same(self, call: _Call, limit: int) -> int:
        """Return how often this call was made without a new result, this time included."""
        tally: dict[bytes | None, int] = {}
        for earlier in islice(reversed(self._calls), max(self._window - 1, limit)):
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
        """Return whether this tool keeps bringing nothing or the same, however it is asked."""
        bad: list[_Call] = []
        for earlier in reversed(self._calls):
            if not earlier.outcome or earlier.tool != call.tool:
                continue
            if earlier.outcome == "value" or (bad and not _as_bad(earlier, bad[0])):
                break
            bad.append(earlier)
        if len(bad) < limit or (call.outcome and not _as_bad(call, bad[0])):
            return "", 0
        asked = call.words or words(args)
        share = self._similarity
        alike = sum(
            [
                len(asked & w) >= share * min(len(asked), len(w)) if asked and w else asked == w
                for w in [earlier.words for earlier in bad]
            ]
        )
        if bad[0].outcome == "error":
            same = sum(earlier.result == bad[0].result for earlier in bad)
            return ("failing", max(alike, same) + 1) if max(alike, same) >= limit else ("", 0)
        if bad[0].outcome == "content":
            many = len({earlier.key for earlier in bad}) > 1  # one question is `repeat`'s affair
            enough = alike >= limit or len(bad) >= 2 * limit
            return ("unchanged", len(bad) + 1) if many and enough else ("", 0)
        if alike >= limit:
            return "rephrased", alike + 1
        return ("fruitless", len(bad) + 1) if len(bad) >= 2 * limit else ("", 0)


def _as_bad(one: _Call, other: _Call) -> bool:
    """Tell whether two calls brought nothing new in the same way."""
    if one.outcome != other.outcome:
        return False
    return one.outcome != "content" or one.result == other.result


_TEXT = {
    "repeat": "{tool} was called {count} times with the same arguments and brings nothing new.",
    "cycle": "The same {period} calls, now {tool} again, are being repeated in a circle.",
    "rephrased": "{tool} was asked {count} times in other words and found nothing each time.",
    "fruitless": "{tool} was asked {count} times and found nothing each time.",
    "unchanged": "{tool} was asked {count} times in other words and said the same each time.",
    "missing": " {count} calls went to tools that do not exist.",
    "limit": "This would be call {count} of {tool}, which is more than a run may make.",
    "failing": "{tool} was called {count} times and failed the same way each time.",
}
_ADVICE = (
    " Do not repeat it. Change the approach: another tool or a really different question; "
    "or answer with what you have and say what could not be found."
)


def _advice(level: Level, kind: str, tool: str, count: int, period: int = 0) -> LoopAdvice:
    text = (
        _TEXT[kind].format(tool=shown(tool) if tool else "the tools", count=count, period=period)
        + _ADVICE
    )
    return LoopAdvice(level=level, kind=kind, count=count, message=text)
