"""A tool fails."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import settings

__all__ = ["ErrorResult"]


@settings
class ErrorResult:
    """The tool fails: its function raises, or returns an error where results are expected."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "error_result"
    when = { tool = "search_logs", calls = 1 }
    error = "the index is being rebuilt"
    as_result = true
    """

    error: str = "the service behind this tool is not available"
    """The text of the error."""

    as_result: bool = False
    """Return the error as an object with the key `error` instead of raising it."""

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Result:
        """Fail instead, unless the tool failed by itself."""
        if result.error is not None:
            return result
        return Result(value={"error": self.error}) if self.as_result else Result(error=self.error)
