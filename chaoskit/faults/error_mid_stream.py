"""The provider fails after it said 200."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaoskit.cutting import frames_before
from chaoskit.exchange import Refusal
from chaoskit.fault import FrameMaker, Strike
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["ErrorMidStream"]


@settings
class ErrorMidStream:
    """The provider fails in the middle of a stream: HTTP 200, a piece of answer, an error event."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "error_mid_stream"
    when = { stream = true, calls = 1 }
    after = 2
    kind = "overloaded"
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of the answer arrive before; a shorter answer fails at its end."""

    kind: Literal["overloaded", "server_error", "rate_limited", "timeout"] = "overloaded"
    """What the error event says."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Frame, ...]:
        """Replace what comes after the cut by an error event."""
        error = make.error(Refusal(kind=self.kind))
        return (*frames[: frames_before(frames, self.after)], error)
