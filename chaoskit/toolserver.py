"""The simulated tool server: the host behind a player for all requests that are for tools.

It stands beside the world, which answers requests for models. The same rules decide what goes
wrong; the tools themselves are run by the toolbox.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from chaoskit.again import ByHead
from chaoskit.asking import ask
from chaoskit.errors import ChaoskitError, InternalError, RunStopped
from chaoskit.exchange import Call, HttpRequest, Refusal
from chaoskit.fault import Offered, Result
from chaoskit.journal import Served, Struck
from chaoskit.match import Subject
from chaoskit.mcp import McpSettings
from chaoskit.plan import Decision
from chaoskit.player import Ending, Exchange, Passed
from chaoskit.provider.shelf import Shelf
from chaoskit.relaying import relayed
from chaoskit.seed import derive
from chaoskit.steps import Crash, Frame, Head, Step, Wait
from chaoskit.timed import plain
from chaoskit.tool import ToolHost, ToolSettings
from chaoskit.tool_dialect import (
    Answer,
    Asked,
    ByStatus,
    Desk,
    InLines,
    Ran,
    Relayed,
    Site,
    ToolDialect,
)
from chaoskit.who import over_a_wire, who
from chaoskit.world import World

__all__ = ["ToolServer", "Tools", "Visited"]

_FOREVER = float("inf")


class Tools(ToolHost, Protocol):
    """Who runs the tools."""

    @property
    def there(self) -> tuple[Offered, ...]:
        """The tools as they are where nothing is wrong."""
        ...

    def respond(
        self, name: str, arguments: Mapping[str, object], *, key: str | None = None
    ) -> Result | None:
        """Run a tool for somebody who reaches it over a wire; None where there is none.

        What goes wrong in it, wrong arguments included, is in the result.

        Args:
            key: the idempotency key that came beside the arguments.
        """
        ...

    def declared(self, name: str) -> ToolSettings | None:
        """Return a tool as the scenario declares it; None where there is none."""
        ...

    def listed(self) -> tuple[Offered, ...]:
        """Return the tools as they are now, for whoever asks which there are."""
        ...

    def offered(self, name: str) -> Offered | None:
        """Return a tool as it is where nothing is wrong; None where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Note:
    """What has to be known of an exchange when it ends."""

    asked: Asked
    status: int
    refusal: Refusal | None
    injected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """One request on its way through the server."""

    call: int
    dialect: ToolDialect
    asked: Asked
    desk: Desk
    subject: Subject


class ToolServer:
    """Answers the requests of all dialects by which tools are reached.

    Args:
        world: has the rules, the clock and the journal.
        settings: the `[mcp]` table of the scenario.
        max_calls: bound of the run, as for requests to the provider.
        scale: seconds of the run in a second of its clients.
        own: it listens itself, so that requests are for it whatever host they name.
        spared: hosts that the agent may reach for real.
    """

    def __init__(
        self,
        *,
        world: World,
        tools: Tools,
        dialects: tuple[ToolDialect, ...],
        settings: McpSettings,
        seed: int,
        max_calls: int,
        scale: float = 1.0,
        own: bool = False,
        spared: tuple[str, ...] = (),
    ) -> None:
        self._world = world
        self._tools = tools
        self._dialects = dialects
        self.settings = settings
        self._max_calls = max_calls
        self._scale = scale
        self._own = own
        self._spared = spared
        self._last: Site | None = None
        self._claims: ByHead[ToolDialect | None] = ByHead(lambda _: None)
        self._ids = derive(seed, "tool server")
        self._shelf = Shelf()
        self._calls = 0

    # What a player asks.

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is for tools."""
        return self._dialect(request) is not None

    def exchange(self, request: HttpRequest) -> Exchange:
        """Answer a request.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        dialect, desk = self._claimed(request), self.desk()
        return self.answer(dialect, dialect.decode(request, desk), desk)

    def passes(self, request: HttpRequest) -> bool:
        """Tell whether a request for tools is for one that is real."""
        return self._claimed(request).decode(request, self.desk()).real

    def passing(self, request: HttpRequest) -> Generator[None, Passed, Exchange]:
        """Answer a request, or let it go on to the real host, whose answer is sent to this.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        dialect, desk = self._claimed(request), self.desk()
        visit = self.begin(dialect, dialect.decode(request, desk), desk)
        refused = self.admit(visit)
        if refused is not None:
            return refused
        if visit.asked.real and isinstance(dialect, Relayed):
            return (yield from self._relay(visit, dialect))
        return self._serve(visit)

    def heard(self, line: bytes) -> Exchange | None:
        """Answer a line of a conversation over standard streams; None where it wants no answer.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        for dialect in self._dialects:
            if isinstance(dialect, InLines):
                desk = self.desk()
                return self.answer(dialect, dialect.heard(line, desk), desk)
        raise InternalError("no dialect of tools is spoken in lines")

    def request_of(self, exchange: Exchange) -> object:
        """Return the id of the request that an exchange answers; None where it has none."""
        return exchange.note.asked.notes.get("id") if isinstance(exchange.note, _Note) else None

    def given_up(self, exchange: Exchange) -> object:
        """Return the id of the request that an exchange gives up; None where it gives up none."""
        note = exchange.note
        if not isinstance(note, _Note) or note.injected or note.asked.operation != "cancel":
            return None
        return note.asked.notes.get("cancels")

    def delivered(self, exchange: Exchange, how: Ending, *, sent_content: bool) -> None:
        """Take note of how an exchange ended for the client."""
        del sent_content
        note = exchange.note
        if not isinstance(note, _Note):
            raise InternalError(f"not an exchange of the tool server: {exchange!r}")
        now, refusal = self._world.clock.now(), note.refusal
        self._world.emit(
            Served(
                at=now,
                user=exchange.user,
                turn=exchange.turn,
                call=exchange.call,
                dialect=note.asked.dialect,
                operation=note.asked.operation,
                tool=note.asked.tool,
                how=how,
                seconds=now - exchange.began,
                status=note.status,
                refused=refusal.kind if refusal else "",
                retry_after=refusal.retry_after if refusal else None,
                injected=note.injected,
            )
        )

    def blocked(self, host: str, caller: str) -> None:
        """Take note of an attempt to reach another host."""
        self._world.blocked(host, caller)

    # The way of a request.

    def desk(self) -> Desk:
        """Return what dialects need to answer."""
        return Desk(
            ids=self._ids,
            wall=self._world.clock.wall(),
            shelf=self._shelf,
            settings=self.settings,
            site=self._site(),
        )

    def answer(self, dialect: ToolDialect, asked: Asked, desk: Desk) -> Exchange:
        """Answer a request that was decoded.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        visit = self.begin(dialect, asked, desk)
        return self.admit(visit) or self._serve(visit)

    def begin(self, dialect: ToolDialect, asked: Asked, desk: Desk) -> Visited:
        """Count a request.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        self._calls += 1
        if self._calls > self._max_calls:
            reason = f"calls: more than {self._max_calls} to tools"
            self._world.clock.stop(reason)
            raise RunStopped(reason)
        user, turn = who()
        subject = Subject(
            user=user,
            number=self._world.number_of(user),
            turn=turn,
            now=self._world.clock.now(),
            operation=asked.operation,
            dialect=asked.dialect,
            called=(asked.tool,) if asked.tool else (),
        )
        return Visited(call=self._calls, dialect=dialect, asked=asked, desk=desk, subject=subject)

    def admit(self, visit: Visited) -> Exchange | None:
        """Return what stands in the way of a request, or None.

        Raises:
            RunStopped: the scenario is mistaken.
        """
        asked = visit.asked
        for decision in self._decide(visit, "admit"):
            outcome = decision.again or self._ask(decision, "admit", _CALL)
            if outcome is None:
                continue
            refusal: Refusal | None = None
            steps: tuple[Step, ...] | None
            if isinstance(outcome, Refusal):
                refusal = outcome
                steps = self._refuse(visit, outcome)
            else:
                steps = outcome
            if steps is None:
                continue  # it makes no sense for this request
            self._world.plan.struck(decision, outcome)
            self._struck(decision, "admit", asked, tell_plan=False)
            return self._end(visit, steps, refusal=refusal, injected=True)
        if asked.refusal is not None:
            steps = self._refuse(visit, asked.refusal)
            return self._end(visit, steps or (), refusal=asked.refusal)
        return None

    def close(
        self,
        visit: Visited,
        frames: tuple[Frame, ...],
        encode: Callable[[tuple[Frame, ...]], tuple[Step, ...]],
    ) -> Exchange:
        """Return an answer, after what goes wrong with its messages and with its bytes.

        Raises:
            RunStopped: the scenario is mistaken.
        """
        maker = visit.dialect.maker(visit.asked)
        meant = len(frames) > 0
        for decision in self._decide(visit, "frames"):
            changed: tuple[Frame, ...] = self._ask(decision, "frames", frames, maker)
            if changed is not frames:
                frames = changed
                self._struck(decision, "frames", visit.asked)
        return self._end(visit, encode(frames), whole=bool(frames) or not meant)

    def _serve(self, visit: Visited) -> Exchange:
        dialect, asked, desk = visit.dialect, visit.asked, visit.desk
        answer: Answer = None
        seconds = 0.0
        if asked.real:
            told = f"{asked.tool} is real, and only reached from within the process of the run"
            refusal = Refusal(kind="server_error", status=501, message=told)
            return self._end(visit, self._refuse(visit, refusal) or (), refusal=refusal)
        if asked.operation == "run_tool":
            with over_a_wire(asked.dialect):
                result = self._tools.respond(asked.tool, asked.arguments, key=asked.key)
            tool = self._tools.offered(asked.tool)
            if result is None or tool is None:
                refusal = Refusal(
                    kind="not_found", code="unknown_tool", message=f"Unknown tool: {asked.tool}"
                )
                return self._end(visit, self._refuse(visit, refusal) or (), refusal=refusal)
            answer = Ran(tool=tool, result=result)
            if (failed := self._failed(visit, answer)) is not None:
                return failed
            seconds = _FOREVER if result.lost else result.seconds
        elif asked.operation == "list_tools":
            with over_a_wire(asked.dialect):
                answer = self._tools.listed()
        frames = dialect.frames(asked, answer, desk)
        return self.close(visit, frames, lambda made: dialect.steps(asked, made, seconds, desk))

    def _failed(self, visit: Visited, ran: Ran) -> Exchange | None:
        """Return what is said of a failure in a dialect in which it is a refusal."""
        refusal = visit.dialect.failure(ran) if isinstance(visit.dialect, ByStatus) else None
        if refusal is None:
            return None
        steps = _later(ran.result.seconds, self._refuse(visit, refusal) or ())
        return self._end(visit, steps, refusal=refusal)

    def _relay(self, visit: Visited, dialect: Relayed) -> Generator[None, Passed, Exchange]:
        """Let the real host answer, and return what is left of its answer."""
        asked, tool = visit.asked, self._tools.declared(visit.asked.tool)
        if tool is None:
            raise InternalError(f"no tool is called {asked.tool!r}")
        outcome = yield from relayed(asked, tool, dialect, self._tools)
        result, passed = outcome.result, outcome.passed
        seconds = _FOREVER if result.lost else result.seconds
        if outcome.same and passed is not None:
            return self._end(visit, plain(passed.reply, wait=seconds))
        if (failed := self._failed(visit, Ran(tool=tool.offered, result=result))) is not None:
            return failed
        return self._end(visit, _later(seconds, dialect.retold(result, passed, visit.desk)))

    def _end(
        self,
        visit: Visited,
        steps: tuple[Step, ...],
        *,
        refusal: Refusal | None = None,
        injected: bool = False,
        whole: bool = True,
    ) -> Exchange:
        """Return the exchange, after what goes wrong with its bytes."""
        for decision in self._decide(visit, "steps"):
            damaged = self._ask(decision, "steps", steps)
            if damaged is not steps:
                steps = damaged
                self._struck(decision, "steps", visit.asked)
        if any(isinstance(step, Crash) for step in steps):
            self._shelf = Shelf()
        heads = [step.status for step in steps if isinstance(step, Head)]
        return Exchange(
            call=visit.call,
            user=visit.subject.user,
            turn=visit.subject.turn,
            began=visit.subject.now,
            steps=steps,
            whole=whole,
            note=_Note(
                asked=visit.asked,
                status=heads[0] if heads else 0,
                refusal=refusal,
                injected=injected,
            ),
        )

    def _ask(
        self, decision: Decision, stage: Literal["admit", "frames", "steps"], *given: object
    ) -> Any:
        try:
            return ask(decision.fault, stage, *given, decision.strike)
        except ChaoskitError as error:
            raise self._world.failed(error) from None

    def _refuse(self, visit: Visited, refusal: Refusal) -> tuple[Step, ...] | None:
        if self._scale != 1 and refusal.retry_after is not None:
            wait = refusal.retry_after / self._scale
            refusal = replace(refusal, retry_after=wait, retry_after_form="ms")
        return visit.dialect.refuse(refusal, visit.asked, visit.desk)

    def _decide(
        self, visit: Visited, stage: Literal["admit", "frames", "steps"]
    ) -> tuple[Decision, ...]:
        return self._world.plan.decide(visit.subject, stage)

    def _struck(
        self,
        decision: Decision,
        stage: Literal["admit", "frames", "steps"],
        asked: Asked,
        *,
        tell_plan: bool = True,
    ) -> None:
        if tell_plan:
            self._world.plan.struck(decision)
        self._world.emit(
            Struck(
                at=decision.subject.now,
                user=decision.subject.user,
                turn=decision.subject.turn,
                call=0,
                rule=decision.rule,
                fault=type(decision.fault).__name__,
                stage=stage,
                detail=asked.tool or asked.operation,
            )
        )

    def _claimed(self, request: HttpRequest) -> ToolDialect:
        dialect = self._dialect(request)
        if dialect is None:
            raise InternalError(f"no dialect of tools claims {request.host}{request.path}")
        return dialect

    def _dialect(self, request: HttpRequest) -> ToolDialect | None:
        site = self._site()
        if site.hosts:  # at hosts of its own the body may matter
            return self._claiming(request, site)
        return self._claims(request)

    def _claiming(self, request: HttpRequest, site: Site) -> ToolDialect | None:
        for dialect in self._dialects:
            if dialect.claims(request, site):
                return dialect
        return None

    def _site(self) -> Site:
        """Return what is there now; it is asked for with every request, and seldom another."""
        tools, hosts, last = self._tools.there, self.settings.hosts, self._last
        if last is not None and last.tools is tools and last.hosts is hosts:
            return last
        wanted = self._own or not all(tool.real for tool in tools)
        made = Site(tools=tools, hosts=hosts, wanted=wanted, own=self._own, spared=self._spared)
        self._last = made
        self._claims = ByHead(lambda request: self._claiming(request, made))
        return made


def _later(seconds: float, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return (Wait(seconds), *steps) if seconds else steps


_CALL = Call(dialect="tools", provider="tools")
