"""What a provider's answer says about the room that is left at its side."""

from __future__ import annotations

from typing import Any, NamedTuple

from chaoskit_guards.amounts import INPUT, NAMES, OUTPUT, REQUESTS, TOKENS
from chaoskit_guards.failures import classify
from chaoskit_guards.waits import quotas, retry_after

__all__ = ["Lesson", "lesson_of"]

_PLACES = {
    "requests": REQUESTS,
    "tokens": TOKENS,
    "input-tokens": INPUT,
    "output-tokens": OUTPUT,
}


class Lesson(NamedTuple):
    """Limits and what remains of them, where told, and the seconds that a refusal asks to wait."""

    limits: tuple[int | None, ...]
    remaining: tuple[int | None, ...]
    wait: float

    def __bool__(self) -> bool:
        told = self.limits + self.remaining
        return self.wait > 0 or any(number is not None for number in told)


def lesson_of(source: Any) -> Lesson:
    """Return what the headers, the response or the exception of an SDK says."""
    response = getattr(source, "response", source)
    headers = getattr(response, "headers", source)
    limits: list[int | None] = [None] * len(NAMES)
    remaining: list[int | None] = [None] * len(NAMES)
    for quota in () if isinstance(headers, BaseException) else quotas(headers):
        limits[_PLACES[quota.kind]] = quota.limit or None
        remaining[_PLACES[quota.kind]] = quota.remaining
    return Lesson(tuple(limits), tuple(remaining), _wait(source, headers) or 0.0)


def _wait(source: Any, headers: Any) -> float | None:
    if isinstance(source, BaseException):
        failure = classify(source)
        return failure.retry_after if failure.kind == "rate_limited" else None
    if getattr(source, "status_code", None) == 429:
        return retry_after(headers, resets=True)
    return None
