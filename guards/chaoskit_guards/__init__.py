"""The fixes for the first seven days of an LLM agent in production.

Each guard stands alone, needs the standard library only and is loaded when its name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoskit_guards.breaker import CircuitBreaker, Permit
    from chaoskit_guards.classify import Failure, classify
    from chaoskit_guards.errors import (
        AllProvidersFailed,
        ArgError,
        ArgProblem,
        Attempt,
        BudgetError,
        BudgetTimeout,
        BudgetTooLarge,
        CircuitOpenError,
        GuardError,
        RetryAfterTooLong,
        RetryError,
        RetryExhausted,
        StreamTruncated,
        UnreadableResponse,
        UntranslatableRequest,
    )
    from chaoskit_guards.events import GuardEvent, Listener
    from chaoskit_guards.retry import (
        RetryBudget,
        RetryConfig,
        current_attempt,
        with_retry,
        without_sdk_retries,
    )

_HOME = {
    "AllProvidersFailed": "errors",
    "ArgError": "errors",
    "ArgProblem": "errors",
    "Attempt": "errors",
    "BudgetError": "errors",
    "BudgetTimeout": "errors",
    "BudgetTooLarge": "errors",
    "CircuitBreaker": "breaker",
    "CircuitOpenError": "errors",
    "Failure": "classify",
    "GuardError": "errors",
    "GuardEvent": "events",
    "Listener": "events",
    "Permit": "breaker",
    "RetryAfterTooLong": "errors",
    "RetryBudget": "retry",
    "RetryConfig": "retry",
    "RetryError": "errors",
    "RetryExhausted": "errors",
    "StreamTruncated": "errors",
    "UnreadableResponse": "errors",
    "UntranslatableRequest": "errors",
    "classify": "classify",
    "current_attempt": "retry",
    "with_retry": "retry",
    "without_sdk_retries": "retry",
}
"""Where each public name lives."""

__all__ = [
    "AllProvidersFailed",
    "ArgError",
    "ArgProblem",
    "Attempt",
    "BudgetError",
    "BudgetTimeout",
    "BudgetTooLarge",
    "CircuitBreaker",
    "CircuitOpenError",
    "Failure",
    "GuardError",
    "GuardEvent",
    "Listener",
    "Permit",
    "RetryAfterTooLong",
    "RetryBudget",
    "RetryConfig",
    "RetryError",
    "RetryExhausted",
    "StreamTruncated",
    "UnreadableResponse",
    "UntranslatableRequest",
    "classify",
    "current_attempt",
    "with_retry",
    "without_sdk_retries",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
