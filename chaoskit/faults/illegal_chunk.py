"""The framing of a stream breaks."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.cutting import split_steps
from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Close, Head, Raw, Step

__all__ = ["IllegalChunk"]


@settings
class IllegalChunk:
    """A streamed answer goes on with bytes that are no chunk, or no WebSocket frame, and ends."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "illegal_chunk"
    when = { calls = "1" }
    after = 2
    """

    after: Annotated[int, Field(ge=0)] = 1
    """How many pieces of the answer arrive before; unstreamed answers have no chunks."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Say something that is no length where the next chunk would begin."""
        if not any(isinstance(step, Head) and step.chunked for step in steps):
            return steps
        split = split_steps(steps, self.after)
        return steps if split is None else (*split[0], Raw(b"no length\r\n"), Close())
