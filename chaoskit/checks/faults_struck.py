"""What was meant to go wrong did."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.check import Judgement, Verdict
from chaoskit.journal import Journal, RuleAdded, RunStarted, Struck
from chaoskit.settings import settings

__all__ = ["FaultsStruck"]

_OPTIONAL = "(optional)"


@settings
class FaultsStruck:
    """Each fault rule of the run did its damage at least once, unless it is marked as optional.

    A rule that never struck is no fault of the agent, so the verdict is UNKNOWN, never FAIL.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "faults_struck"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "every fault struck"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        rules = [rule for started in journal.of(RunStarted) for rule in started.rules]
        rules += [added.rule for added in journal.of(RuleAdded)]
        struck = {event.rule for event in journal.of(Struck)}
        idle = [
            rule
            for number, rule in enumerate(rules)
            if number not in struck and not rule.rstrip().endswith(_OPTIONAL)
        ]
        if idle:
            return Judgement(
                verdict=Verdict.UNKNOWN,
                judged=len(rules),
                reason=f"{len(idle)} of {len(rules)} fault rules never struck: {'; '.join(idle)}",
            )
        return Judgement.of(len(rules), [], nothing="no fault was configured")
