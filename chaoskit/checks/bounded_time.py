"""No turn, user or run takes longer than so much."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Per, lasting, turns
from chaoskit.journal import Journal
from chaoskit.settings import Duration, settings

__all__ = ["BoundedTime"]


@settings
class BoundedTime:
    """Turns end within a bound, with an answer or without one.

    Per user, the waits of all turns are added up; per run, it is the time from the first question
    to the end of the last turn.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "bounded_time"
    within = "2m"
    per = "turn"
    """

    outcome: ClassVar[bool] = False

    within: Duration = 300.0
    """The longest time."""
    per: Per = "turn"
    """What the time is counted over."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"no {self.per} takes longer than {lasting(self.within)}"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        taken: dict[tuple[str, int], tuple[float, float, float]] = {}
        first: float | None = None
        for turn in turns(journal):
            end = turn.answered or turn.failed
            if end is None:
                continue
            begun = end.at - end.seconds
            first = begun if first is None else min(first, begun)
            key = {"turn": (turn.user, turn.turn), "user": (turn.user, 0), "run": ("", 0)}[self.per]
            seconds, cost, at = taken.get(key, (0.0, 0.0, 0.0))
            seconds = max(seconds, end.at - first) if self.per == "run" else seconds + end.seconds
            taken[key] = (seconds, cost + turn.cost_usd, max(at, end.at))
        findings = [
            Finding(
                message=f"a {self.per} took {lasting(seconds)}, longer than {lasting(self.within)}",
                at=at,
                user=user,
                turn=number,
                cost_usd=cost,
                advice=f"give each call a timeout and with_retry a total time; {advice.FALL_BACK}",
            )
            for (user, number), (seconds, cost, at) in taken.items()
            if seconds > self.within
        ]
        return Judgement.of(len(taken), findings, nothing="no turn came to an end")
