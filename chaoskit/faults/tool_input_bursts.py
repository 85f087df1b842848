"""The input of a tool call comes all at once, after a silence."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings
from chaoskit.steps import Send, Step, Wait

__all__ = ["ToolInputBursts"]


@settings
class ToolInputBursts:
    """The pieces of a streamed tool call come several at once, each time after a silence."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "tool_input_bursts"
    when = { stream = true, calls = 1 }
    pieces = 4
    pause = "12s"
    """

    pieces: Annotated[int, Field(ge=1)] = 8
    """How many pieces come at once."""

    pause: Duration = 5.0
    """How long nothing comes before them, beside the time that they take anyway."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Hold pieces back until there are enough of them, or the call ends."""
        if not any(isinstance(step, Send) and step.tool for step in steps):
            return steps
        found: list[Step] = []
        held: list[Send] = []
        waited = 0.0
        for step in steps:
            if isinstance(step, Send) and step.tool:
                held.append(step)
                if len(held) == self.pieces:
                    found += [Wait(self.pause + waited), *held]
                    held, waited = [], 0.0
            elif held and isinstance(step, Wait):
                waited += step.seconds
            else:
                if held:
                    found += [Wait(self.pause + waited), *held]
                    held, waited = [], 0.0
                found.append(step)
        return tuple(found)
