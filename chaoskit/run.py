"""One scenario against one agent: the healthy run, the run with faults, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chaoskit.agent import Agent, load_agent
from chaoskit.alone import alone
from chaoskit.check import Judgement, Verdict, worst
from chaoskit.checks import FaultsStruck
from chaoskit.journal import (
    Blocked,
    Changed,
    Delivered,
    Event,
    Journal,
    Noted,
    RanTool,
    Replied,
    Requested,
    RunEnded,
    Served,
)
from chaoskit.outcome import Judged, Outcome
from chaoskit.scenario import Promise, Scenario
from chaoskit.stage import Stage
from chaoskit.wire import Wire, fits

__all__ = ["CALLS_MADE", "Progress", "Raised", "fit", "judge", "load_agent", "play", "run"]

Progress = Callable[[str, float], None]
"""Gets what is going on and the seconds of the run so far."""

Raised = Callable[[str, BaseException], None]
"""Gets a user and the exception with which a turn of theirs left the agent."""

CALLS_MADE = "calls_made"
"""Name of the judgement on an agent that asked nobody."""

_EVERY = 64  # events between two reports of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one run left behind."""

    journal: Journal
    real_tools: tuple[str, ...] = ()
    output: str = field(default="", repr=False)

    @property
    def virtual_seconds(self) -> float:
        """How long the run took on its own clock."""
        return max((event.at for event in self.journal), default=0.0)


def run(
    scenario: Scenario,
    agent: Agent,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    quiet: bool = True,
    raised: Raised | None = None,
) -> Outcome:
    """Run a scenario against an agent: first without its faults, then with them.

    Args:
        quiet: keep back what the agent prints and logs.
        raised: gets each exception that leaves the agent, while its frames are as they were.

    Raises:
        UsageError: the agent is another process, and the scenario takes longer than it may, or
            nobody answers at its URL.
    """
    fit(scenario, agent)
    began = time.perf_counter()
    how: dict[str, Any] = {"seed": seed, "progress": progress, "quiet": quiet, "raised": raised}
    calm = play(scenario.healthy(), agent, healthy=True, **how)
    outcomes = tuple(promise for promise in scenario.promises if promise.check.outcome)
    healthy = judge(outcomes, calm.journal, unheard=_unheard(agent))
    shared = _Shared(scenario=scenario, agent=agent, seed=seed, began=began, calm=calm)
    if any(item.judgement.verdict is Verdict.FAIL for item in healthy):
        return shared.outcome(Verdict.UNKNOWN, _first(healthy), healthy=healthy, sick=True)
    if lacking := _lacking(scenario, agent, calm):
        return shared.outcome(Verdict.NOT_APPLICABLE, lacking, healthy=healthy)
    if any(item.judgement.verdict is Verdict.UNKNOWN for item in healthy):
        return shared.outcome(Verdict.UNKNOWN, _first(healthy), healthy=healthy, sick=True)
    rough = play(scenario, agent, **how)
    struck = (Promise(name="faults_struck", check=FaultsStruck()),) if scenario.faults else ()
    promises = judge((*scenario.promises, *struck), rough.journal, unheard=_unheard(agent))
    verdict = worst([item.judgement.verdict for item in promises])
    return shared.outcome(
        verdict, _first(promises), healthy=healthy, promises=promises, rough=rough
    )


def fit(scenario: Scenario, agent: Agent) -> None:
    """Make sure that a scenario can end within its bounds with an agent.

    Raises:
        UsageError: the agent is another process, and the users of the scenario alone take longer,
            or nobody answers at its URL.
    """
    if agent.outside is not None:
        fits(scenario, agent.outside)


def play(
    scenario: Scenario,
    agent: Agent,
    *,
    seed: int = 0,
    healthy: bool = False,
    progress: Progress | None = None,
    quiet: bool = True,
    raised: Raised | None = None,
) -> Played:
    """Run a scenario once and return its journal; nothing is judged.

    Raises:
        UsageError: it is an agent under test that asks for the run, or the scenario names something
            that cannot do what it is for.
    """
    phase = f"{scenario.name} (healthy)" if healthy else scenario.name
    told = None if progress is None else partial(progress, phase)
    return alone(
        partial(_play, scenario, agent, seed, told, healthy=healthy, quiet=quiet, raised=raised)
    )


def _play(
    scenario: Scenario,
    agent: Agent,
    seed: int,
    progress: Callable[[float], None] | None,
    *,
    healthy: bool,
    quiet: bool,
    raised: Raised | None,
) -> Played:
    def told(event: Event, count: int) -> None:
        if progress is not None and count % _EVERY == 1:
            progress(event.at)

    if agent.outside is not None:
        wire = Wire(scenario, agent, agent.outside, seed=seed, healthy=healthy, told=told)
        with wire:
            wire.live(scenario.workload)
        if wire.world.mistake is not None:
            raise wire.world.mistake
        return Played(journal=wire.journal)
    stage = Stage(
        scenario, agent, seed=seed, healthy=healthy, told=told, quiet=quiet, raised=raised
    )
    with stage:
        stage.live(agent, scenario.workload)
    if stage.world.mistake is not None:
        raise stage.world.mistake
    return Played(journal=stage.journal, real_tools=stage.real_tools, output=stage.watch.captured)


def _unheard(agent: Agent) -> str:
    wiring = agent.outside.wiring if agent.outside is not None else ""
    return f": start the service with {wiring}" if wiring else ""


def judge(
    promises: tuple[Promise, ...], journal: Journal, *, unheard: str = ""
) -> tuple[Judged, ...]:
    """Judge a journal by promises. A check that crashes says UNKNOWN, and why.

    Args:
        unheard: what to do where no request arrived.
    """
    judged = []
    for promise in promises:
        try:
            judgement = promise.check.judge(journal)
            if not isinstance(judgement, Judgement):
                raise TypeError(f"judge() returned {judgement!r}; return a Judgement")  # noqa: TRY301 - told like any other
        except Exception as error:  # noqa: BLE001 - a broken check is no verdict on the agent
            reason = f"the check crashed: {type(error).__name__}: {error}"
            judgement = Judgement(verdict=Verdict.UNKNOWN, reason=reason)
        if promise.optional and judgement.verdict is Verdict.UNKNOWN:
            judgement = Judgement(verdict=Verdict.NOT_APPLICABLE, reason=judgement.reason)
        judged.append(Judged(name=promise.name, sentence=promise.sentence, judgement=judgement))
    if not journal.of(Requested):
        reason = f"the agent made no request to a simulated provider{unheard}"
        nothing = Judgement(verdict=Verdict.UNKNOWN, reason=reason)
        judged.append(Judged(name=CALLS_MADE, sentence="the agent asks a model", judgement=nothing))
    return tuple(judged)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What every outcome of a scenario says, whatever the verdict."""

    scenario: Scenario
    agent: Agent
    seed: int
    began: float
    calm: Played

    def outcome(
        self,
        verdict: Verdict,
        reason: str,
        *,
        healthy: tuple[Judged, ...],
        promises: tuple[Judged, ...] = (),
        rough: Played | None = None,
        sick: bool = False,
    ) -> Outcome:
        shown = rough or self.calm
        replies = shown.journal.of(Replied)
        return Outcome(
            scenario=self.scenario.name,
            title=self.scenario.title,
            day=self.scenario.day,
            agent=self.agent.name,
            seed=self.seed,
            verdict=verdict,
            reason=reason,
            promises=promises,
            healthy=healthy,
            healthy_failed=sick,
            calls=len(shown.journal.of(Requested)),
            tokens=sum(
                it.input_tokens + it.cache_read_tokens + it.cache_write_tokens + it.output_tokens
                for it in replies
            ),
            cost_usd=sum(reply.cost_usd for reply in replies),
            virtual_seconds=shown.virtual_seconds,
            real_seconds=time.perf_counter() - self.began,
            real_tools=shown.real_tools,
            notes=_notes(shown.journal),
            journal=rough.journal if rough else Journal(),
            healthy_journal=self.calm.journal,
        )


def _first(judged: tuple[Judged, ...]) -> str:
    """Return in one line what decided: the first promise with the gravest verdict."""
    verdict = worst([item.judgement.verdict for item in judged])
    if verdict is Verdict.PASS:
        return ""
    item = next(item for item in judged if item.judgement.verdict is verdict)
    findings = item.judgement.findings
    return findings[0].message if findings else f"{item.sentence}: {item.judgement.reason}"


def _lacking(scenario: Scenario, agent: Agent, calm: Played) -> str:
    """Return what the scenario needs and the healthy run shows the agent not to have."""
    requests = calm.journal.of(Requested)
    if not requests:
        return ""
    longest = max(request.messages for request in requests if request.turn <= 1)
    have: Mapping[str, tuple[bool, str]] = {
        "tools": (any(request.tools for request in requests), "the agent offers no tools"),
        "tool_functions": (
            bool(calm.journal.of(RanTool)),
            "the agent's tool functions were not found; name them with --tool NAME=module:function"
            if agent.outside is None
            else "its tools are out of reach: the agent is another process",
        ),
        "tool_server": (
            any(event.operation == "run_tool" for event in calm.journal.of(Served)),
            "the agent called no tool over a wire; see docs/tools.md for where they are served",
        ),
        "effects": (
            bool(calm.journal.of(Changed)),
            "the agent changed no record: it has none of the tools, or did not call them",
        ),
        "history": (
            any(request.turn > 1 and request.messages > longest for request in requests),
            "the agent keeps no history: its later requests do not carry the earlier turns",
        ),
        "startup": (agent.startup is not None, "the agent has no startup()"),
        "cacheable_prompt": (
            any(request.cacheable for request in requests),
            "tools and system prompt are too short for the provider to cache",
        ),
    }
    return next((have[need][1] for need in scenario.needs if not have[need][0]), "")


def _notes(journal: Journal) -> tuple[str, ...]:
    notes = [f"{note.kind}: {note.text}" for note in journal.of(Noted)]
    notes += [
        f"the agent reached for {blocked.host} ({blocked.caller}); nothing was sent"
        for blocked in journal.of(Blocked)
    ]
    ended = journal.of(RunEnded)
    if ended and ended[-1].reason != "finished":
        notes.append(f"the run was ended: {ended[-1].reason}")
    open_calls = len(journal.of(Requested)) - len(journal.of(Delivered))
    if open_calls and ended and ended[-1].reason == "finished":
        notes.append(f"{open_calls} requests were still open when the last user had an answer")
    return tuple(dict.fromkeys(notes))
