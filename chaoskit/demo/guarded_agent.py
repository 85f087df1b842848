"""The same agent with the guards: what it takes to keep its promises for a week."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS, SPECS, find_refunds
from chaoskit.history import to_anthropic
from chaoskit_guards import (
    ActionGate,
    AgentLoop,
    BudgetWindow,
    CacheBenchmark,
    CacheWarmer,
    Effect,
    FallbackRouter,
    FitReport,
    IdempotentTools,
    LimitedTools,
    MaxIters,
    MessageWindow,
    Parallel,
    ProviderConfig,
    RetryConfig,
    SessionScope,
    Vet,
)

__all__ = ["build", "guarded", "guarded_async", "startup"]

log = logging.getLogger("demo.guarded")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())

vet = Vet()
for spec in SPECS:
    name, told = spec["name"], spec["description"]
    vet.guard(spec["input_schema"], name=name, description=told)(FUNCTIONS[name])


def refunded(order_id: str, amount: float) -> Any:
    """Tell whether a refund was made whose answer got lost."""
    return next((one for one in find_refunds(order_id) if one["amount"] == amount), False)


once = IdempotentTools(vet, {"refund_order": Effect(check=refunded), "send_email": Effect()})
tools = LimitedTools(once, max_tokens=6_000)
claude = ProviderConfig(name="anthropic", model="claude-sonnet-4-6", priority=1, timeout=20)
gpt = ProviderConfig(name="openai", model="gpt-5.4", priority=2, timeout=20)
warmer = CacheWarmer(model=claude.model)
build = partial(
    AgentLoop,
    model=FallbackRouter([claude, gpt], deadline=120),
    tools=tools,
    parallel=Parallel(),
    gate=partial(ActionGate, acts=["refund_order", "send_email"], untrusted=["search_logs"]),
    system=warmer.cached_system(SYSTEM_PROMPT),
    window=MessageWindow(max_tokens=45_000),
    fit=partial(FitReport, model=claude.model, context_window=64_000),
    budget=BudgetWindow(requests_per_minute=30),
    cache=CacheBenchmark(model=claude.model),
    retry=RetryConfig(max_attempts=12, max_delay=30, deadline=240),
    conditions=[MaxIters(12)],
    logger=log,
)
agent = build()


async def startup() -> None:
    """Warm the prompt cache before traffic."""
    await warmer.warm(system=SYSTEM_PROMPT, tools=vet.schemas())


def guarded(prompt: str, *, session: str = "demo", history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    with SessionScope(session):
        return agent.run([*to_anthropic(history), {"role": "user", "content": prompt}]).text


async def guarded_async(
    prompt: str, *, session: str = "demo", history: Sequence[dict[str, Any]] = ()
) -> str:
    """Answer a prompt."""
    with SessionScope(session):
        answer = await agent.arun([*to_anthropic(history), {"role": "user", "content": prompt}])
    return answer.text
