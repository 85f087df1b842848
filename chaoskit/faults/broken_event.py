"""One event of a stream is not JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.cutting import content_frames
from chaoskit.fault import FrameMaker, Strike
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["BrokenEvent"]


@settings
class BrokenEvent:
    """One event that carries a piece of the answer is cut JSON; the stream goes on after it."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "broken_event"
    when = { stream = true, calls = 1 }
    after = 2
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of the answer arrive before; in a shorter answer the last one is broken."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Cut the JSON of one content frame."""
        content = content_frames(frames)
        if not content:
            return frames
        at = content[min(self.after, len(content) - 1)]
        cut = frames[at].data[: len(frames[at].data) // 2]
        return (*frames[:at], replace(frames[at], data=cut), *frames[at + 1 :])
