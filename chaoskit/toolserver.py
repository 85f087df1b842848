"""The simulated tool server: the host behind a player for all requests that are for tools.

It stands beside the world, which answers requests for models. The same rules decide what goes
wrong; the tools themselves are run by the toolbox.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

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
from chaoskit.seed import derive
from chaoskit.steps import Crash, Frame, Head, Step, Wait
from chaoskit.timed import plain
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

__all__ = ["ToolServer", "Tools"]

_FOREVER = float("inf")


class Tools(Protocol):
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

    def forwarded(
        self, name: str, arguments: Mapping[str, object], *, key: str | None = None
    ) -> Generator[None, Result, Result]:
        """Let faults strike a tool that a real host carries out, and return what the caller gets.

        Each time it is to be carried out, it wants what came of it, or the exception.
        """
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
class _Said:
    steps: tuple[Step, ...]
    refusal: Refusal | None = None
    injected: bool = False


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
        dialect = self._dialect(request)
        if dialect is None:
            raise InternalError(f"no dialect of tools claims {request.host}{request.path}")
        desk = self.desk()
        return self.answer(dialect, dialect.decode(request, desk), desk)

    def passing(self, request: HttpRequest) -> Generator[None, Passed, Exchange]:
        """Answer a request, or let it go on to the real host, whose answer is sent to this.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        dialect = self._dialect(request)
        if dialect is None:
            raise InternalError(f"no dialect of tools claims {request.host}{request.path}")
        desk = self.desk()
        try:
            asked = dialect.decode(request, desk)
            return (yield from self._answer(dialect, asked, desk, passes=True))
        except ChaoskitError as error:
            raise self._world.failed(error) from None

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
            site=Site(
                tools=self._tools.there,
                wanted=self._own or not all(tool.real for tool in self._tools.there),
                own=self._own,
                spared=self._spared,
            ),
        )

    def answer(self, dialect: ToolDialect, asked: Asked, desk: Desk) -> Exchange:
        """Answer a request that was decoded.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        try:
            next(self._answer(dialect, asked, desk, passes=False))
        except StopIteration as done:
            made: Exchange = done.value
            return made
        except ChaoskitError as error:
            raise self._world.failed(error) from None
        raise InternalError(f"{asked.tool} was to be passed on where no real host is in reach")

    def _answer(
        self, dialect: ToolDialect, asked: Asked, desk: Desk, *, passes: bool
    ) -> Generator[None, Passed, Exchange]:
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
        said = self._admitted(dialect, asked, desk, subject)
        if said is None and asked.real:
            said = yield from self._relayed(dialect, asked, desk, passes=passes)
        if said is None:
            said = self._served(dialect, asked, desk, subject)
        steps = said.steps
        for decision in self._decide(subject, "steps"):
            damaged = ask(decision.fault, "steps", steps, decision.strike)
            if damaged is not steps:
                steps = damaged
                self._struck(decision, "steps", asked)
        if any(isinstance(step, Crash) for step in steps):
            self._shelf = Shelf()
        heads = [step.status for step in steps if isinstance(step, Head)]
        return Exchange(
            call=self._calls,
            user=user,
            turn=turn,
            began=subject.now,
            steps=steps,
            note=_Note(
                asked=asked,
                status=heads[0] if heads else 0,
                refusal=said.refusal,
                injected=said.injected,
            ),
        )

    def _admitted(
        self, dialect: ToolDialect, asked: Asked, desk: Desk, subject: Subject
    ) -> _Said | None:
        """Return what stands in the way of a request, or None."""
        for decision in self._decide(subject, "admit"):
            outcome = decision.again or (ask(decision.fault, "admit", _CALL, decision.strike))
            if outcome is None:
                continue
            refusal: Refusal | None = None
            steps: tuple[Step, ...] | None
            if isinstance(outcome, Refusal):
                refusal = outcome
                steps = self._refuse(dialect, outcome, asked, desk)
            else:
                steps = outcome
            if steps is None:
                continue  # it makes no sense for this request
            self._world.plan.struck(decision, outcome)
            self._struck(decision, "admit", asked, tell_plan=False)
            return _Said(steps=steps, refusal=refusal, injected=True)
        if asked.refusal is not None:
            steps = self._refuse(dialect, asked.refusal, asked, desk)
            return _Said(steps=steps or (), refusal=asked.refusal)
        return None

    def _refuse(
        self, dialect: ToolDialect, refusal: Refusal, asked: Asked, desk: Desk
    ) -> tuple[Step, ...] | None:
        if self._scale != 1 and refusal.retry_after is not None:
            wait = refusal.retry_after / self._scale
            refusal = replace(refusal, retry_after=wait, retry_after_form="ms")
        return dialect.refuse(refusal, asked, desk)

    def _served(self, dialect: ToolDialect, asked: Asked, desk: Desk, subject: Subject) -> _Said:
        answer: Answer = None
        seconds = 0.0
        if asked.operation == "run_tool":
            with over_a_wire(asked.dialect):
                result = self._tools.respond(asked.tool, asked.arguments, key=asked.key)
            tool = self._tools.offered(asked.tool)
            if result is None or tool is None:
                refusal = Refusal(
                    kind="not_found", code="unknown_tool", message=f"Unknown tool: {asked.tool}"
                )
                steps = self._refuse(dialect, refusal, asked, desk)
                return _Said(steps=steps or (), refusal=refusal)
            answer = Ran(tool=tool, result=result)
            if (failed := self._failed(dialect, answer, asked, desk)) is not None:
                return failed
            seconds = _FOREVER if result.lost else result.seconds
        elif asked.operation == "list_tools":
            with over_a_wire(asked.dialect):
                answer = self._tools.listed()
        frames = dialect.frames(asked, answer, desk)
        maker = dialect.maker(asked)
        for decision in self._decide(subject, "frames"):
            changed: tuple[Frame, ...] = ask(
                decision.fault, "frames", frames, maker, decision.strike
            )
            if changed is not frames:
                frames = changed
                self._struck(decision, "frames", asked)
        return _Said(steps=dialect.steps(asked, frames, seconds, desk))

    def _failed(self, dialect: ToolDialect, ran: Ran, asked: Asked, desk: Desk) -> _Said | None:
        """Return what is said of a failure in a dialect in which it is a refusal."""
        refusal = dialect.failure(ran) if isinstance(dialect, ByStatus) else None
        if refusal is None:
            return None
        steps = self._refuse(dialect, refusal, asked, desk) or ()
        wait = (Wait(ran.result.seconds),) if ran.result.seconds else ()
        return _Said(steps=(*wait, *steps), refusal=refusal)

    def _relayed(
        self, dialect: ToolDialect, asked: Asked, desk: Desk, *, passes: bool
    ) -> Generator[None, Passed, _Said]:
        """Let the real host answer, and return what is left of its answer."""
        tool = self._tools.offered(asked.tool)
        if not (passes and tool is not None and isinstance(dialect, Relayed)):
            told = f"{asked.tool} is real, and only reached from within the process of the run"
            refusal = Refusal(kind="server_error", status=501, message=told)
            return _Said(steps=self._refuse(dialect, refusal, asked, desk) or (), refusal=refusal)
        going = self._tools.forwarded(asked.tool, asked.arguments, key=asked.key)
        passed: Passed | None = None
        given: Result | None = None
        failed: Exception | None = None
        while True:
            try:
                with over_a_wire(asked.dialect):
                    if failed is not None:
                        going.throw(failed)
                    elif given is not None:
                        going.send(given)
                    else:
                        next(going)
            except StopIteration as done:
                result: Result = done.value
                break
            try:
                passed, failed = (yield), None
            except Exception as error:  # noqa: BLE001 - a transport may raise anything
                failed = error
            else:
                given = dialect.told(passed)
        seconds = _FOREVER if result.lost else result.seconds
        if passed is not None and given is not None and _same(result, given):
            return _Said(steps=plain(passed.reply, wait=seconds))
        ran = Ran(tool=tool, result=result)
        if (said := self._failed(dialect, ran, asked, desk)) is not None:
            return said
        wait = (Wait(seconds),) if seconds else ()
        return _Said(steps=(*wait, *dialect.retold(result, passed, desk)))

    def _decide(
        self, subject: Subject, stage: Literal["admit", "frames", "steps"]
    ) -> tuple[Decision, ...]:
        return self._world.plan.decide(subject, stage)

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

    def _dialect(self, request: HttpRequest) -> ToolDialect | None:
        desk = self.desk()
        return next((one for one in self._dialects if one.claims(request, desk)), None)


def _same(result: Result, given: Result) -> bool:
    """Tell whether a result says what was given, maybe later."""
    return not result.lost and result.value is given.value and result.error == given.error


_CALL = Call(dialect="tools", provider="tools")
