"""The answer comes in drops."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings
from chaoskit.steps import Send, Step, Wait

__all__ = ["Dribble"]


@settings
class Dribble:
    """The answer comes in small pieces with pauses, so that no read timeout ever ends it."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "dribble"
    when = { calls = 1 }
    size = 7
    pause = "50ms"
    """

    size: Annotated[int, Field(ge=1)] = 16
    """How many bytes come at once; characters and events are cut wherever that falls."""

    pause: Duration = 0.1
    """Time between two pieces."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Cut every send into pieces."""
        drops: list[Step] = []
        for step in steps:
            if not isinstance(step, Send) or len(step.data) <= self.size:
                drops.append(step)
                continue
            for start in range(0, len(step.data), self.size):
                if start:
                    drops.append(Wait(self.pause))
                drops.append(Send(step.data[start : start + self.size], step.content))
        return steps if len(drops) == len(steps) else tuple(drops)
