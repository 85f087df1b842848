"""The agent's tools during a run: found, observed, and damaged where a rule says so."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from chaoskit.agent import Agent
from chaoskit.arguments import is_valid
from chaoskit.asking import ask
from chaoskit.canary import labels_in
from chaoskit.dotted import Place, locate
from chaoskit.errors import ChaoskitError, RunStopped
from chaoskit.exchange import Call
from chaoskit.fault import Result, ToolRequest
from chaoskit.journal import RanTool, Struck
from chaoskit.match import Subject
from chaoskit.tool import ToolSettings, as_text
from chaoskit.tools.find import find
from chaoskit.tools.patch import patched
from chaoskit.tools.simulated import SimulatedTool
from chaoskit.who import who
from chaoskit.world import World

__all__ = ["Toolbox"]

_LONGEST = 50_000  # characters of a result that a journal keeps


class Toolbox:
    """The host of the simulated tools of one run.

    Tools that the scenario declares are simulated from the start. Any other tool is looked for
    when the agent first offers it to a model; its own function then runs, and faults may change
    what it returns.

    Args:
        declared: the scenario's tools.
    """

    def __init__(
        self, *, declared: tuple[ToolSettings, ...], agent: Agent, world: World, seed: int
    ) -> None:
        self.seed = seed
        self._declared = list(declared)
        self._agents = [agent]
        self._world = world
        self._clock = world.clock
        self._patches = ExitStack()
        self._looked_for: set[str] = set()
        self._schemas: dict[str, Mapping[str, object]] = {}
        self._real: dict[str, None] = {}
        self._unseen: dict[str, None] = {}

    def __enter__(self) -> Self:
        for tool in self._declared:
            self._look_for(tool)
        self._world.on_offer = self._offered
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._patches.close()

    @property
    def real(self) -> tuple[str, ...]:
        """The agent's own tools that ran for real, under observation."""
        return tuple(self._real)

    @property
    def unseen(self) -> tuple[str, ...]:
        """The tools whose functions were not found: they run for real, unobserved."""
        return tuple(self._unseen)

    def declare(self, tool: ToolSettings) -> None:
        """Answer for a tool from now on."""
        self._declared.append(tool)
        self._look_for(tool)

    def serve(self, agent: Agent) -> None:
        """Look for tools where another agent has them, too."""
        if agent in self._agents:
            return
        self._agents.append(agent)
        for tool in self._declared:
            if tool.name in self._unseen:
                self._look_for(tool)

    # What a simulated tool asks.

    def now(self) -> float:
        """Return seconds since the run began."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread."""
        self._clock.sleep(seconds)

    async def pause(self, seconds: float) -> None:
        """Let time pass for the calling task."""
        await self._clock.pause(seconds)

    def failed(self, error: ChaoskitError) -> RunStopped:
        """Return what ends the run for a mistake that is not the agent's to forgive."""
        return self._world.failed(error)

    def before(self, tool: ToolSettings, request: ToolRequest) -> None:  # noqa: ARG002 - the protocol's
        """Take note that a tool is about to run.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        if self._clock.stopped:
            raise RunStopped(self._clock.stopped)

    def after(
        self,
        tool: ToolSettings,
        request: ToolRequest,
        result: Result,
        *,
        seconds: float,
        raised: bool,
    ) -> Result:
        """Let faults strike, journal the outcome, and return what the agent gets."""
        world, given = self._world, result
        user, turn = who()
        now = self._clock.now()
        subject = Subject(
            user=user,
            number=world.number_of(user),
            turn=turn,
            now=now,
            operation="run_tool",
            called=(tool.name,),
        )
        for decision in world.plan.decide(subject, "result"):
            fault = decision.fault
            try:
                changed = ask(fault, "result", result, request, decision.strike)
            except ChaoskitError as error:
                raise self.failed(error) from None
            if changed is not result:
                result = changed
                world.plan.struck(decision)
                world.emit(
                    Struck(
                        at=now,
                        user=user,
                        turn=turn,
                        call=0,
                        rule=decision.rule,
                        fault=type(fault).__name__,
                        stage="result",
                        detail=tool.name,
                    )
                )
        arguments = as_text(request.arguments)
        hidden = world.canaries.redact(arguments)
        schema = self._schemas.get(tool.name)
        failed = "raised" if raised and result is given else "error"
        if tool.real and result is given:
            self._real[tool.name] = None
        world.emit(
            RanTool(
                at=now,
                user=user,
                turn=turn,
                tool=tool.name,
                arguments=hidden,
                outcome="result" if result.error is None else failed,  # type: ignore[arg-type]  # two of three words
                result=world.canaries.redact(
                    as_text(result.value) if result.error is None else result.error
                )[:_LONGEST],
                valid=None if schema is None else is_valid(schema, arguments),
                simulated=not tool.real or result is not given,
                seconds=seconds,
                canaries=labels_in(hidden),
            )
        )
        return result

    # Finding functions.

    def _offered(self, call: Call) -> None:
        """Look for the functions of tools that the agent offers for the first time."""
        for spec in call.tools:
            self._schemas[spec.name] = spec.schema
            if spec.name not in self._looked_for:
                self._look_for(ToolSettings(name=spec.name, real=True))

    def _look_for(self, tool: ToolSettings) -> None:
        self._looked_for.add(tool.name)
        self._unseen.pop(tool.name, None)
        places = self._places(tool)
        for place in places:
            self._patches.enter_context(
                patched(place, lambda original: SimulatedTool(tool, self, original))
            )
        if not places:
            self._unseen[tool.name] = None

    def _places(self, tool: ToolSettings) -> tuple[Place, ...]:
        named = (agent.tools.get(tool.name, "") for agent in self._agents)
        path = tool.patch or next(filter(None, named), "")
        if path:
            return (locate(path),)
        modules = dict.fromkeys(agent.module for agent in self._agents if agent.module is not None)
        found = (find(tool.name, module) for module in modules)
        return next(filter(None, found), ())
