"""A request is delivered to the tool more than once."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import Run, Strike, ToolRequest
from chaoskit.settings import settings

__all__ = ["DuplicateDelivery"]


@settings
class DuplicateDelivery:
    """The tool gets the same request more than once; the caller gets the last answer."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "duplicate_delivery"
    when = { tool = "search_logs" }
    times = 3
    """

    times: Annotated[int, Field(ge=2)] = 2
    """How often it arrives."""

    def run(
        self,
        run: Run,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Run:
        """Deliver it more often."""
        return replace(run, times=self.times) if self.times > run.times else run
