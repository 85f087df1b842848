"""The provider asks for fewer calls."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings

__all__ = ["RateLimited"]


@settings
class RateLimited:
    """The provider answers 429: this much is allowed in this time, come back later."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "rate_limited"
    when = { calls = "1-2" }
    retry_after = "7s"
    limit = "input_tokens"
    header = "ms"
    """

    retry_after: Duration = 7.0
    """How long the client is asked to wait."""

    limit: Literal[
        "requests", "input_tokens", "output_tokens", "tokens", "acceleration", "spend"
    ] = "requests"
    """What was exceeded. `acceleration`: usage grew too fast. `spend`: the money is used up, which
    no retry cures, and no Retry-After is sent."""

    header: Literal["seconds", "ms", "date", "none"] = "seconds"
    """How the wait is written: whole seconds, milliseconds beside them, a date, or not at all."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the call."""
        if self.limit == "spend":
            return Refusal(kind="quota_exhausted")
        retry_after = None if self.header == "none" else self.retry_after
        form = "seconds" if self.header == "none" else self.header
        if self.limit == "acceleration":
            return Refusal(
                kind="rate_limited",
                message="Your usage increased too quickly. Raise your traffic gradually.",
                code="ramp_limit_exceeded",
                retry_after=retry_after,
                retry_after_form=form,
            )
        return Refusal(
            kind="rate_limited",
            limit=self.limit,
            retry_after=retry_after,
            retry_after_form=form,
        )
