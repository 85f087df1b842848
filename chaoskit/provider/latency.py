"""How long the simulated model takes to answer."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.settings import Duration, settings

__all__ = ["Latency"]


@settings
class Latency:
    """The pace of the model."""

    example: ClassVar[str] = """
    [provider]
    latency = { first_token = "1.5s", tokens_per_second = 40 }
    """

    first_token: Duration = 0.8
    """Time until the first token."""

    tokens_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 80.0
    """Pace of the tokens after the first."""

    def seconds(self, tokens: int) -> float:
        """Return the time until an answer of so many tokens is complete, in seconds."""
        return self.first_token + tokens / self.tokens_per_second
