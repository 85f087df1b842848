"""The fixes for the first seven days of an LLM agent in production.

Each guard stands alone, needs the standard library only and is loaded when its name is first used.
"""

from importlib import import_module

TYPE_CHECKING = False  # as in `typing`, which takes longer to load than everything here
if TYPE_CHECKING:
    from chaoskit_guards.agent import AgentLoop, Answer
    from chaoskit_guards.agent_run import ToolEvent
    from chaoskit_guards.bounded import BoundedTools
    from chaoskit_guards.breaker import CircuitBreaker
    from chaoskit_guards.budget import BudgetWindow
    from chaoskit_guards.cachebench import CacheBenchmark, CacheRegression
    from chaoskit_guards.completion import Completion, RoutedText, Usage
    from chaoskit_guards.conditions import (
        AllOf,
        AnyOf,
        ErrorStreak,
        MaxIters,
        MaxSeconds,
        MaxTokens,
        MaxUsd,
        NoProgress,
        Not,
        SameAnswer,
    )
    from chaoskit_guards.deadline import Deadline, time_left
    from chaoskit_guards.effect_store import EffectRecord, EffectStore, MemoryEffects
    from chaoskit_guards.effects import Effect
    from chaoskit_guards.errors import (
        ActionRefused,
        AllProvidersFailed,
        ArgError,
        ArgProblem,
        Attempt,
        BudgetError,
        BudgetTimeout,
        BudgetTooLarge,
        CircuitOpenError,
        GuardError,
        LoopDetectedError,
        OutcomeUnknown,
        OutputError,
        OutputTruncated,
        RetryAfterTooLong,
        RetryError,
        RetryExhausted,
        SessionError,
        StoreUnavailable,
        StreamTruncated,
        ToolError,
        ToolRefused,
        ToolTimeout,
        UnreadableResponse,
        UntranslatableRequest,
    )
    from chaoskit_guards.events import GuardEvent, Listener
    from chaoskit_guards.failures import Failure, classify
    from chaoskit_guards.fit import FitPart, FitReport
    from chaoskit_guards.gate import ActionGate
    from chaoskit_guards.idempotent import IdempotentTools
    from chaoskit_guards.keepalive import CachePrices, best_ttl, break_even_rate, hourly_cost
    from chaoskit_guards.limited import LimitedTools
    from chaoskit_guards.loop import LoopAdvice, LoopGuard
    from chaoskit_guards.models import ModelFacts, facts_of
    from chaoskit_guards.otel import OpenTelemetryListener
    from chaoskit_guards.output import OutputParser, Parsed
    from chaoskit_guards.parallel import Parallel
    from chaoskit_guards.permit import Permit
    from chaoskit_guards.prefix import CachePrefix, PrefixDiff, first_difference
    from chaoskit_guards.redis_store import RedisStore
    from chaoskit_guards.reservation import Reservation
    from chaoskit_guards.result_cut import ResultCut
    from chaoskit_guards.result_limiter import LimitedResult, ResultLimiter
    from chaoskit_guards.retry import (
        RetryBudget,
        RetryConfig,
        current_attempt,
        with_retry,
        without_sdk_retries,
    )
    from chaoskit_guards.retry_peers import retry_or_wait, wait_retry_after
    from chaoskit_guards.router import FallbackRouter, ProviderConfig, RoutedStream, Rules
    from chaoskit_guards.scrub import Scrubber
    from chaoskit_guards.scrub_logging import ScrubbingFilter
    from chaoskit_guards.scrub_stream import ScrubbingStream
    from chaoskit_guards.scrub_structlog import ScrubbingProcessor
    from chaoskit_guards.session import SessionBound, SessionScope, current_session
    from chaoskit_guards.session_store import SessionStore
    from chaoskit_guards.stop import RunContext, StopDecision, StopEvaluator
    from chaoskit_guards.tokens import TokenCounter, count_tokens
    from chaoskit_guards.tokens_exact import CachedCounts, exact_counter
    from chaoskit_guards.tool_guard import Tools
    from chaoskit_guards.tool_runner import ToolRunner
    from chaoskit_guards.transport import AsyncGuardedTransport, GuardedTransport
    from chaoskit_guards.trimmed import TrimReport
    from chaoskit_guards.usage import PromptUsage, read_usage
    from chaoskit_guards.vet import Arg, ArgSpec, GuardedTool, Vet
    from chaoskit_guards.warm import CacheWarmer, WarmResult
    from chaoskit_guards.window import MessageWindow

_HOME = {
    "ActionGate": "gate",
    "ActionRefused": "errors",
    "AgentLoop": "agent",
    "AllOf": "conditions",
    "AllProvidersFailed": "errors",
    "Answer": "agent",
    "AnyOf": "conditions",
    "Arg": "vet",
    "ArgError": "errors",
    "ArgProblem": "errors",
    "ArgSpec": "vet",
    "AsyncGuardedTransport": "transport",
    "Attempt": "errors",
    "BoundedTools": "bounded",
    "BudgetError": "errors",
    "BudgetTimeout": "errors",
    "BudgetTooLarge": "errors",
    "BudgetWindow": "budget",
    "CacheBenchmark": "cachebench",
    "CachePrefix": "prefix",
    "CachePrices": "keepalive",
    "CacheRegression": "cachebench",
    "CacheWarmer": "warm",
    "CachedCounts": "tokens_exact",
    "CircuitBreaker": "breaker",
    "CircuitOpenError": "errors",
    "Completion": "completion",
    "Deadline": "deadline",
    "Effect": "effects",
    "EffectRecord": "effect_store",
    "EffectStore": "effect_store",
    "ErrorStreak": "conditions",
    "Failure": "failures",
    "FallbackRouter": "router",
    "FitPart": "fit",
    "FitReport": "fit",
    "GuardError": "errors",
    "GuardEvent": "events",
    "GuardedTool": "vet",
    "GuardedTransport": "transport",
    "IdempotentTools": "idempotent",
    "LimitedResult": "result_limiter",
    "LimitedTools": "limited",
    "Listener": "events",
    "LoopAdvice": "loop",
    "LoopDetectedError": "errors",
    "LoopGuard": "loop",
    "MaxIters": "conditions",
    "MaxSeconds": "conditions",
    "MaxTokens": "conditions",
    "MaxUsd": "conditions",
    "MemoryEffects": "effect_store",
    "MessageWindow": "window",
    "ModelFacts": "models",
    "NoProgress": "conditions",
    "Not": "conditions",
    "OpenTelemetryListener": "otel",
    "OutcomeUnknown": "errors",
    "OutputError": "errors",
    "OutputParser": "output",
    "OutputTruncated": "errors",
    "Parallel": "parallel",
    "Parsed": "output",
    "Permit": "permit",
    "PrefixDiff": "prefix",
    "PromptUsage": "usage",
    "ProviderConfig": "router",
    "RedisStore": "redis_store",
    "Reservation": "reservation",
    "ResultCut": "result_cut",
    "ResultLimiter": "result_limiter",
    "RetryAfterTooLong": "errors",
    "RetryBudget": "retry",
    "RetryConfig": "retry",
    "RetryError": "errors",
    "RetryExhausted": "errors",
    "RoutedStream": "router",
    "RoutedText": "completion",
    "Rules": "router",
    "RunContext": "stop",
    "SameAnswer": "conditions",
    "Scrubber": "scrub",
    "ScrubbingFilter": "scrub_logging",
    "ScrubbingProcessor": "scrub_structlog",
    "ScrubbingStream": "scrub_stream",
    "SessionBound": "session",
    "SessionError": "errors",
    "SessionScope": "session",
    "SessionStore": "session_store",
    "StopDecision": "stop",
    "StopEvaluator": "stop",
    "StoreUnavailable": "errors",
    "StreamTruncated": "errors",
    "TokenCounter": "tokens",
    "ToolError": "errors",
    "ToolEvent": "agent_run",
    "ToolRefused": "errors",
    "ToolRunner": "tool_runner",
    "ToolTimeout": "errors",
    "Tools": "tool_guard",
    "TrimReport": "trimmed",
    "UnreadableResponse": "errors",
    "UntranslatableRequest": "errors",
    "Usage": "completion",
    "Vet": "vet",
    "WarmResult": "warm",
    "best_ttl": "keepalive",
    "break_even_rate": "keepalive",
    "classify": "failures",
    "count_tokens": "tokens",
    "current_attempt": "retry",
    "current_session": "session",
    "exact_counter": "tokens_exact",
    "facts_of": "models",
    "first_difference": "prefix",
    "hourly_cost": "keepalive",
    "read_usage": "usage",
    "retry_or_wait": "retry_peers",
    "time_left": "deadline",
    "wait_retry_after": "retry_peers",
    "with_retry": "retry",
    "without_sdk_retries": "retry",
}
"""Where each public name lives."""

__all__ = [
    "ActionGate",
    "ActionRefused",
    "AgentLoop",
    "AllOf",
    "AllProvidersFailed",
    "Answer",
    "AnyOf",
    "Arg",
    "ArgError",
    "ArgProblem",
    "ArgSpec",
    "AsyncGuardedTransport",
    "Attempt",
    "BoundedTools",
    "BudgetError",
    "BudgetTimeout",
    "BudgetTooLarge",
    "BudgetWindow",
    "CacheBenchmark",
    "CachePrefix",
    "CachePrices",
    "CacheRegression",
    "CacheWarmer",
    "CachedCounts",
    "CircuitBreaker",
    "CircuitOpenError",
    "Completion",
    "Deadline",
    "Effect",
    "EffectRecord",
    "EffectStore",
    "ErrorStreak",
    "Failure",
    "FallbackRouter",
    "FitPart",
    "FitReport",
    "GuardError",
    "GuardEvent",
    "GuardedTool",
    "GuardedTransport",
    "IdempotentTools",
    "LimitedResult",
    "LimitedTools",
    "Listener",
    "LoopAdvice",
    "LoopDetectedError",
    "LoopGuard",
    "MaxIters",
    "MaxSeconds",
    "MaxTokens",
    "MaxUsd",
    "MemoryEffects",
    "MessageWindow",
    "ModelFacts",
    "NoProgress",
    "Not",
    "OpenTelemetryListener",
    "OutcomeUnknown",
    "OutputError",
    "OutputParser",
    "OutputTruncated",
    "Parallel",
    "Parsed",
    "Permit",
    "PrefixDiff",
    "PromptUsage",
    "ProviderConfig",
    "RedisStore",
    "Reservation",
    "ResultCut",
    "ResultLimiter",
    "RetryAfterTooLong",
    "RetryBudget",
    "RetryConfig",
    "RetryError",
    "RetryExhausted",
    "RoutedStream",
    "RoutedText",
    "Rules",
    "RunContext",
    "SameAnswer",
    "Scrubber",
    "ScrubbingFilter",
    "ScrubbingProcessor",
    "ScrubbingStream",
    "SessionBound",
    "SessionError",
    "SessionScope",
    "SessionStore",
    "StopDecision",
    "StopEvaluator",
    "StoreUnavailable",
    "StreamTruncated",
    "TokenCounter",
    "ToolError",
    "ToolEvent",
    "ToolRefused",
    "ToolRunner",
    "ToolTimeout",
    "Tools",
    "TrimReport",
    "UnreadableResponse",
    "UntranslatableRequest",
    "Usage",
    "Vet",
    "WarmResult",
    "best_ttl",
    "break_even_rate",
    "classify",
    "count_tokens",
    "current_attempt",
    "current_session",
    "exact_counter",
    "facts_of",
    "first_difference",
    "hourly_cost",
    "read_usage",
    "retry_or_wait",
    "time_left",
    "wait_retry_after",
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
