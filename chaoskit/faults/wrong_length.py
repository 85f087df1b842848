"""The body is shorter than its header promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Close, Finish, Head, Step

__all__ = ["WrongLength"]


@settings
class WrongLength:
    """The header promises more bytes than the body has, and the connection is closed after them."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "wrong_length"
    when = { calls = "1" }
    missing = 10
    """

    missing: Annotated[int, Field(ge=1)] = 10
    """How many bytes are promised and never come; streamed answers promise none."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Raise the promise, and close where the body would have been complete."""
        head = next((step for step in steps if isinstance(step, Head)), None)
        if head is None or "content-length" not in head.headers or Finish() not in steps:
            return steps
        promised = str(int(head.headers["content-length"]) + self.missing)
        lying = replace(head, headers={**head.headers, "content-length": promised})
        return tuple(
            lying if step is head else Close() if isinstance(step, Finish) else step
            for step in steps
        )
