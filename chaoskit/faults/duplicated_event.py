"""One event of a stream arrives twice."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.cutting import content_frames
from chaoskit.fault import FrameMaker, Strike
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["DuplicatedEvent"]


@settings
class DuplicatedEvent:
    """One event that carries a piece of the answer arrives twice, as after a replayed buffer."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "duplicated_event"
    when = { stream = true, calls = 1 }
    after = 2
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of the answer arrive before; in a shorter answer the last one is doubled."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Repeat one content frame."""
        content = content_frames(frames)
        if not content:
            return frames
        at = content[min(self.after, len(content) - 1)]
        return (*frames[: at + 1], *frames[at:])
