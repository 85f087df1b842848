"""What came out of one scenario against one agent: the value that every report shows."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaoskit.check import Judgement, Verdict
from chaoskit.journal import Journal

__all__ = ["Judged", "Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One promise and how it was judged. `sentence` says it with its settings, for people."""

    name: str
    sentence: str
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scenario against one agent.

    Attributes:
        scenario: name of the scenario, from its file: `day2-rate-limits`.
        day: day of the week that it belongs to, 1 to 7; 8 and more for what follows; 0 for none.
        verdict: NOT_APPLICABLE where the agent lacks what the scenario needs.
        reason: one line: what broke first, why it does not apply, or why nothing is known.
        promises: judgements of the run with faults.
        healthy: judgements of the run without faults.
        healthy_failed: the set-up is at fault; `promises` is then empty.
        virtual_seconds: how long the run with faults took on its own clock.
        real_seconds: how long both runs took on the machine.
        real_tools: the agent's own tools that ran for real.
        notes: remarks of the harness, such as `not reproducible: …`.
    """

    scenario: str
    title: str
    day: int
    agent: str
    seed: int
    verdict: Verdict
    reason: str = ""
    promises: tuple[Judged, ...] = ()
    healthy: tuple[Judged, ...] = ()
    healthy_failed: bool = False
    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    virtual_seconds: float = 0.0
    real_seconds: float = 0.0
    real_tools: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    journal: Journal = field(default_factory=Journal, repr=False)
    healthy_journal: Journal = field(default_factory=Journal, repr=False)
