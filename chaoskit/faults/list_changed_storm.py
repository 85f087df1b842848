"""A tool server says again and again that its tools are others now."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import FrameMaker, ReportsChanges, Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["ListChangedStorm"]


@settings
class ListChangedStorm:
    """The tool server reports many times in a row that its list of tools has changed."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "list_changed_storm"
    count = 200
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool", "listen")

    count: Annotated[int, Field(ge=1)] = 50
    """How many times."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Frame, ...]:
        """Send the messages before an answer, and on the stream that is kept for such messages."""
        changed = make.tools_changed() if isinstance(make, ReportsChanges) else None
        if changed is None:
            return frames
        at = next((i for i, frame in enumerate(frames) if frame.kind == "content"), len(frames))
        return (*frames[:at], *([changed] * self.count), *frames[at:])
