"""The provider has too much to do for everyone."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings

__all__ = ["Overloaded"]


@settings
class Overloaded:
    """The provider is overloaded and says so: 529 where it has that status, 503 elsewhere."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "overloaded"
    when = { from = "0s", for = "5s" }
    retry_after = "2s"
    """

    retry_after: Duration | None = None
    """How long the client is asked to wait; without it nothing is said."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the call."""
        return Refusal(kind="overloaded", retry_after=self.retry_after)
