"""Somebody listens and never answers."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call
from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Step, Wait

__all__ = ["Hang"]


@settings
class Hang:
    """The request is accepted and never answered; only the client's own timeout ends it."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "hang"
    when = { calls = 1 }
    """

    def admit(
        self,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Step, ...]:
        """Wait for ever."""
        return (Wait(float("inf")),)
