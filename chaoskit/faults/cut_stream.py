"""The connection breaks in the middle of the answer."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.cutting import split_steps
from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Close, Reset, Step

__all__ = ["CutStream"]


@settings
class CutStream:
    """The connection breaks when a part of the answer has arrived."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "cut_stream"
    when = { stream = true, calls = 1 }
    after = 2
    within = true
    reset = true

    [[faults]]
    fault = "cut_stream"
    when = { stream = false, calls = 1 }
    half_close = true
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of a streamed answer arrive before; unstreamed ones break half-way."""

    within: bool = False
    """It breaks in the middle of the piece that comes next, not between two of them."""

    reset: bool = False
    """The connection is reset (RST) instead of closed (FIN)."""

    half_close: bool = False
    """Only the server's side ends (FIN); what the client still sends is read, for a minute."""

    def __post_init__(self) -> None:
        if self.half_close and self.reset:
            raise ValueError("a connection is reset, or half of it is closed: set one of the two")

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Break off after the cut."""
        split = split_steps(steps, self.after, within=self.within)
        end = Reset() if self.reset else Close(half=self.half_close)
        return steps if split is None else (*split[0], end)
