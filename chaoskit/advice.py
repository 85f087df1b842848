"""What to do about a broken promise: each remedy names the guard that applies it.

The guards are those of `chaoskit_guards`; nothing is imported from there.
"""

from __future__ import annotations

from chaoskit.evidence import Turn

__all__ = [
    "ASK_LESS",
    "BREAK",
    "BUDGET",
    "DISTRUST",
    "FALL_BACK",
    "FIT",
    "FRESH_STATE",
    "HANDLE",
    "LIMIT_RESULTS",
    "LOOP",
    "MEASURE_CACHE",
    "PARALLEL",
    "PARSE",
    "RETRY",
    "RUN_ONCE",
    "SCRUB",
    "STOP",
    "TERMINATOR",
    "TRIM",
    "VET",
    "WARM",
    "for_turn",
]

VET = (
    "guard the tool with Vet: it checks the arguments before the body runs and gives back "
    "a structured error for the model"
)
RETRY = (
    "wrap the call in with_retry with a RetryConfig that has jitter; it obeys Retry-After. "
    "Set the SDK's own max_retries to 0, or the two multiply"
)
BUDGET = "reserve tokens with a BudgetWindow before each call, so that the limit is not reached"
TRIM = "keep the history in a MessageWindow, which trims it and keeps tool pairs intact"
FIT = "look at a FitReport before sending, and trim with a MessageWindow instead of sending again"
LOOP = "record each tool call in a LoopGuard, and end the turn when it raises"
STOP = "ask a StopEvaluator (MaxIters, MaxUsd, NoProgress) in the loop, and tell the user why"
SCRUB = "pass arguments, results and log records through a Scrubber before they are written"
WARM = "run a CacheWarmer at start-up and after each deploy, before traffic is let in"
MEASURE_CACHE = (
    "keep tools and system prompt byte-identical, put the cache breakpoint behind them, and watch "
    "the hit ratio with a CacheBenchmark"
)
BREAK = "put a CircuitBreaker before the provider: it opens after a few failures and then probes"
FALL_BACK = "route the call through a FallbackRouter with a second provider, behind CircuitBreaker"
ASK_LESS = "spread the load with a BudgetWindow; retry fewer times in RetryConfig (max_attempts)"
TERMINATOR = (
    "take a stream for complete only when its end was seen (message_stop, finish_reason); "
    "otherwise retry the whole call with with_retry, or say that the answer is cut"
)
FRESH_STATE = (
    "make history, clients' state and caches per session; a mutable default or a module-level "
    "list is shared by all users (MessageWindow keeps one conversation)"
)
RUN_ONCE = (
    "run tools that change something through an idempotent runner: it recognises a repeated call, "
    "and looks up what happened before it repeats one whose outcome is unknown"
)
LIMIT_RESULTS = "pass tool results through a result limiter before the model gets them"
PARALLEL = "run the tool calls of one answer with a parallel runner; it keeps their order"
DISTRUST = (
    "take tool results for data: refuse tools that act once text from outside is in the "
    "conversation, unless the user or a person confirms the call"
)
PARSE = (
    "parse the model's output with an output parser, which repairs what is safe to repair and asks "
    "again for the rest"
)
HANDLE = "catch the error at the agent's boundary and answer the user"


def for_turn(turn: Turn) -> str:
    """Return the remedy for a turn that ended badly, by what the provider did to it last."""
    if turn.failed is not None and turn.failed.stopped:
        return STOP
    last = next((one for one in reversed(turn.exchanges) if one.failed), None)
    if last is not None and last is turn.exchanges[-1]:
        if last.refusal is not None and last.refusal.kind in ("context_overflow", "too_large"):
            return TRIM
        if last.refusal is not None and last.refusal.status == 429:
            return RETRY
        if last.down:
            return FALL_BACK
        return TRIM if last.refusal and last.refusal.kind == "invalid_request" else HANDLE
    if any(not called.valid for _, called in turn.tool_calls):
        return VET
    return HANDLE
