"""A tool is not there any more."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import Offered, Strike
from chaoskit.settings import settings

__all__ = ["ToolVanished"]


@settings
class ToolVanished:
    """The tool is neither listed nor can it be called, as after a deploy of its server."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "tool_vanished"
    tool = "search_*"

    [[faults]]
    fault = "tool_vanished"
    when = { operation = "list_tools", from = "60s" }
    tool = "account_status"
    optional = true
    """

    tool: Annotated[str, Field(min_length=1)]
    """Name of the tool; `*` and `?` stand for anything. With `when.operation` it vanishes from one
    of the two only: `list_tools` hides a tool that can be called all the same, `run_tool` makes
    one unknown that is listed."""

    def offer(
        self,
        tools: tuple[Offered, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Offered, ...]:
        """Take the tool away."""
        return tuple(tool for tool in tools if not fnmatchcase(tool.name, self.tool))
