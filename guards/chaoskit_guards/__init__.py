"""The fixes for the first seven days of an LLM agent in production.

Each guard stands alone, needs the standard library only and is loaded when its name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoskit_guards.breaker import CircuitBreaker, Permit
    from chaoskit_guards.budget import BudgetWindow, Reservation
    from chaoskit_guards.classify import Failure, classify
    from chaoskit_guards.completion import Completion, RoutedText, Usage
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
    from chaoskit_guards.router import (
        FallbackRouter,
        ProviderConfig,
        RoutedStream,
        Rules,
    )
    from chaoskit_guards.vet import (
        Arg,
        ArgSpec,
        GuardedTool,
        Vet,
    )

_HOME = {
    "AllProvidersFailed": "errors",
    "Arg": "vet",
    "ArgError": "errors",
    "ArgProblem": "errors",
    "ArgSpec": "vet",
    "Attempt": "errors",
    "BudgetError": "errors",
    "BudgetTimeout": "errors",
    "BudgetTooLarge": "errors",
    "BudgetWindow": "budget",
    "CircuitBreaker": "breaker",
    "CircuitOpenError": "errors",
    "Completion": "completion",
    "Failure": "classify",
    "FallbackRouter": "router",
    "GuardError": "errors",
    "GuardEvent": "events",
    "GuardedTool": "vet",
    "Listener": "events",
    "Permit": "breaker",
    "ProviderConfig": "router",
    "Reservation": "budget",
    "RetryAfterTooLong": "errors",
    "RetryBudget": "retry",
    "RetryConfig": "retry",
    "RetryError": "errors",
    "RetryExhausted": "errors",
    "RoutedStream": "router",
    "RoutedText": "completion",
    "Rules": "router",
    "StreamTruncated": "errors",
    "UnreadableResponse": "errors",
    "UntranslatableRequest": "errors",
    "Usage": "completion",
    "Vet": "vet",
    "classify": "classify",
    "current_attempt": "retry",
    "with_retry": "retry",
    "without_sdk_retries": "retry",
}
"""Where each public name lives."""

__all__ = [
    "AllProvidersFailed",
    "Arg",
    "ArgError",
    "ArgProblem",
    "ArgSpec",
    "Attempt",
    "BudgetError",
    "BudgetTimeout",
    "BudgetTooLarge",
    "BudgetWindow",
    "CircuitBreaker",
    "CircuitOpenError",
    "Completion",
    "Failure",
    "FallbackRouter",
    "GuardError",
    "GuardEvent",
    "GuardedTool",
    "Listener",
    "Permit",
    "ProviderConfig",
    "Reservation",
    "RetryAfterTooLong",
    "RetryBudget",
    "RetryConfig",
    "RetryError",
    "RetryExhausted",
    "RoutedStream",
    "RoutedText",
    "Rules",
    "StreamTruncated",
    "UnreadableResponse",
    "UntranslatableRequest",
    "Usage",
    "Vet",
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
