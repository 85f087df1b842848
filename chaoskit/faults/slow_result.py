"""A tool takes its time."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import Duration, settings

__all__ = ["SlowResult"]


@settings
class SlowResult:
    """The tool does its work and answers later than usual."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "slow_result"
    when = { tool = "search_logs" }
    seconds = "20s"
    """

    seconds: Duration
    """How much later."""

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Result:
        """Delay the answer."""
        return replace(result, seconds=result.seconds + self.seconds) if self.seconds else result
