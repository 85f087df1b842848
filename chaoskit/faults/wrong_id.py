"""An answer is for another request."""

from __future__ import annotations

from typing import Any, ClassVar

from chaoskit.fault import FrameMaker, Strike
from chaoskit.jsonrpc import edited
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["WrongId"]

_SHIFT = 100_000


@settings
class WrongId:
    """The answer carries an id that the client never used, so no request is answered by it."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "wrong_id"
    when = { tool = "search_logs", calls = 1 }
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Frame, ...]:
        """Change the id of the answer."""
        return edited(frames, _renumbered)


def _renumbered(answer: dict[str, Any]) -> dict[str, Any]:
    own = answer["id"]
    return {**answer, "id": own + _SHIFT if isinstance(own, int) else f"{own}-{_SHIFT}"}
