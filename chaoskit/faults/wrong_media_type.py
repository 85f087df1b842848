"""An answer is labelled as something that it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Head, Step

__all__ = ["WrongMediaType"]


@settings
class WrongMediaType:
    """The answer is correct, and its content-type header says that it is something else."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "wrong_media_type"
    when = { calls = 1 }
    media_type = "text/html"
    """

    media_type: str = "text/plain"
    """What the header says."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Exchange the header."""
        changed = tuple(
            replace(step, headers={**step.headers, "content-type": self.media_type})
            if isinstance(step, Head) and "content-type" in step.headers
            else step
            for step in steps
        )
        return steps if changed == steps else changed
