"""A list of tools never comes to its end."""

from __future__ import annotations

from typing import Any, ClassVar

from chaoskit.fault import FrameMaker, Strike
from chaoskit.jsonrpc import edited, with_result
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["EndlessListing"]


@settings
class EndlessListing:
    """Every page of the list of tools says that there is another, and that is always the first."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "endless_listing"
    cursor = "eyJwYWdlIjogMX0="
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("list_tools",)

    cursor: str = "from-0"
    """The cursor of the next page."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Name a next page."""
        return edited(frames, self._continued)

    def _continued(self, answer: dict[str, Any]) -> dict[str, Any]:
        result = answer.get("result")
        if not isinstance(result, dict) or "tools" not in result:
            return answer
        return with_result(answer, nextCursor=self.cursor)
