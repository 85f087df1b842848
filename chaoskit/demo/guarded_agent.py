"""The same agent with the guards: what it takes to keep its promises for a week."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from chaoskit.demo.guarded_tools import tools
from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.history import to_anthropic
from chaoskit_guards import (
    ActionGate,
    AgentLoop,
    BudgetWindow,
    CacheBenchmark,
    CacheWarmer,
    FallbackRouter,
    FitReport,
    MaxIters,
    MessageWindow,
    Parallel,
    ProviderConfig,
    RetryConfig,
    SessionScope,
)

__all__ = ["build", "guarded", "guarded_async", "startup"]

log = logging.getLogger("demo.guarded")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())

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
    await warmer.warm(system=SYSTEM_PROMPT, tools=tools.schemas())


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
