"""Asking faults and behaviours, which may be somebody's own: whose mistake it is when one fails.

A mistake in them is no damage that the scenario wanted and no verdict on the agent, so it must not
reach the agent, which might forgive it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaoskit import failure
from chaoskit.errors import ChaoskitError, InternalError, UsageError
from chaoskit.exchange import Refusal, Reply
from chaoskit.fault import Result, Run
from chaoskit.registry import title_of

__all__ = ["ask"]

_ANSWERS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "admit": ((Refusal, tuple, type(None)), "a Refusal, a tuple of steps, or None"),
    "reply": ((Reply,), "a Reply"),
    "frames": ((tuple,), "a tuple of frames"),
    "steps": ((tuple,), "a tuple of steps"),
    "offer": ((tuple,), "a tuple of offered tools"),
    "run": ((Run,), "a Run"),
    "result": ((Result,), "a Result"),
}


def ask(whom: object, method: str, *given: object) -> Any:
    """Return what a method of a fault or a behaviour answers.

    Raises:
        UsageError: it failed, or answered something else, and is not chaoskit's own.
        InternalError: it is.
    """
    try:
        answer = getattr(whom, method)(*given)
    except ChaoskitError:
        raise
    except Exception as error:
        told = f"{failure.name_of(error)}: {failure.text_of(error)} ({failure.where(error)})"
        raise _mistaken(whom, method, f"failed: {told}") from error
    wanted, words = _ANSWERS[method]
    if not isinstance(answer, wanted):
        raise _mistaken(whom, method, f"returned {answer!r:.200}; return {words}")
    return answer


def _mistaken(whom: object, method: str, told: str) -> ChaoskitError:
    """Return the error of whose mistake it is."""
    title = f"{title_of(type(whom))}.{method}()"
    kind = InternalError if title.startswith("chaoskit.") else UsageError
    return kind(f"{title} {told}")
