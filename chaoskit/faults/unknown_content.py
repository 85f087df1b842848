"""A tool's result is of a kind that the client has never heard of."""

from __future__ import annotations

from typing import Any, ClassVar

from chaoskit.fault import FrameMaker, Strike
from chaoskit.jsonrpc import edited, with_result
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["UnknownContent"]


@settings
class UnknownContent:
    """The content of a tool's result is of a type that is in no specification."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "unknown_content"
    when = { tool = "search_logs" }
    type = "hologram"
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    type: str = "hologram"
    """The type of every block of the content."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Rename the type of each block."""
        return edited(frames, self._renamed)

    def _renamed(self, answer: dict[str, Any]) -> dict[str, Any]:
        result = answer.get("result")
        content = result.get("content") if isinstance(result, dict) else None
        if not isinstance(content, list) or not content:
            return answer
        blocks = [block | {"type": self.type} for block in content if isinstance(block, dict)]
        return with_result(answer, content=blocks)
