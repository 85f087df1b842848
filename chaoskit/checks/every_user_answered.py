"""Every question gets an answer, and in time."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, lasting, turns
from chaoskit.journal import Failed, Journal
from chaoskit.settings import Duration, Share, settings

__all__ = ["EveryUserAnswered"]


@settings
class EveryUserAnswered:
    """Each turn ends in an answer that is not empty."""

    example: ClassVar[str] = """
    [[promises]]
    check = "every_user_answered"
    within = "5m"
    share = 0.95
    """

    outcome: ClassVar[bool] = True

    within: Duration | None = None
    """How long a user may have to wait; no limit when absent."""
    share: Share = 1.0
    """The least part of all turns that is answered so."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        who = "every turn" if self.share == 1 else f"at least {self.share:.0%} of the turns"
        return f"{who} is answered" + (
            "" if self.within is None else f" within {lasting(self.within)}"
        )

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        asked = [turn for turn in turns(journal) if turn.started is not None]
        missed = [(turn, why) for turn in asked if (why := self._missed(turn))]
        if len(asked) - len(missed) >= self.share * len(asked) - 1e-9:
            missed = []
        findings = [
            Finding(
                message=f"{turn.name}: {why}",
                at=turn.ended,
                user=turn.user,
                turn=turn.turn,
                cost_usd=turn.cost_usd,
                advice=advice.for_turn(turn),
            )
            for turn, why in missed
        ]
        return Judgement.of(len(asked), findings, nothing="nobody asked anything")

    def _missed(self, turn: Turn) -> str:
        if turn.failed is not None:
            return f"no answer; the agent failed with {_reason(turn.failed)}"
        if turn.answered is None:
            return "no answer before the run ended"
        if not turn.answered.answer.strip():
            return "the answer is empty"
        if self.within is not None and turn.answered.seconds > self.within:
            return (
                f"the answer took {lasting(turn.answered.seconds)}, "
                f"longer than {lasting(self.within)}"
            )
        return ""


def _reason(failed: Failed) -> str:
    """Return the class of the error; of an agent in another process, what became of it."""
    apart = failed.error.startswith("chaoskit.") and not failed.stopped
    return failed.message if apart else failed.error
