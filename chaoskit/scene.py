"""What a run has wherever its agent lives: a world, a journal, a watch, and users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaoskit.agent import Agent
from chaoskit.canary import Canaries
from chaoskit.clock import Clock
from chaoskit.dialects import TOOL_DIALECTS
from chaoskit.drive import Driver, Guest, Happening
from chaoskit.journal import Event, Journal, Planted, RunEnded, RunStarted
from chaoskit.plan import Plan, PlanState
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

__all__ = ["Scene"]


class Scene:
    """The world of one scenario, before anybody says where the agent lives.

    Args:
        told: gets each event as it happens.
        quiet: keep back what the agent prints and logs.
        together: as the world has it.
    """

    def __init__(
        self,
        scenario: Scenario,
        agent: Agent,
        clock: Clock,
        *,
        seed: int = 0,
        healthy: bool = False,
        told: Callable[[Event, int], None] | None = None,
        quiet: bool = False,
        together: bool = False,
        raised: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.agent = agent
        self.journal = Journal()
        self.base = number(seed, scenario.name)
        self.canaries = Canaries(self.base, made=self._planted)
        self._clock = clock
        self._told = told
        self._raised = raised
        self._seed, self._healthy = seed, healthy
        self.world = World(
            service=Service(scenario.provider, counter=counter_at_hand()),
            behaviour=scenario.behaviour,
            plan=PlanState(Plan(rules=scenario.faults, seed=self.base), canary=self.canaries.make),
            canaries=self.canaries,
            clock=clock,
            seed=self.base,
            max_calls=scenario.bounds.calls,
            max_usd=scenario.bounds.usd,
            emit=self.emit,
            scale=clock.scale,
            together=together,
        )
        self.watch = Watch(self.canaries, self.emit, who, clock.now, quiet=quiet)
        self.toolbox = Toolbox(
            declared=scenario.tools,
            records=Records(scenario.records, seed=self.base),
            agent=agent,
            world=self.world,
            seed=self.base,
        )

    def emit(self, event: Event) -> None:
        """Append an event to the journal."""
        self.journal.append(event)
        if self._told is not None:
            self._told(event, len(self.journal))

    def _begin(self) -> None:
        self.emit(
            RunStarted(
                at=0.0,
                scenario=self.scenario.name,
                agent=self.agent.name,
                seed=self._seed,
                healthy=self._healthy,
                clock=self._clock.name,
                counter=self.world.service.counter.name,
                users=self.scenario.workload.users,
                rules=self.world.plan.plan.describe(),
            )
        )

    def _end(self, at: float, reason: str) -> None:
        for remained in self.toolbox.remains():
            self.emit(remained)
        self.emit(RunEnded(at=at, reason=reason))

    def _tool_server(self, **how: Any) -> ToolServer:
        """Return what answers those who reach the tools over a wire."""
        return ToolServer(
            world=self.world,
            tools=self.toolbox,
            dialects=TOOL_DIALECTS,
            settings=self.scenario.mcp,
            seed=self.base,
            max_calls=self.scenario.bounds.calls,
            **how,
        )

    def _play(self, agent: Agent, workload: Workload, **how: Any) -> None:
        """Let the users of a workload ask an agent, until each of them has an answer."""
        driver = Driver(
            agent=agent,
            clock=self._clock,
            emit=self.emit,
            seen=self.watch.seen,
            hide=self.canaries.redact,
            last_call=self.world.last.get,
            raised=self._raised,
            **how,
        )
        events = self.scenario.events
        driver.play(
            self._guests(workload),
            [Happening(at=one.at, what=one.do, effect=self.world.service.deploy) for one in events],
            limit=self.scenario.bounds.virtual,
        )

    def _guests(self, workload: Workload) -> list[Guest]:
        arrivals = workload.arrivals(derive(self.base, "arrivals"))
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

    def _planted(self, label: str) -> None:
        user, turn = who()
        self.emit(Planted(at=self._clock.now(), user=user, turn=turn, canary=label))
