"""The answer stops in the middle because its tokens are used up."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.exchange import Call, Part, Reply, Text, ToolCall
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["TruncatedAtMaxTokens"]


@settings
class TruncatedAtMaxTokens:
    """The answer is cut off at `max_tokens`, be it in a sentence or in the JSON of a tool call."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "truncated_at_max_tokens"
    when = { calls = 1 }
    keep = 0.3
    """

    keep: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the last text or tool call that still fits."""

    def reply(
        self,
        reply: Reply,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Reply:
        """Cut the last text or tool call."""
        for index in reversed(range(len(reply.content))):
            part = reply.content[index]
            if isinstance(part, (Text, ToolCall)):
                content = (*reply.content[:index], *self._cut(part))
                text = "".join(part.text for part in content if isinstance(part, Text))
                return replace(
                    reply,
                    content=content,
                    stop="max_tokens",
                    stop_sequence=None,
                    facts=tuple(fact for fact in reply.facts if fact in text),
                )
        return reply

    def _cut(self, part: Text | ToolCall) -> tuple[Part, ...]:
        if isinstance(part, ToolCall):
            arguments = part.arguments.rstrip()
            return (replace(part, arguments=arguments[: int(len(arguments) * self.keep)]),)
        text = part.text[: int(len(part.text) * self.keep)]
        return (replace(part, text=text),) if text else ()
