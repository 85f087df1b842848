"""What a fault is: plain settings and one method at one stage.

The stages follow one exchange through the world (see the package's design):

    admit    Call   -> Refusal, steps or nothing    the provider refuses, or the network does
    reply    Reply  -> Reply                        the model answers something else
    frames   frames -> frames                       the events of a stream are damaged
    steps    steps  -> steps                        the timed bytes are damaged
    result   Result -> Result                       a tool answers something else

A fault implements exactly one. It knows no dialect, draws from `strike.rng` only, and keeps no
state: whether and where it strikes is the business of a rule (see `plan`), and what has to be
remembered between strikes comes in with the `Strike`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from chaoskit.exchange import Call, Refusal, Reply
from chaoskit.steps import Frame, Step

__all__ = [
    "AdmitFault",
    "Fault",
    "FrameMaker",
    "FramesFault",
    "ReplyFault",
    "Result",
    "ResultFault",
    "StepsFault",
    "Strike",
    "ToolRequest",
    "stage_of",
]

Stage: TypeAlias = Literal["admit", "reply", "frames", "steps", "result"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRequest:
    """A tool that is about to run. `arguments` is what the agent passed, by name."""

    tool: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a tool gives back.

    Attributes:
        value: what the function returns; anything that the agent's own function could return.
        error: when set, the function raises this text instead of returning.
    """

    value: object = None
    error: str | None = None


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


Fault: TypeAlias = AdmitFault | ReplyFault | FramesFault | StepsFault | ResultFault

_STAGES: Sequence[tuple[Stage, type]] = (
    ("admit", AdmitFault),
    ("reply", ReplyFault),
    ("frames", FramesFault),
    ("steps", StepsFault),
    ("result", ResultFault),
)


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
