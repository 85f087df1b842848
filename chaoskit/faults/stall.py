"""The answer stops, and the connection stays."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.cutting import split_steps
from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings
from chaoskit.steps import Step, Wait

__all__ = ["Stall"]


@settings
class Stall:
    """The answer stops in the middle while the connection stays open."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "stall"
    when = { stream = true, calls = 1 }
    after = 2
    seconds = "5m"
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of a streamed answer arrive before; unstreamed ones stall half-way."""

    seconds: Duration | None = None
    """How long nothing comes; without it for ever."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Wait at the cut."""
        split = split_steps(steps, self.after)
        if split is None or self.seconds == 0:
            return steps
        return (*split[0], Wait(float("inf") if self.seconds is None else self.seconds), *split[1])
