"""A tool does its work, and its answer gets lost."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import Duration, settings

__all__ = ["TimeoutAfterEffect"]


@settings
class TimeoutAfterEffect:
    """The tool does its work, and its answer never comes."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "timeout_after_effect"
    when = { tool = "search_logs", calls = 1 }
    after = "10s"
    """

    after: Duration = 30.0
    """How long a function waits before it raises `TimeoutError`; over a wire the client's own
    timeout decides."""

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Result:
        """Lose the answer, unless there is none to lose."""
        return result if result.lost else Result(lost=True, seconds=self.after)
