"""Everything of one run but its users: clock, world, tools, watch and player, joined.

A run lets the users of a scenario live in it; a test written by hand lives in it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from chaoskit.agent import Agent, dummy_keys
from chaoskit.canary import Canaries
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.dialects import TOOL_DIALECTS
from chaoskit.drive import Driver, Guest, Happening
from chaoskit.hosts import Hosts
from chaoskit.journal import (
    Event,
    Journal,
    Noted,
    Planted,
    Replied,
    RuleAdded,
    RunEnded,
    RunStarted,
)
from chaoskit.plan import Plan, PlanState, Rule
from chaoskit.players.ban import banned
from chaoskit.players.detour import detoured
from chaoskit.players.intercept import intercepted
from chaoskit.provider.service import Service
from chaoskit.provider.tokens import counter_at_hand
from chaoskit.records import Records
from chaoskit.scenario import Scenario
from chaoskit.seed import derive, number
from chaoskit.toolbox import Toolbox
from chaoskit.toolserver import ToolServer
from chaoskit.watch import Watch
from chaoskit.who import who
from chaoskit.workload import Workload
from chaoskit.world import World

__all__ = ["Stage", "guests", "happenings"]


class Stage:
    """The simulated world of one scenario. Enter it once; inside, the agent's code lives in it.

    Args:
        told: gets each event as it happens.
        quiet: keep back what the agent prints and logs.
        immune: bounds of the run end the agent's threads and tasks, but not the thread that
            entered.
    """

    def __init__(
        self,
        scenario: Scenario,
        agent: Agent,
        *,
        seed: int = 0,
        healthy: bool = False,
        told: Callable[[Event, int], None] | None = None,
        quiet: bool = True,
        immune: bool = True,
    ) -> None:
        self.scenario = scenario
        self.agent = agent
        self.journal = Journal()
        self.base = number(seed, scenario.name)
        self.clock = VirtualClock(real_limit=scenario.bounds.real)
        self.canaries = Canaries(self.base, made=self._planted)
        self._told = told
        self._immune = immune
        self._seed, self._healthy = seed, healthy
        self.world = World(
            service=Service(scenario.provider, counter=counter_at_hand()),
            behaviour=scenario.behaviour,
            plan=PlanState(Plan(rules=scenario.faults, seed=self.base), canary=self.canaries.make),
            canaries=self.canaries,
            clock=self.clock,
            seed=self.base,
            max_calls=scenario.bounds.calls,
            max_usd=scenario.bounds.usd,
            emit=self.emit,
        )
        self.watch = Watch(self.canaries, self.emit, who, self.clock.now, quiet=quiet)
        self.toolbox = Toolbox(
            declared=scenario.tools,
            records=Records(scenario.records, seed=self.base),
            agent=agent,
            world=self.world,
            seed=self.base,
        )
        self.tools = ToolServer(
            world=self.world,
            tools=self.toolbox,
            dialects=TOOL_DIALECTS,
            settings=scenario.mcp,
            seed=self.base,
            max_calls=scenario.bounds.calls,
            spared=scenario.network.allow,
        )
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self.emit(
            RunStarted(
                at=0.0,
                scenario=self.scenario.name,
                agent=self.agent.name,
                seed=self._seed,
                healthy=self._healthy,
                clock=self.clock.name,
                counter=self.world.service.counter.name,
                users=self.scenario.workload.users,
                rules=self.world.plan.plan.describe(),
            )
        )
        with ExitStack() as stack:
            stack.enter_context(dummy_keys())
            stack.enter_context(
                self.clock.running(derive(self.base, "ambient"), immune=self._immune)
            )
            stack.enter_context(self.watch)
            stack.enter_context(banned(self.world, allow=self.scenario.network.allow))
            stack.enter_context(intercepted(Hosts(self.tools, self.world), self.clock))
            stack.enter_context(detoured(self.world))
            stack.enter_context(self.toolbox)
            self._entered = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end, reason = self.clock.now(), self.clock.stopped or "finished"
        self._entered.__exit__(kind, error, trace)
        for place in dict.fromkeys(self.clock.scheduler.strays):
            text = f"a thread waited for real: {place}"
            self.emit(Noted(at=end, kind="not reproducible", text=text))
        for name in self.clock.scheduler.abandoned:
            self.emit(Noted(at=end, kind="not stopped", text=f"{name} did not end with the run"))
        for remained in self.toolbox.remains():
            self.emit(remained)
        self.emit(RunEnded(at=end, reason=reason))

    def emit(self, event: Event) -> None:
        """Append an event to the journal."""
        self.journal.append(event)
        if self._told is not None:
            self._told(event, len(self.journal))

    def live(self, agent: Agent, workload: Workload) -> None:
        """Let the users of a workload ask an agent, until each of them has an answer."""
        self.toolbox.serve(agent)
        driver = Driver(
            agent=agent.fresh(),
            clock=self.clock,
            emit=self.emit,
            seen=self.watch.seen,
            hide=self.canaries.redact,
            last_call=self.world.last.get,
        )
        driver.play(
            guests(workload, self.base),
            happenings(self.scenario, self.world.service.deploy),
            limit=self.scenario.bounds.virtual,
        )

    def add(self, rule: Rule) -> None:
        """Let a fault strike from now on."""
        self.world.plan.add(rule)
        self.emit(RuleAdded(at=self.clock.now(), rule=rule.describe()))

    @property
    def real_tools(self) -> tuple[str, ...]:
        """The agent's own tools that ran for real, those that were not found included."""
        called = {call.tool for reply in self.journal.of(Replied) for call in reply.tool_calls}
        return (
            *self.toolbox.real,
            *(name for name in self.toolbox.unseen if name in called),
        )

    def _planted(self, label: str) -> None:
        user, turn = who()
        self.emit(Planted(at=self.clock.now(), user=user, turn=turn, canary=label))


def guests(workload: Workload, seed: int) -> list[Guest]:
    """Return the users of a workload."""
    arrivals = workload.arrivals(derive(seed, "arrivals"))
    return [
        Guest(
            name=name,
            arrives=arrives,
            prompts=workload.questions(name),
            session=workload.session_of(number),
            every=workload.every,
            remembers=workload.session,
        )
        for number, (name, arrives) in enumerate(zip(workload.names(), arrivals, strict=True))
    ]


def happenings(scenario: Scenario, deploy: Callable[[], None]) -> list[Happening]:
    """Return what a scenario schedules."""
    return [Happening(at=event.at, what=event.do, effect=deploy) for event in scenario.events]
