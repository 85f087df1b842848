"""When a run should end: small conditions that combine with `&`, `|` and `~`.

A condition reads a context and remembers nothing, so that looking twice changes nothing and one
run leaves nothing behind for the next. A number that is missing or is not a number ends the run:
a cap that cannot be checked is no cap.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Protocol, TypeGuard

from chaoskit_guards.similarity import overlap, shingles

__all__ = [
    "AllOf",
    "AnyOf",
    "Condition",
    "ErrorStreak",
    "MaxIters",
    "MaxSeconds",
    "MaxTokens",
    "MaxUsd",
    "NoProgress",
    "Not",
    "SameAnswer",
    "Verdict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one condition says.

    Attributes:
        stop: the run should end.
        reason: why, for people and for the model.
        condition: name of the condition.
        broken: the condition could not be judged, which is a reason to stop by itself.
        used: share of the cap that is used up, where there is one.
        left: how many more steps at this rate, where that can be said.
        evidence: the numbers behind it.
    """

    stop: bool
    reason: str = ""
    condition: str = ""
    broken: bool = False
    used: float = 0.0
    left: float = math.inf
    evidence: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


class Condition(Protocol):
    """Looks at the context of a run."""

    def judge(self, ctx: object) -> Verdict:
        """Say whether the run should end."""
        ...


_MISSING = object()
_HUGE = 1e150
"""More than any amount; sums and products of two of them are still numbers."""


def read(ctx: object, name: str) -> object:
    """Return a value of the context, which may be a mapping or an object."""
    if isinstance(ctx, Mapping):
        return ctx.get(name, _MISSING)
    getter = getattr(ctx, "__getitem__", None)
    if getter is not None:
        try:
            return getter(name)
        except (KeyError, IndexError, TypeError):
            return getattr(ctx, name, _MISSING)
    return getattr(ctx, name, _MISSING)


def _broken(condition: str, ctx: object, name: str, value: object) -> Verdict:
    if value is _MISSING:
        names = [str(key) for key in ctx] if isinstance(ctx, Mapping) else list(vars(type(ctx)))
        close = get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        reason = f"{condition} cannot be checked: the context has no {name!r}{hint}"
    else:
        reason = f"{condition} cannot be checked: {name!r} is {value!r}"
    return Verdict(stop=True, broken=True, reason=reason, condition=condition)


class Combinable:
    """Gives conditions their operators."""

    def __or__(self, other: Condition) -> AnyOf:
        return AnyOf(self, other)  # type: ignore[arg-type]  # every subclass here has `judge`

    def __and__(self, other: Condition) -> AllOf:
        return AllOf(self, other)  # type: ignore[arg-type]  # every subclass here has `judge`

    def __invert__(self) -> Not:
        return Not(self)  # type: ignore[arg-type]  # every subclass here has `judge`


class _Cap(Combinable):
    """A number of the context that may not reach a limit."""

    def __init__(self, limit: float, key: str, text: str, *, ahead: str = "") -> None:
        if isinstance(limit, bool) or not 0 < limit < math.inf:
            raise ValueError(f"the limit of {type(self).__name__} must be positive, not {limit!r}")
        self.limit = limit
        self.key = key
        self.ahead = ahead
        self._text = text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.limit!r})"

    def judge(self, ctx: object) -> Verdict:
        """Stop when the value has reached the limit, or the next step would go beyond it."""
        name = type(self).__name__
        value = read(ctx, self.key)
        if not _is_amount(value):
            return _broken(name, ctx, self.key, value)
        more = read(ctx, self.ahead) if self.ahead else 0
        if more is _MISSING or more is None:
            more = 0
        if not _is_amount(more):
            return _broken(name, ctx, self.ahead, more)
        value, more = min(value, _HUGE), min(more, _HUGE)
        steps = read(ctx, "iters")
        left = math.inf
        if _is_amount(steps) and steps > 0 and value > 0:
            left = max(0.0, (self.limit - value) * min(steps, _HUGE) / value)
        slack = 1e-9 * self.limit  # sums of cents fall short by an ulp
        reached = value >= self.limit - slack
        evidence = {self.key: value, "limit": self.limit}
        reason = self._text.format(value=value, limit=self.limit)
        if not reached and value + more > self.limit + slack:
            reached, left = True, 0.0
            evidence[self.ahead] = more
            now = self._text.format(value=value + more, limit=self.limit)
            reason = f"after the next step {now}"
        return Verdict(
            stop=reached,
            reason=reason,
            condition=name,
            used=value / self.limit,
            left=left,
            evidence=evidence,
        )


def _is_amount(value: object) -> TypeGuard[float]:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value >= 0


class MaxIters(_Cap):
    """Stops after this many iterations."""

    def __init__(self, limit: int, *, key: str = "iters") -> None:
        super().__init__(limit, key, "the limit of {limit} iterations is reached")


class MaxUsd(_Cap):
    """Stops when this much money is spent, or would be after the next step (`next_cost_usd`)."""

    def __init__(
        self, limit: float, *, key: str = "cost_usd", ahead: str = "next_cost_usd"
    ) -> None:
        super().__init__(limit, key, "${value:.2f} of ${limit:.2f} are spent", ahead=ahead)


class MaxTokens(_Cap):
    """Stops when this many tokens are used, or would be after the next step (`next_tokens`)."""

    def __init__(self, limit: int, *, key: str = "tokens", ahead: str = "next_tokens") -> None:
        super().__init__(limit, key, "{value:,} of {limit:,} tokens are used", ahead=ahead)


class ErrorStreak(_Cap):
    """Stops after this many failures in a row."""

    def __init__(self, limit: int, *, key: str = "errors_in_a_row") -> None:
        super().__init__(limit, key, "{value} tool calls in a row failed")


class MaxSeconds(_Cap):
    """Stops when the run has taken this long; the context says when it began (`started`)."""

    def __init__(
        self, limit: float, *, key: str = "started", clock: Callable[[], float] | None = None
    ) -> None:
        super().__init__(limit, key, "{value:.0f} of {limit:.0f} seconds are over")
        self._clock = clock

    def judge(self, ctx: object) -> Verdict:
        """Stop when the time is over."""
        started = read(ctx, self.key)
        if isinstance(started, bool) or not isinstance(started, (int, float)):
            return _broken("MaxSeconds", ctx, self.key, started)
        elapsed = (self._clock or time.monotonic)() - started
        return super().judge({self.key: elapsed, "iters": read(ctx, "iters")})


class NoProgress(Combinable):
    """Stops when the newest tool results say what earlier ones said.

    A result is stale when it is at least `similarity` like one of the `window - 1` before it;
    `max_stale` stale results in a row end the run. So circles of up to `window - 1` results end it
    as well.
    """

    def __init__(
        self,
        window: int = 5,
        similarity: float = 0.80,
        max_stale: int = 3,
        *,
        key: str = "last_tool_results",
    ) -> None:
        if window < 2 or not 1 <= max_stale < window or not 0 < similarity <= 1:
            raise ValueError(
                "NoProgress needs window >= 2, 1 <= max_stale < window and 0 < similarity <= 1, "
                f"not window={window}, max_stale={max_stale}, similarity={similarity}"
            )
        self.window = window
        self.similarity = similarity
        self.max_stale = max_stale
        self.key = key

    def __repr__(self) -> str:
        return (
            f"NoProgress(window={self.window}, similarity={self.similarity}, "
            f"max_stale={self.max_stale})"
        )

    def judge(self, ctx: object) -> Verdict:
        """Stop when nothing new was found for a while."""
        results = read(ctx, self.key)
        if isinstance(results, str) or not isinstance(results, Sequence):
            return _broken("NoProgress", ctx, self.key, results)
        begin = max(0, len(results) - self.window - self.max_stale + 1)
        recent = [shingles(results[at]) for at in range(begin, len(results))]
        stale = 0
        for at in range(len(recent) - 1, 0, -1):
            before = recent[max(0, at - self.window + 1) : at]
            if stale == self.max_stale or not any(
                overlap(recent[at], earlier) >= self.similarity for earlier in before
            ):
                break
            stale += 1
        return Verdict(
            stop=stale >= self.max_stale,
            reason=f"the last {stale + 1} tool results brought nothing new",
            condition="NoProgress",
            used=stale / self.max_stale,
            left=self.max_stale - stale + 1,
            evidence={"stale": stale, "max_stale": self.max_stale},
        )


class SameAnswer(NoProgress):
    """Stops when the assistant keeps saying the same (`last_answers`)."""

    def __init__(self, window: int = 4, similarity: float = 0.9, max_stale: int = 2) -> None:
        super().__init__(window, similarity, max_stale, key="last_answers")


class AnyOf(Combinable):
    """Stops when any of its conditions does; `a | b`."""

    def __init__(self, *conditions: Condition) -> None:
        self.conditions = conditions

    def __repr__(self) -> str:
        return f"({' | '.join(map(repr, self.conditions))})"

    def judge(self, ctx: object) -> Verdict:
        """Give the first reason to stop; what could be judged comes first."""
        verdicts = [condition.judge(ctx) for condition in self.conditions]
        stops = sorted((v for v in verdicts if v.stop), key=lambda verdict: verdict.broken)
        if stops:
            return stops[0]
        nearest = max(verdicts, key=lambda verdict: verdict.used, default=Verdict(stop=False))
        return replace(nearest, left=min((v.left for v in verdicts), default=math.inf))


class AllOf(Combinable):
    """Stops when all of its conditions do; `a & b`."""

    def __init__(self, *conditions: Condition) -> None:
        self.conditions = conditions

    def __repr__(self) -> str:
        return f"({' & '.join(map(repr, self.conditions))})"

    def judge(self, ctx: object) -> Verdict:
        """Stop when all agree, or when one cannot be judged."""
        verdicts = [condition.judge(ctx) for condition in self.conditions]
        broken = [verdict for verdict in verdicts if verdict.broken]
        if broken:
            return broken[0]
        if not verdicts:
            return Verdict(stop=False)
        return Verdict(
            stop=all(verdict.stop for verdict in verdicts),
            reason=" and ".join(verdict.reason for verdict in verdicts),
            condition=" & ".join(verdict.condition for verdict in verdicts),
            used=min(verdict.used for verdict in verdicts),
            left=max(verdict.left for verdict in verdicts),
            evidence={k: v for verdict in verdicts for k, v in verdict.evidence.items()},
        )


class Not(Combinable):
    """Stops when its condition does not; `~a`."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    def __repr__(self) -> str:
        return f"~{self.condition!r}"

    def judge(self, ctx: object) -> Verdict:
        """Turn the verdict round; what cannot be judged still stops."""
        verdict = self.condition.judge(ctx)
        if verdict.broken:
            return verdict
        return Verdict(
            stop=not verdict.stop,
            reason=f"not: {verdict.reason}",
            condition=f"~{verdict.condition}",
            evidence=verdict.evidence,
        )
