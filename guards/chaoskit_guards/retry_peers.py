"""What the provider asks for, in the words of the retry libraries that are in use already.

For tenacity `wait=wait_retry_after(…)`, for stamina `on=retry_or_wait`; neither is imported.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from chaoskit_guards.errors import RetryAfterTooLong, RetryError
from chaoskit_guards.failures import classify
from chaoskit_guards.retry_run import asked_wait
from chaoskit_guards.settings import Random, seconds

__all__ = ["retry_or_wait", "wait_retry_after"]

_LONGEST = 120.0


def wait_retry_after(
    otherwise: Callable[[Any], float],
    *,
    max_retry_after: float = _LONGEST,
    rng: Random | None = None,
) -> Callable[[Any], float]:
    """Return a wait strategy of tenacity: what the provider asks for, else what `otherwise` says.

    Jitter comes on top. A longer wait than `max_retry_after` seconds ends the retries: the strategy
    raises `RetryAfterTooLong` from the failure.
    """
    seconds(zero=True, max_retry_after=max_retry_after)

    def wait(retry_state: Any) -> float:
        outcome = retry_state.outcome
        error = outcome.exception() if outcome is not None and outcome.failed else None
        failure = None if error is None else classify(error)
        asked = 0.0 if error is None or failure is None else asked_wait(error, failure)
        if not asked or failure is None:
            return otherwise(retry_state)
        if asked > max_retry_after:
            raise RetryAfterTooLong(
                f"the provider asks to wait {asked:.1f} s, more than {max_retry_after:.1f} s",
                retry_after=asked,
                attempts=retry_state.attempt_number,
                status_code=failure.status,
            ) from error
        return _spread(asked, rng)

    return wait


def retry_or_wait(error: Exception) -> bool | float:
    """Return whether to repeat, or the seconds to wait before: a backoff hook of stamina.

    What cannot pass, and what asks for more than two minutes, is False: it is raised as it is.
    """
    failure = classify(error)
    if failure.kind in ("cancelled", "quota") or isinstance(error, RetryError):
        return False
    passes = failure.provider_fault if failure.should_retry is None else failure.should_retry
    asked = asked_wait(error, failure)
    if not passes or asked > _LONGEST:
        return False
    return _spread(asked, None) if asked else True


def _spread(asked: float, rng: Random | None) -> float:
    # Those who were refused together are told the same time; they must not come together.
    return asked + (rng or random).uniform(0.0, max(1.0, asked / 2))
