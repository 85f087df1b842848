"""A server stops reading."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.fault import FrameMaker, ReadsInput, Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["ClosedInput"]


@settings
class ClosedInput:
    """The tool server closes its standard input after an answer: it lives, and hears no more."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "closed_input"
    when = { tool = "search_logs", calls = 2 }
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Frame, ...]:
        """Close the input behind the answer, where there is one to close."""
        return (*frames, make.deaf()) if isinstance(make, ReadsInput) else frames
