"""A tool's result is cut in the middle of its JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import Share, settings
from chaoskit.tool import as_text

__all__ = ["TruncatedResult"]


@settings
class TruncatedResult:
    """The text of the result ends in the middle, so that what was JSON is none any more."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "truncated_result"
    when = { tool = "search_logs" }
    keep = 0.4
    """

    keep: Share = 0.5
    """How much of the text is left."""

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Result:
        """Cut the text."""
        if result.error is not None or result.lost:
            return result
        text = as_text(result.value)
        cut = text[: int(len(text) * self.keep)]
        return result if cut == text else replace(result, value=cut, raw=True)
