"""The account has no money left."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["OutOfCredit"]


@settings
class OutOfCredit:
    """Requests are refused until somebody pays or raises a limit; no retry helps."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "out_of_credit"
    when = { calls = "2-" }
    reason = "own_limit"
    """

    reason: Literal["credit", "own_limit"] = "credit"
    """`credit`: what was paid in is used up. `own_limit`: the customer's own monthly limit is
    reached. Anthropic says either with status 400, OpenAI with 429."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the call."""
        return Refusal(kind="billing", details={"reason": self.reason})
