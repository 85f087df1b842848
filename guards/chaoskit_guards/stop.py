"""Whether a run should go on, asked before each step and never paid for twice."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from chaoskit_guards.conditions import Condition, Verdict, read
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.price import Price, cost
from chaoskit_guards.shapes import as_mapping

__all__ = ["RunContext", "StopDecision", "StopEvaluator"]

_log = logging.getLogger("chaoskit_guards")


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDecision:
    """Whether to stop, and why.

    Attributes:
        should_stop: end the run now.
        reason: why, fit for the user; empty when the run goes on.
        condition: the condition that decided; empty when the run goes on.
        soft: the end is near: ask the model for a final answer now.
        hint: what to tell the model when `soft`.
        steps_left: how many more steps until a cap is reached, at the rate so far.
        forecast: the same in words; empty where nothing can be said.
        evidence: the numbers behind the decision.
    """

    should_stop: bool
    reason: str = ""
    condition: str = ""
    soft: bool = False
    hint: str = ""
    steps_left: float = math.inf
    forecast: str = ""
    evidence: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        return self.should_stop


class StopEvaluator:
    """Asks all conditions; the first that says stop gives the reason."""

    def __init__(
        self,
        conditions: Sequence[Condition],
        *,
        soft_steps: float = 2,
        listener: Listener | None = None,
    ) -> None:
        """Combine `conditions`; `soft` begins when `soft_steps` more steps would reach a cap."""
        self._conditions = tuple(conditions)
        self._soft_steps = soft_steps
        self._listener = listener
        self._lock = own_lock(self)
        self._seen = (-1, 0.0, 0.0)
        self._still = 0

    def check(self, ctx: object) -> StopDecision:
        """Say whether the run should stop; asking twice changes nothing."""
        verdicts = [condition.judge(ctx) for condition in self._conditions]
        self._watch(ctx)
        stops = sorted((v for v in verdicts if v.stop), key=lambda verdict: verdict.broken)
        if stops:
            chosen = stops[0]
            emit(self._listener, "stop", "stop", condition=chosen.condition)
            return StopDecision(
                should_stop=True,
                reason=chosen.reason,
                condition=chosen.condition,
                steps_left=0.0,
                evidence=chosen.evidence,
            )
        near = min(verdicts, key=_steps_left, default=Verdict(stop=False))
        left = _steps_left(near)
        forecast = ""
        if left < math.inf:
            forecast = (
                f"at this rate {near.condition} ends the run in about {left:.0f} more step(s)"
            )
        if not left <= self._soft_steps:
            return StopDecision(should_stop=False, steps_left=left, forecast=forecast)
        emit(self._listener, "soft_stop", "stop", condition=near.condition)
        return StopDecision(
            should_stop=False,
            condition=near.condition,
            soft=True,
            hint=(
                "This run is about to end. Do not start anything new: "
                "give your final answer now and say what is missing."
            ),
            steps_left=left,
            forecast=forecast,
            evidence=near.evidence,
        )

    def _watch(self, ctx: object) -> None:
        """Warn once when results keep coming in and the counters stand still."""
        results = read(ctx, "last_tool_results")
        iters, cost = read(ctx, "iters"), read(ctx, "cost_usd")
        if not isinstance(results, Sequence) or not isinstance(iters, (int, float)):
            return
        spent = cost if isinstance(cost, (int, float)) else 0.0
        with self._lock:
            count, before, paid = self._seen
            if len(results) < count:
                self._still = 0  # another run
            elif len(results) == count:
                return
            self._seen = (len(results), iters, spent)
            still = iters == before and spent == paid and 0 <= count < len(results)
            self._still = self._still + 1 if still else 0
            if self._still != 3:
                return
        _log.warning(
            "%d tool results came in while `iters` stayed %s and `cost_usd` %s: nothing counts "
            "them, so these caps cannot end the run; use RunContext or count in your loop",
            len(results),
            iters,
            cost,
        )
        emit(self._listener, "counters_stand_still", "stop", iters=iters)


def _steps_left(verdict: Verdict) -> float:
    return verdict.left if verdict.used > 0 else math.inf


class RunContext:
    """The context of one run, which counts by itself.

    Reads like a dictionary (`ctx["iters"]`) and like an object (`ctx.iters`).
    """

    def __init__(
        self,
        *,
        price: Price | None = None,
        keep: int = 64,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Count one run.

        Args:
            price: gives the USD of a call from its model and usage; None where it is unknown.
            keep: how many tool results and answers are kept.
            clock: seconds that only go forward.
        """
        self._price = price
        self._keep = keep
        self._lock = own_lock(self)
        self.iters = 0
        self.cost_usd = 0.0
        self.tokens = 0
        self.errors_in_a_row = 0
        self.next_cost_usd = 0.0
        self.next_tokens = 0
        self.started = (clock or time.monotonic)()
        self.last_tool_results: deque[object] = deque(maxlen=keep)
        self.last_answers: deque[str] = deque(maxlen=keep)

    def __getitem__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.__dict__:
            raise KeyError(name)
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.__dict__ if not name.startswith("_"))

    def expect(self, *, usd: float = 0.0, tokens: int = 0) -> None:
        """Say what the next step will cost at most, so that a cap holds before it is paid."""
        with self._lock:
            self.next_cost_usd, self.next_tokens = usd, tokens

    def record_response(self, response: object, *, usd: float | None = None) -> None:
        """Count one answer of the model: a step, its tokens and its price.

        Without `usd` and without a price function the money stays as it is; a price function that
        does not know the model makes it unknown, which ends a run with a cap on money.
        """
        body = as_mapping(response) or {}
        usage = as_mapping(body.get("usage")) or {}
        names = ("input_tokens", "output_tokens", "prompt_tokens", "completion_tokens")
        cached = ("cache_read_input_tokens", "cache_creation_input_tokens")
        used = sum(int(usage.get(name) or 0) for name in (*names, *cached))
        if usd is None and self._price is not None:
            known = cost(self._price, str(body.get("model", "")), usage)
            usd = math.nan if known is None else known
        texts = [
            str(block["text"])
            for item in body.get("content") or ()
            if (block := as_mapping(item)) is not None and block.get("text")
        ]
        with self._lock:
            self.iters += 1
            self.next_cost_usd, self.next_tokens = 0.0, 0
            self.tokens += used
            self.cost_usd += usd or 0.0
            if texts:
                self.last_answers.append("\n".join(texts))

    def record_tool(self, result: object, *, error: bool = False) -> None:
        """Count one result of a tool."""
        with self._lock:
            self.last_tool_results.append(result)
            self.errors_in_a_row = self.errors_in_a_row + 1 if error else 0
