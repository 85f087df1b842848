"""The stream ends politely, and too early."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.cutting import frames_before
from chaoskit.fault import FrameMaker, Strike
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["UnfinishedStream"]


@settings
class UnfinishedStream:
    """The stream ends without its terminator and without an error, which no SDK complains about."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "unfinished_stream"
    when = { stream = true, calls = 1 }
    after = 2
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of the answer arrive before; a shorter answer loses its end only."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Drop what comes after the cut."""
        at = frames_before(frames, self.after)
        return frames if at == len(frames) else frames[:at]
