"""The model calls a tool that does not exist."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.exchange import Call, Reply, ToolCall
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["UnknownTool"]

_LONGEST = 60  # names have 64 characters at most, and need room for a suffix


@settings
class UnknownTool:
    """The first tool call of the reply names a tool that the agent does not offer."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "unknown_tool"
    when = { calls = 1 }
    name = "search_everything"
    """

    name: str = ""
    """The name to call; without it, one that resembles the right name."""

    def reply(self, reply: Reply, call: Call, strike: Strike) -> Reply:
        """Rename the first tool call."""
        for index, part in enumerate(reply.content):
            if isinstance(part, ToolCall):
                name = self.name or _similar(part.name, call, strike)
                if call.tool(name) is not None:
                    return reply
                renamed = replace(part, name=name)
                content = (*reply.content[:index], renamed, *reply.content[index + 1 :])
                return replace(reply, content=content)
        return reply


def _similar(name: str, call: Call, strike: Strike) -> str:
    stem = name[:_LONGEST]
    names = [f"{stem}s", f"{stem}_v2", f"get_{stem}"[:_LONGEST], stem.replace("_", "") + "Tool"]
    for similar in strike.rng.sample(names, len(names)):
        if call.tool(similar) is None:
            return similar
    return "unknown_tool"
