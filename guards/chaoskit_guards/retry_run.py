"""The decisions of a retry: whether to try again and how long to wait before."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from chaoskit_guards.errors import RetryAfterTooLong, RetryError, RetryExhausted
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.failures import Failure, classify, sdk_retries
from chaoskit_guards.retry_config import RetryConfig

__all__ = ["Env", "Random", "Run", "moment"]

_log = logging.getLogger("chaoskit_guards")

moment = itertools.count().__next__
"""Numbers the beginnings of calls and the moments of giving up, in the order they happen."""

_GIVEN_UP = "__chaoskit_guards_given_up__"
"""On an exception: the moment when a layer gave up on it. A layer that began earlier surrounds
that one and leaves the exception alone; a later call that meets the same object does not."""


class Random(Protocol):
    """The part of `random.Random` that jitter needs."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between `a` and `b`."""


@dataclass(slots=True, kw_only=True)
class Env:
    """What one decorated function runs with; what is None is looked up when it is needed."""

    config: RetryConfig
    name: str
    clock: Callable[[], float] | None
    sleep: Callable[[float], object] | None
    async_sleep: Callable[[float], Awaitable[object]] | None
    rng: Random | None
    listener: Listener | None
    told_sdk: bool = False

    def begin(self) -> float:
        """Count a first attempt and return when it began, if that will matter."""
        if self.config.budget is not None:
            self.config.budget.earn()
        return self.now() if self.config.deadline is not None else 0.0

    def now(self) -> float:
        """Return the time in seconds."""
        return (self.clock or time.monotonic)()

    def pause(self, seconds: float) -> None:
        """Sleep in this thread."""
        (self.sleep or time.sleep)(seconds)

    async def apause(self, seconds: float) -> None:
        """Sleep in this task."""
        await (self.async_sleep or asyncio.sleep)(seconds)


class Run:
    """The decisions about one call, from its first failure on."""

    __slots__ = ("attempt", "began", "born", "env", "last")

    def __init__(self, env: Env, born: int, began: float) -> None:
        self.env = env
        self.born = born
        self.began = began
        self.attempt = 1
        self.last = 0.0

    def wait(self, error: Exception) -> float | None:
        """Return the seconds to wait before the next attempt; None means: raise this error.

        Raises:
            RetryAfterTooLong: the provider asks for more than the deadline or the cap leaves.
            RetryExhausted: no attempt is left and the configuration asks to wrap.
        """
        env, config = self.env, self.env.config
        failure = classify(error)
        self._notice_sdk(error)
        if not self._may_repeat(error, failure):
            return None
        if self.attempt >= config.max_attempts:
            self._give_up(error, failure, f"{self.attempt} attempts")
            return None
        left = float("inf") if config.deadline is None else self.began + config.deadline - env.now()
        asked = failure.retry_after or 0.0
        if asked > config.max_retry_after or (asked and asked >= left):
            raise self._too_long(asked, left, failure) from error
        seconds = self._seconds(asked)
        if seconds >= left:
            if not asked:
                self._give_up(error, failure, f"the deadline of {config.deadline:g} s")
                return None
            seconds = (asked + left) / 2  # the jitter gives way, what was asked for does not
        if config.budget is not None and not config.budget.spend():
            self._give_up(error, failure, "the shared retry budget")
            return None
        emit(
            env.listener,
            "retrying",
            "retry",
            name=env.name,
            attempt=self.attempt,
            wait=seconds,
            kind=failure.kind,
            status=failure.status,
            error=type(error).__name__,
        )
        self.last = seconds
        self.attempt += 1
        return seconds

    def _may_repeat(self, error: Exception, failure: Failure) -> bool:
        if failure.kind == "cancelled" or isinstance(error, RetryError) or _being_cancelled():
            return False
        if _given_up(error) > self.born:  # an inner layer has tried; one layer owns the retries
            return False
        config = self.env.config
        if config.retry_on is not None:
            decided = config.retry_on(error)
            if decided is not None:
                return decided
        if failure.should_retry is not None:
            return failure.should_retry
        if failure.status is None:
            return failure.provider_fault
        if failure.kind == "quota":
            return False
        if failure.status in config.retryable_status_codes:
            return True
        if failure.provider_fault:
            error.add_note(
                f"status {failure.status} often passes, but retryable_status_codes leaves it out"
            )
        return False

    def _seconds(self, asked: float) -> float:
        config = self.env.config
        backoff = min(config.max_delay, config.base_delay * 2.0 ** min(self.attempt - 1, 64))
        if not config.jitter:
            return asked or backoff
        rng = self.env.rng or random
        if asked:
            # Those who were refused together are told the same time; they must not come together.
            return asked + rng.uniform(0.0, max(backoff, asked / 2))
        if config.jitter == "equal":
            return rng.uniform(backoff / 2, backoff)
        if config.jitter == "decorrelated":
            low = min(config.base_delay, config.max_delay)
            return min(config.max_delay, rng.uniform(low, 3 * (self.last or low)))
        return rng.uniform(0.0, backoff)

    def _give_up(self, error: Exception, failure: Failure, what: str) -> None:
        """Mark the error so that an outer layer leaves it alone, or raise a wrapper of it."""
        emit(
            self.env.listener,
            "gave_up",
            "retry",
            name=self.env.name,
            attempts=self.attempt,
            kind=failure.kind,
            status=failure.status,
        )
        if self.env.config.wrap_exhausted:
            wrapped = RetryExhausted(
                f"gave up after {what}: {failure.kind.replace('_', ' ')}",
                attempts=self.attempt,
                status_code=failure.status,
            )
            setattr(wrapped, _GIVEN_UP, moment())
            raise wrapped from error
        setattr(error, _GIVEN_UP, moment())
        error.add_note(f"not repeated again: {what} used up after {self.attempt} attempts")

    def _too_long(self, asked: float, left: float, failure: Failure) -> RetryAfterTooLong:
        bound = min(left, self.env.config.max_retry_after)
        emit(
            self.env.listener,
            "wait_too_long",
            "retry",
            name=self.env.name,
            asked=asked,
            bound=bound,
        )
        return RetryAfterTooLong(
            f"the provider asks to wait {asked:.1f} s; only {max(bound, 0.0):.1f} s can be spent",
            retry_after=asked,
            attempts=self.attempt,
            status_code=failure.status,
        )

    def _notice_sdk(self, error: Exception) -> None:
        env = self.env
        if not env.told_sdk and sdk_retries(error):
            env.told_sdk = True
            emit(env.listener, "sdk_retries", "retry", name=env.name, count=sdk_retries(error))
            _log.warning(
                "the SDK below %s repeats requests by itself, so that attempts multiply; "
                "pass the client through without_sdk_retries()",
                env.name,
            )


def _given_up(error: BaseException) -> int:
    """Return the moment when a layer gave up on this error or what caused it; -1 for never."""
    latest, seen = -1, set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        latest = max(latest, getattr(cause, _GIVEN_UP, -1))
        cause = cause.__cause__
    return latest


def _being_cancelled() -> bool:
    """Whether the task under way has been cancelled, even if the exception got lost below."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
