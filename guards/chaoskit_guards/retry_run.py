"""The decisions of a retry: whether to try again and how long to wait before."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar, Token
from dataclasses import dataclass
from itertools import pairwise

from chaoskit_guards.errors import RetryAfterTooLong, RetryError, RetryExhausted
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.failures import Failure, classify, sdk_retries
from chaoskit_guards.hooks import asked
from chaoskit_guards.retry_config import RetryConfig
from chaoskit_guards.settings import Random

__all__ = ["Env", "Run", "asked_wait", "current_attempt", "moment"]

_log = logging.getLogger("chaoskit_guards")

moment = itertools.count().__next__
"""Numbers the beginnings of calls and the moments of giving up, in the order they happen."""

_GIVEN_UP = "__chaoskit_guards_given_up__"
"""On an exception: the moment when a layer gave up on it. A layer that began earlier surrounds
that one and leaves the exception alone; a later call that meets the same object does not."""


_under_way: ContextVar[Run | None] = ContextVar("chaoskit_guards_attempt", default=None)


def current_attempt() -> int:
    """Return the number of the attempt under way, from 1; for logs and idempotency keys."""
    run = _under_way.get()
    return run.attempt if run is not None and run.under_way else 1


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
    """The decisions about one call, from its first failure on.

    A call within a repeated attempt of another one goes on with that one's count: layers share the
    attempts, whoever makes them.
    """

    __slots__ = ("attempt", "began", "born", "env", "last", "outer", "under_way")

    attempt: int
    under_way: bool

    def __init__(self, env: Env, born: int, began: float) -> None:
        outer: Run | None = _under_way.get()
        # What an attempt has started and left behind is no part of it.
        self.outer = outer if outer is not None and outer.under_way else None
        self.env = env
        self.born = born
        self.began = began
        self.attempt = 1 if self.outer is None else self.outer.attempt
        self.last = 0.0
        self.under_way = False

    def enter(self) -> Token[Run | None]:
        """Begin a repeated attempt."""
        self.under_way = True
        return _under_way.set(self)

    def leave(self, token: Token[Run | None]) -> None:
        """End it."""
        self.under_way = False
        _under_way.reset(token)

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
        asked = asked_wait(error, failure)
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
        if self.outer is not None:
            self.outer.attempt = max(self.outer.attempt, self.attempt)
        return seconds

    def _may_repeat(self, error: Exception, failure: Failure) -> bool:
        if failure.kind == "cancelled" or isinstance(error, RetryError):
            return False
        if _lost_cancellation(error):
            return False
        if _given_up(error) > self.born:  # an inner layer has tried; one layer owns the retries
            return False
        config = self.env.config
        if config.retry_on is not None:
            decided = asked("retry_on", config.retry_on, error)
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
            _note(
                error,
                f"status {failure.status} often passes, but retryable_status_codes leaves it out",
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
            _mark(wrapped)
            raise wrapped from error
        _mark(error)
        _note(error, f"not repeated again: {what} used up after {self.attempt} attempts")

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
        refused = RetryAfterTooLong(
            f"the provider asks to wait {asked:.1f} s; only {max(bound, 0.0):.1f} s can be spent",
            retry_after=asked,
            attempts=self.attempt,
            status_code=failure.status,
        )
        _mark(refused)
        return refused

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


def _mark(error: Exception) -> None:
    """Say that a layer gave up on this error, in a way that frozen classes allow too."""
    error.__dict__[_GIVEN_UP] = moment()


def _note(error: Exception, text: str) -> None:
    with suppress(AttributeError, TypeError):  # what is frozen keeps its notes
        error.add_note(text)


def _behind(error: BaseException, *, implied: bool) -> Iterator[BaseException]:
    """Yield an error and what it was raised from; with `implied`, what was being handled too."""
    seen = set()
    behind: BaseException | None = error
    while behind is not None and id(behind) not in seen:
        seen.add(id(behind))
        yield behind
        behind = behind.__cause__ or (behind.__context__ if implied else None)


def _given_up(error: BaseException) -> int:
    """Return the moment when a layer gave up on this error or what led to it; -1 for never."""
    return max(getattr(e, _GIVEN_UP, -1) for e in _behind(error, implied=True))


def asked_wait(error: BaseException, failure: Failure) -> float:
    """Return the wait that the provider asks for, even if somebody has wrapped its refusal."""
    if failure.retry_after is not None or error.__cause__ is None:
        return failure.retry_after or 0.0
    return max(classify(e).retry_after or 0.0 for e in _behind(error, implied=False))


def _lost_cancellation(error: Exception) -> bool:
    """Whether somebody has cancelled this task, and a library below has made an error of it.

    A timeout is made of a cancellation too, of one that has been taken back. The count of those
    that have not is no proof by itself: before Python 3.13 a failing task group leaves one behind.
    """
    for made, behind in pairwise(_behind(error, implied=True)):
        if isinstance(behind, asyncio.CancelledError) and not isinstance(made, TimeoutError):
            break
    else:
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
