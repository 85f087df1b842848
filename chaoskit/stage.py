"""Everything of one run but its users: clock, world, tools, watch and player, joined.

A run lets the users of a scenario live in it; a test written by hand lives in it itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from chaoskit.agent import Agent, dummy_keys
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.hosts import Hosts
from chaoskit.journal import Event, Noted, Replied, RuleAdded
from chaoskit.plan import Rule
from chaoskit.players.ban import banned
from chaoskit.players.detour import detoured
from chaoskit.players.intercept import intercepted
from chaoskit.scenario import Scenario
from chaoskit.scene import Scene
from chaoskit.seed import derive
from chaoskit.workload import Workload

__all__ = ["Stage"]


class Stage(Scene):
    """The simulated world of one scenario. Enter it once; inside, the agent's code lives in it.

    Args:
        told: gets each event as it happens.
        quiet: keep back what the agent prints and logs.
        immune: bounds of the run end the agent's threads and tasks, but not the thread that
            entered.
        raised: gets each exception that leaves the agent, and the user whose turn it was.
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
        raised: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.clock = VirtualClock(real_limit=scenario.bounds.real)
        super().__init__(
            scenario,
            agent,
            self.clock,
            seed=seed,
            healthy=healthy,
            told=told,
            quiet=quiet,
            raised=raised,
        )
        self._immune = immune
        self.tools = self._tool_server(spared=scenario.network.allow)
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self._begin()
        with ExitStack() as stack:
            stack.enter_context(dummy_keys())
            stack.enter_context(
                self.clock.running(derive(self.base, "ambient"), immune=self._immune)
            )
            stack.enter_context(self.watch)
            stack.enter_context(banned(self.world, allow=self.scenario.network.allow))
            hosts = Hosts(self.tools, self.world)
            stack.enter_context(intercepted(hosts, self.clock))
            stack.enter_context(detoured(hosts, self.watch.sent))
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
        self._end(end, reason)

    def live(self, agent: Agent, workload: Workload) -> None:
        """Let the users of a workload ask an agent, until each of them has an answer."""
        self.toolbox.serve(agent)
        self._play(agent.fresh(), workload)

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
