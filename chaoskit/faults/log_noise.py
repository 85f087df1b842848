"""A tool server's log goes where its messages go."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import FrameMaker, Interrupted, Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Frame

__all__ = ["LogNoise"]


@settings
class LogNoise:
    """Lines of a log, which are no messages, stand on the standard output before the answer."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "log_noise"
    when = { operation = "connect" }
    lines = ["Server running on stdio", "DEBUG: cache miss"]
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    lines: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "INFO: connection pool: 3 of 10 in use",
        "",
        '{"level": "warn", "msg": "slow query"}',
    )
    """The lines."""

    def frames(
        self,
        frames: tuple[Frame, ...],
        make: FrameMaker,
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Frame, ...]:
        """Write the lines first, where messages and logs can meet."""
        if not isinstance(make, Interrupted):
            return frames
        return (*map(make.noise, self.lines), *frames)
