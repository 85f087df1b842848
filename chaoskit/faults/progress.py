"""A tool tells how far it has come."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import FrameMaker, ReportsProgress, Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["Progress"]


@settings
class Progress:
    """The tool tells how far it has come before it answers, in equal parts of its time."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    latency = "40s"

    [[faults]]
    fault = "progress"
    when = { tool = "search_logs" }
    reports = 7
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    reports: Annotated[int, Field(ge=1)] = 3
    """How many times it tells."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Frame, ...]:
        """Send the reports first, to clients that asked for them."""
        if not isinstance(make, ReportsProgress):
            return frames
        told = [make.progress(done, self.reports + 1) for done in range(1, self.reports + 1)]
        reports = tuple(frame for frame in told if frame is not None)
        return (*reports, *frames) if reports else frames
