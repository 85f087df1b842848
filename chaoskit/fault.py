"""What a fault is: plain settings and one method at one stage.

The stages follow one exchange through the world (see the package's design):

    admit    Call   -> Refusal, steps or nothing    the provider refuses, or the network does
    reply    Reply  -> Reply                        the model answers something else
    frames   frames -> frames                       the events of a stream are damaged
    steps    steps  -> steps                        the timed bytes are damaged
    offer    tools -> tools                         other tools are offered than before
    run      Run -> Run                             a tool is carried out otherwise than asked
    result   Result -> Result                       a tool answers something else

The last three are about the tools: which there are at a moment, what one of them does to its
world, and what of it comes back. On their way to a tool, requests pass the first stage as well.

A fault implements exactly one. It knows no dialect, draws from `strike.rng` only, and keeps no
state: whether and where it strikes is the business of a rule (see `plan`), and what has to be
remembered between strikes comes in with the `Strike`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from chaoskit.exchange import Call, Refusal, RefusalKind, Reply
from chaoskit.match import ToolOperation
from chaoskit.route import Route
from chaoskit.steps import Frame, Step

__all__ = [
    "ON_TOOLS",
    "AdmitFault",
    "Fault",
    "FrameMaker",
    "FramesFault",
    "Interrupted",
    "OfferFault",
    "Offered",
    "ReadsInput",
    "ReplyFault",
    "ReportsChanges",
    "ReportsProgress",
    "Result",
    "ResultFault",
    "Run",
    "RunFault",
    "StepsFault",
    "Strike",
    "ToolRequest",
    "about",
    "stage_of",
]

Stage: TypeAlias = Literal["admit", "reply", "frames", "steps", "offer", "run", "result"]

ON_TOOLS: tuple[Stage, ...] = ("offer", "run", "result")
"""The stages of faults in what becomes of a tool, which the provider has no part in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """The circumstances in which a fault strikes.

    Attributes:
        rng: generator of this strike alone; the same run gives the same numbers.
        now: seconds since the run began.
        count: how many times the rule has struck for this user before, from 0.
        canary: makes a fake secret for a label and remembers it, so that leaks are noticed.
            The same label gives the same secret within a run.
    """

    rng: random.Random
    now: float
    user: str
    count: int
    canary: Callable[[str], str] = field(repr=False)


class FrameMaker(Protocol):
    """Makes frames in the dialect of the exchange that is under way."""

    def error(self, refusal: Refusal) -> Frame:
        """Return the event by which the provider reports an error after HTTP 200."""
        ...


@runtime_checkable
class ReportsProgress(Protocol):
    """A maker of frames whose dialect tells how far a tool has come."""

    def progress(self, done: int, total: int) -> Frame | None:
        """Return the message on it, or None where the client did not ask for any."""
        ...


@runtime_checkable
class ReportsChanges(Protocol):
    """A maker of frames whose dialect tells that there are other tools now."""

    def tools_changed(self) -> Frame | None:
        """Return the message on it, or None where the client may not get it now."""
        ...


@runtime_checkable
class Interrupted(Protocol):
    """A maker of frames that share their way with whatever else the server's process writes."""

    def noise(self, text: str) -> Frame:
        """Return a line that is no message."""
        ...


@runtime_checkable
class ReadsInput(Protocol):
    """A maker of frames whose server listens on a standard input."""

    def deaf(self) -> Frame:
        """Return what stands for the end of its listening."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRequest:
    """A tool that is about to run.

    Attributes:
        arguments: what the agent passed, by name.
        key: the idempotency key that came beside the arguments, in a header.
    """

    tool: str
    arguments: dict[str, object]
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A tool as it is at a moment, for whoever lists or calls it.

    Attributes:
        schema: the JSON Schema of its arguments.
        output: the JSON Schema of its result; empty where it promises none.
        reads: it changes nothing.
        creates: it makes a record and returns it.
        listed: it stands in the list. A tool that does not can be called all the same.
        route: where it stands in an HTTP API of its own.
        key_header: the header, in lower case, by which repeated requests are recognised.
        real: requests for its route go on to the real host.
    """

    name: str
    title: str = ""
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    reads: bool = False
    creates: bool = False
    listed: bool = True
    route: Route | None = None
    key_header: str = ""
    real: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a tool gives back.

    Attributes:
        value: what the function returns; anything that the agent's own function could return.
        error: when set, the function raises this text instead of returning.
        seconds: how much later than usual it comes back.
        lost: it never comes back. Whoever waits gives up by a timeout: the client's own where the
            tool is reached over a wire, after `seconds` where it is a function.
        retry_after: seconds after which the tool asks to be called again.
        kind: of what kind an error is, for protocols that tell.
        raw: the value is the text of an answer just as it goes over a wire, JSON or not.
    """

    value: object = None
    error: str | None = None
    seconds: float = 0.0
    lost: bool = False
    retry_after: float | None = None
    kind: RefusalKind = "server_error"
    raw: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a tool is carried out: once, now and completely, unless a fault says otherwise.

    Attributes:
        instead: what is answered; the tool does not run, nothing happens to its world.
        times: how often the request is delivered to the tool; the last answer counts.
        age: its reads see the records as they were so many seconds ago.
        share: the part of its changes that is made, from the first on.
        breaks: when set, the tool fails with this text after what it did.
    """

    instead: Result | None = None
    times: int = 1
    age: float = 0.0
    share: float = 1.0
    breaks: str | None = None


@runtime_checkable
class AdmitFault(Protocol):
    """Decides before the provider looks at the request."""

    def admit(self, call: Call, strike: Strike) -> Refusal | tuple[Step, ...] | None:
        """Return a refusal, the steps of a broken connection, or None to let the call through."""
        ...


@runtime_checkable
class ReplyFault(Protocol):
    """Changes what the model answers."""

    def reply(self, reply: Reply, call: Call, strike: Strike) -> Reply:
        """Return the changed reply, or the same object when there is nothing to damage in it."""
        ...


@runtime_checkable
class FramesFault(Protocol):
    """Damages the events of a streamed answer; unstreamed answers pass it by."""

    def frames(
        self, frames: tuple[Frame, ...], make: FrameMaker, strike: Strike
    ) -> tuple[Frame, ...]:
        """Return the changed events, or the same tuple when there is nothing to damage in it."""
        ...


@runtime_checkable
class StepsFault(Protocol):
    """Damages the timed bytes of any answer, errors included."""

    def steps(self, steps: tuple[Step, ...], strike: Strike) -> tuple[Step, ...]:
        """Return the changed steps, or the same tuple when there is nothing to damage in it."""
        ...


@runtime_checkable
class ResultFault(Protocol):
    """Changes what a tool gives back, after it ran."""

    def result(self, result: Result, request: ToolRequest, strike: Strike) -> Result:
        """Return the changed result, or the same object when there is nothing to damage in it."""
        ...


@runtime_checkable
class RunFault(Protocol):
    """Changes how a tool is carried out."""

    def run(self, run: Run, request: ToolRequest, strike: Strike) -> Run:
        """Return the changed way, or the same object when there is nothing to damage in it."""
        ...


@runtime_checkable
class OfferFault(Protocol):
    """Changes which tools there are, for whoever lists them and for whoever calls one."""

    def offer(self, tools: tuple[Offered, ...], strike: Strike) -> tuple[Offered, ...]:
        """Return the tools as they are now, or the same tuple."""
        ...


Fault: TypeAlias = (
    AdmitFault | ReplyFault | FramesFault | StepsFault | OfferFault | RunFault | ResultFault
)

_STAGES: Sequence[tuple[Stage, type]] = (
    ("admit", AdmitFault),
    ("reply", ReplyFault),
    ("frames", FramesFault),
    ("steps", StepsFault),
    ("offer", OfferFault),
    ("run", RunFault),
    ("result", ResultFault),
)


def about(fault: Fault | type[Fault]) -> tuple[ToolOperation, ...]:
    """Return the operations of a tool server that a fault is made for; empty for most faults.

    It says so by a class attribute of this name. Its rules need no `when` to reach them.
    """
    return getattr(fault, "about", ())


def stage_of(fault: Fault) -> Stage:
    """Return the one stage at which a fault works.

    Raises:
        TypeError: it implements none, or more than one.
    """
    stages = [stage for stage, protocol in _STAGES if isinstance(fault, protocol)]
    if len(stages) != 1:
        raise TypeError(
            f"{type(fault).__name__} must have exactly one of the methods "
            f"{', '.join(stage for stage, _ in _STAGES)}; it has {stages or 'none'}"
        )
    return stages[0]
