"""A tool breaks off in the middle of its work."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.fault import Run, Strike, ToolRequest
from chaoskit.settings import Share, settings

__all__ = ["PartialWrite"]


@settings
class PartialWrite:
    """The tool makes the first part of its changes and then fails."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "partial_write"
    when = { tool = "search_logs", calls = 1 }
    share = 0.5
    error = "lost the connection to the database"
    """

    share: Share = 0.5
    """The part of the changes that is made: of several steps that write, the first ones; of a
    single one, the first of its fields."""

    error: str = "the connection was lost while the change was being saved"
    """What the tool fails with; empty to claim success."""

    def run(
        self,
        run: Run,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Run:
        """Break off."""
        made = replace(
            run, share=min(self.share, run.share), breaks=run.breaks or self.error or None
        )
        return run if made == run else made
