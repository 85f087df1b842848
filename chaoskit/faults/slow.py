"""Everything takes longer."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings
from chaoskit.steps import Head, Send, Step, Wait

__all__ = ["Slow"]


@settings
class Slow:
    """The answer is complete and correct, and late."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "slow"
    before = "3s"
    between = "200ms"
    factor = 2
    """

    before: Duration = 0.0
    """Time that passes before the first byte."""

    between: Duration = 0.0
    """Time that passes before every piece of the answer."""

    factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """What the latency that is there already is multiplied with."""

    def __post_init__(self) -> None:
        if not self.before and not self.between and self.factor == 1:
            raise ValueError("set how slow: `before`, `between` or `factor`")

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Add waits, and stretch the others."""
        late: list[Step] = []
        for step in steps:
            if isinstance(step, Wait):
                late.append(Wait(step.seconds * self.factor))
                continue
            if isinstance(step, Head) and self.before:
                late.append(Wait(self.before))
            if isinstance(step, Send) and step.content and self.between:
                late.append(Wait(self.between))
            late.append(step)
        return steps if tuple(late) == steps else tuple(late)
