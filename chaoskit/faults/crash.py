"""A server's process dies."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.cutting import split_steps
from chaoskit.fault import Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings
from chaoskit.steps import Crash as Died
from chaoskit.steps import Step, Wait

__all__ = ["Crash"]


@settings
class Crash:
    """The process of the tool server dies when the tool has run, and forgets all its sessions."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "crash"
    when = { tool = "search_logs", calls = 1 }
    half = true
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    half: bool = False
    """Half of the answer is written before."""

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Die instead of the answer, or in the middle of it."""
        split = split_steps(steps, 0, within=True) if self.half else None
        if split is not None:
            return (*split[0], Died())
        waits = [step for step in steps if isinstance(step, Wait) and step.seconds < float("inf")]
        return (*waits, Died())
