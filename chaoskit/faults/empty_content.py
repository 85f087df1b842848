"""A tool's result has nothing in it."""

from __future__ import annotations

from typing import Any, ClassVar

from chaoskit.fault import FrameMaker, Strike
from chaoskit.jsonrpc import edited, with_result
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["EmptyContent"]


@settings
class EmptyContent:
    """A tool's result is a success without any content, whatever its output schema promises."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "empty_content"
    when = { tool = "search_logs" }
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Take the content away."""
        return edited(frames, _emptied)


def _emptied(answer: dict[str, Any]) -> dict[str, Any]:
    result = answer.get("result")
    if not isinstance(result, dict) or "content" not in result or result.get("isError"):
        return answer
    return with_result(answer, content=[], structuredContent=None)
