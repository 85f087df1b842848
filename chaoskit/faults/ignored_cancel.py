"""A tool server goes on with what was given up."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call
from chaoskit.fault import Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Step

__all__ = ["IgnoredCancel"]


@settings
class IgnoredCancel:
    """The tool server takes no notice when a request is given up: its answer comes all the same."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    latency = "40s"

    [[faults]]
    fault = "ignored_cancel"
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("cancel",)

    def admit(
        self,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Step, ...]:
        """Do nothing."""
        return ()
