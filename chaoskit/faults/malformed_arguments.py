"""The model calls a tool with arguments that its schema forbids."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaoskit.exchange import Call, Reply, ToolCall
from chaoskit.fault import Strike
from chaoskit.malform import KINDS, Malformation, malform
from chaoskit.settings import settings

__all__ = ["MalformedArguments"]


@settings
class MalformedArguments:
    """The first tool call of the reply carries arguments that the tool's JSON Schema forbids."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "malformed_arguments"
    when = { calls = 1 }
    kind = "wrong_type"

    [[faults]]
    fault = "malformed_arguments"
    when = { until = "reported" }
    kind = ["missing", "truncated"]
    optional = true
    """

    kind: (
        Literal["any"] | Malformation | Annotated[tuple[Malformation, ...], Field(min_length=1)]
    ) = "any"
    """How they are wrong: one kind, several to draw from, or `any`. Where the schema permits what
    a kind does, another kind takes its place."""

    def reply(self, reply: Reply, call: Call, strike: Strike) -> Reply:
        """Damage the arguments of the first call to an offered tool."""
        for index, part in enumerate(reply.content):
            if isinstance(part, ToolCall) and (tool := call.tool(part.name)) is not None:
                damaged = malform(tool.schema, part.arguments, self._order(strike), strike.rng)
                if damaged is not None:
                    worse = replace(part, arguments=damaged)
                    content = (*reply.content[:index], worse, *reply.content[index + 1 :])
                    return replace(reply, content=content)
        return reply

    def _order(self, strike: Strike) -> list[Malformation]:
        if isinstance(self.kind, tuple):
            return strike.rng.sample(self.kind, len(self.kind))
        return strike.rng.sample(KINDS, len(KINDS)) if self.kind == "any" else [self.kind]
