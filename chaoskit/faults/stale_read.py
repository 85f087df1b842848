"""A tool sees the world as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.fault import Run, Strike, ToolRequest
from chaoskit.settings import Duration, settings

__all__ = ["StaleRead"]


@settings
class StaleRead:
    """What the tool reads is older than what was written last, as from a replica or a cache."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "stale_read"
    when = { tool = "search_logs" }
    age = "2m"
    """

    age: Duration = 60.0
    """How old what it reads is; a record that is younger is not found."""

    def run(
        self,
        run: Run,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Run:
        """Look back."""
        return replace(run, age=self.age) if self.age > run.age else run
