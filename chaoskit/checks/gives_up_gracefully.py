"""When there is nothing to be had, the agent stops and says so."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["GivesUpGracefully"]


@settings
class GivesUpGracefully:
    """Each turn stops by itself after a bounded number of model steps, and tells the user."""

    example: ClassVar[str] = """
    [[promises]]
    check = "gives_up_gracefully"
    max_calls = 12
    """

    outcome: ClassVar[bool] = False

    max_calls: Annotated[int, Field(ge=1)] = 25
    """The most model calls in a turn; retries of a failed one do not count."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"each turn stops within {self.max_calls} model calls and tells the user"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        for turn in turns(journal):
            replies = sum(one.answer is not None for one in turn.exchanges)
            judged += replies > 0
            why = self._broken(turn, replies) if replies else ""
            if why:
                findings.append(
                    Finding(
                        message=f"{turn.name}: {why}",
                        at=turn.ended,
                        user=turn.user,
                        turn=turn.turn,
                        call=turn.exchanges[-1].request.call,
                        cost_usd=turn.cost_usd,
                        advice=f"{advice.STOP}; {advice.LOOP}",
                    )
                )
        return Judgement.of(judged, findings, nothing="the model never answered")

    def _broken(self, turn: Turn, replies: int) -> str:
        if replies > self.max_calls:
            return f"{replies} model calls; {self.max_calls} are allowed"
        if turn.failed is not None:
            return f"it ended in {turn.failed.error} after {replies} model calls"
        if turn.answered is None:
            return f"it had not stopped after {replies} model calls when the run ended"
        if not turn.answered.answer.strip():
            return f"it stopped after {replies} model calls without a word to the user"
        return ""
