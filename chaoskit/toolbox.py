"""The agent's tools during a run: found, observed, and damaged where a rule says so."""

from __future__ import annotations

import copy
import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self

from chaoskit.agent import Agent
from chaoskit.arguments import is_valid, violations
from chaoskit.asking import ask
from chaoskit.canary import labels_in
from chaoskit.dotted import Place, locate
from chaoskit.errors import ChaoskitError, RunStopped, UsageError
from chaoskit.exchange import Call
from chaoskit.fault import Offered, Result, Run, Stage, ToolRequest
from chaoskit.journal import Changed, RanTool, Remained, Struck
from chaoskit.match import Operation, Subject
from chaoskit.plan import Decision
from chaoskit.records import Change, RecordError, Records
from chaoskit.seed import derive
from chaoskit.tool import FakerResult, SimulatedToolError, ToolSettings, as_text
from chaoskit.tools.find import find
from chaoskit.tools.handler import handled
from chaoskit.tools.patch import patched
from chaoskit.tools.refusal import met
from chaoskit.tools.results import make
from chaoskit.tools.simulated import SimulatedTool
from chaoskit.tools.view import RecordsView
from chaoskit.tools.work import work
from chaoskit.who import who, wire
from chaoskit.world import World

__all__ = ["Toolbox"]

_LONGEST = 50_000  # characters of a result that a journal keeps
_NO_CALL = Call(dialect="tools", provider="tools")


class Toolbox:
    """The host of the simulated tools of one run.

    Tools that the scenario declares are simulated from the start. Any other tool is looked for
    when the agent first offers it to a model; its own function then runs, and faults may change
    what it returns.

    Args:
        declared: the scenario's tools.
        records: what they read and change.
    """

    def __init__(
        self,
        *,
        declared: tuple[ToolSettings, ...],
        records: Records,
        agent: Agent,
        world: World,
        seed: int,
    ) -> None:
        self.seed = seed
        self.records = records
        self._declared: list[ToolSettings] = []
        self._there: tuple[Offered, ...] = ()
        self._agents = [agent]
        self._world = world
        self._clock = world.clock
        self._patches = ExitStack()
        self._looked_for: set[str] = set()
        self._schemas: dict[str, Mapping[str, object]] = {}
        self._served: dict[str, SimulatedTool] = {}
        self._done: dict[tuple[str, str], object] = {}
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._real: dict[str, None] = {}
        self._unseen: dict[str, None] = {}
        for tool in declared:
            self._know(tool)

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

    @property
    def serves(self) -> bool:
        """Whether there are tools that a client on a wire can reach."""
        return any(not tool.real for tool in self._declared)

    @property
    def there(self) -> tuple[Offered, ...]:
        """The declared tools that are reached over a wire, as they are where nothing is wrong."""
        return self._there

    def declare(self, tool: ToolSettings) -> None:
        """Answer for a tool from now on."""
        self._know(tool)
        self._look_for(tool)

    def _know(self, tool: ToolSettings) -> None:
        """Take note of a tool, in place of what had its name."""
        self._declared = [*(one for one in self._declared if one.name != tool.name), tool]
        self._there = tuple(one.offered for one in self._declared if one.http or not one.real)
        self._served.pop(tool.name, None)

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

    def before(self, tool: ToolSettings, request: ToolRequest, *, admitted: bool = False) -> Run:
        """Let faults decide how a tool that is about to run is carried out.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        if self._clock.stopped:
            raise RunStopped(self._clock.stopped)
        subject = self._subject("run_tool", (tool.name,))
        instead = None if admitted else self._refused(subject)
        instead = instead or self._unlike(tool, request, subject) or self._limited(tool)
        if instead is not None:
            return Run(instead=instead)
        run = Run()
        for decision in self._world.plan.decide(subject, "run"):
            changed = self._ask(decision, "run", run, request, decision.strike)
            if changed is not run:
                run = changed
                self._struck(decision, "run", tool.name)
        return run

    def carry_out(self, tool: ToolSettings, request: ToolRequest, run: Run) -> object:
        """Do to the world what the scenario says that the tool does, and return its value.

        Raises:
            SimulatedToolError: it fails.
            RunStopped: what the scenario says of it is wrong.
        """
        key = _key(tool, request)
        mark = (tool.name, as_text(key))
        remembers = key is not None
        if remembers and mark in self._done:
            return copy.deepcopy(self._done[mark])
        try:
            value = self._value(tool, request, run)
        except RecordError as problem:
            raise SimulatedToolError(str(problem), kind=problem.kind) from None
        except ChaoskitError as error:
            raise self.failed(error) from None
        if remembers:
            self._done[mark] = copy.deepcopy(value)
        return value

    def after(
        self,
        tool: ToolSettings,
        request: ToolRequest,
        result: Result,
        *,
        run: Run,
        seconds: float,
        raised: bool,
    ) -> Result:
        """Let faults strike, journal the outcome, and return what the agent gets."""
        world, given = self._world, result
        for decision in world.plan.decide(self._subject("run_tool", (tool.name,)), "result"):
            changed = self._ask(decision, "result", result, request, decision.strike)
            if changed is not result:
                result = changed
                self._struck(decision, "result", tool.name)
        arguments = as_text(request.arguments)
        hidden = world.canaries.redact(arguments)
        schema = self._schemas.get(tool.name)
        own = tool.real and result is given and run.instead is None
        if own:
            self._real[tool.name] = None
        user, turn = who()
        world.emit(
            RanTool(
                at=self._clock.now(),
                user=user,
                turn=turn,
                tool=tool.name,
                arguments=hidden,
                outcome=_outcome(result, run, raised=raised and result is given),
                result=world.canaries.redact(
                    as_text(result.value) if result.error is None else result.error
                )[:_LONGEST],
                valid=None if schema is None else is_valid(schema, arguments),
                simulated=not own,
                seconds=seconds,
                canaries=labels_in(hidden),
                recognised=_key(tool, request) is not None,
            )
        )
        return result

    def function(self, name: str) -> SimulatedTool:
        """Return a declared tool as a function; its coroutine function is `awaited`.

        Raises:
            UsageError: there is no such tool.
        """
        tool = next((tool for tool in self._declared if tool.name == name), None)
        if tool is None:
            known = ", ".join(tool.name for tool in self._declared) or "none"
            raise UsageError(f"there is no tool {name!r} in this world; there are: {known}")
        self._unseen.pop(name, None)
        return SimulatedTool(tool, self)

    def remains(self) -> Iterator[Remained]:
        """Yield what the records look like."""
        for name in self.records:
            text = self._world.canaries.redact(as_text(self.records.all(name)))
            yield Remained(at=self._clock.now(), collection=name, records=text)

    # What a server of tools asks.

    def listed(self) -> tuple[Offered, ...]:
        """Return the tools as they are now, for whoever asks which there are."""
        own = tuple(tool for tool in self._there if not tool.real)
        for tool in own:
            self._unseen.pop(tool.name, None)  # whoever lists it here calls it here
        return self.offer(own)

    def offer(self, tools: tuple[Offered, ...]) -> tuple[Offered, ...]:
        """Return tools as they are now, for whoever asks which there are."""
        subject = self._subject("list_tools", tuple(tool.name for tool in tools))
        return tuple(tool for tool in self._offer(tools, subject) if tool.listed)

    def adopt(self, tool: Offered) -> ToolSettings:
        """Return the settings of a tool that another server runs, as it was last listed there."""
        if tool.schema:
            self._schemas[tool.name] = tool.schema
        schema = self._schemas.get(tool.name, {})
        return ToolSettings(name=tool.name, real=True, input={"type": "object", **schema})

    def respond(
        self, name: str, arguments: Mapping[str, object], *, key: str | None = None
    ) -> Result | None:
        """Run a declared tool for somebody who reaches it over a wire; None where there is none.

        What is wrong with the arguments is an error of the tool, which a model may read.

        Args:
            key: the idempotency key that came beside the arguments.
        """
        tool = self.declared(name)
        if tool is None or tool.real:
            return None
        self._unseen.pop(name, None)
        if name not in self._served:
            self._served[name] = SimulatedTool(tool, self)
            self._schemas.setdefault(name, tool.schema)
        return self._served[name].respond(arguments, key=key)

    def offered(self, name: str) -> Offered | None:
        """Return a declared tool as it is where nothing is wrong; None where there is none."""
        return next((tool for tool in self._there if tool.name == name), None)

    def declared(self, name: str) -> ToolSettings | None:
        """Return a tool as the scenario declares it; None where there is none."""
        return next((tool for tool in self._declared if tool.name == name), None)

    # The stages.

    def _subject(self, operation: Operation, called: tuple[str, ...]) -> Subject:
        user, turn = who()
        return Subject(
            user=user,
            number=self._world.number_of(user),
            turn=turn,
            now=self._clock.now(),
            operation=operation,
            dialect=wire(),
            called=called,
        )

    def _ask(self, decision: Decision, stage: Stage, *given: object) -> Any:
        try:
            return ask(decision.fault, stage, *given)
        except ChaoskitError as error:
            raise self.failed(error) from None

    def _struck(self, decision: Decision, stage: Stage, detail: str) -> None:
        self._world.plan.struck(decision)
        user, turn = who()
        self._world.emit(
            Struck(
                at=self._clock.now(),
                user=user,
                turn=turn,
                call=0,
                rule=decision.rule,
                fault=type(decision.fault).__name__,
                stage=stage,
                detail=detail,
            )
        )

    def _refused(self, subject: Subject) -> Result | None:
        """Return what a request to a tool meets on its way, if anything."""
        for decision in self._world.plan.decide(subject, "admit"):
            outcome = decision.again or self._ask(decision, "admit", _NO_CALL, decision.strike)
            if outcome is not None:
                self._world.plan.struck(decision, outcome)
                self._struck(decision, "admit", subject.called[0])
                return met(outcome)
        return None

    def _offer(self, tools: tuple[Offered, ...], subject: Subject) -> tuple[Offered, ...]:
        for decision in self._world.plan.decide(subject, "offer"):
            changed = self._ask(decision, "offer", tools, decision.strike)
            if changed != tools:
                tools = changed
                self._struck(decision, "offer", ", ".join(subject.called))
        return tools

    def _unlike(self, tool: ToolSettings, request: ToolRequest, subject: Subject) -> Result | None:
        """Return the answer to a call that does not fit the tool as it is now."""
        schema = self._schemas.get(tool.name, tool.schema)
        known = replace(tool.offered, schema=schema)
        now = {one.name: one for one in self._offer((known,), subject)}.get(tool.name)
        if now is None:
            return Result(error=f"unknown tool: {tool.name}", kind="not_found")
        checked = now.schema != schema or tool.name in self._served
        wrong = violations(now.schema, request.arguments) if checked else ()
        told = f"input validation error: {'; '.join(wrong)}"
        return Result(error=told, kind="invalid_request") if wrong else None

    def _limited(self, tool: ToolSettings) -> Result | None:
        if tool.limit is None:
            return None
        now, recent = self._clock.now(), self._recent[tool.name]
        while recent and recent[0] <= now - tool.limit.per:
            recent.popleft()
        if len(recent) < tool.limit.calls:
            recent.append(now)
            return None
        wait = recent[0] + tool.limit.per - now
        return Result(
            error=f"rate limit of {tool.name}: {tool.limit.calls} calls in {tool.limit.per:g} s; "
            f"try again in {math.ceil(wait)} s",
            retry_after=wait,
            kind="rate_limited",
        )

    def _value(self, tool: ToolSettings, request: ToolRequest, run: Run) -> object:
        user, turn = who()
        arguments = request.arguments

        def changed(change: Change) -> None:
            hide = self._world.canaries.redact
            self._world.emit(
                Changed(
                    at=self._clock.now(),
                    user=user,
                    turn=turn,
                    tool=tool.name,
                    arguments=hide(as_text(arguments)),
                    action=change.action,
                    collection=change.collection,
                    key=change.key,
                    record=hide(as_text(change.after or change.before)),
                )
            )

        view = RecordsView(
            records=self.records,
            now=self._clock.now(),
            age=run.age,
            owner=self._world.number_of(user),
            changed=changed,
        )
        if tool.handler:
            return handled(tool.handler, view, arguments)
        made = tool.result
        if tool.steps:
            value = work(tool.steps, arguments, view, aside=tool.idempotent_by, share=run.share)
            if made == FakerResult():
                return value
        return make(made, derive(self.seed, "tool", tool.name, as_text(arguments)))

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
        if tool.http:
            return  # the agent's own function calls it
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


def _key(tool: ToolSettings, request: ToolRequest) -> object:
    """Return what tells that a call is a repetition; None where it carries no such thing."""
    return request.key if tool.key_header else request.arguments.get(tool.idempotent_by)


def _outcome(
    result: Result, run: Run, *, raised: bool
) -> Literal["result", "error", "raised", "lost", "refused"]:
    if result.lost:
        return "lost"
    if run.instead is not None:
        return "refused"
    if result.error is not None:
        return "raised" if raised else "error"
    return "result"
