"""The model says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.exchange import Call, Reply
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["EmptyCompletion"]


@settings
class EmptyCompletion:
    """The model ends its turn without a word and without a tool call."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "empty_completion"
    when = { calls = 1 }
    """

    def reply(
        self,
        reply: Reply,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Reply:
        """Empty the reply."""
        if not reply.content:
            return reply
        return replace(reply, content=(), stop="end", facts=(), stop_sequence=None)
