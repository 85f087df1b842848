"""No tool result floods the conversation."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import turns
from chaoskit.journal import Journal
from chaoskit.settings import SomeTokens, settings

__all__ = ["BoundedResults"]

_CHARACTERS = 4  # of English text to a token


@settings
class BoundedResults:
    """No single tool result that the model is given is larger than a bound.

    Tokens are estimated at four characters each.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "bounded_results"
    max_tokens = 30_000
    """

    outcome: ClassVar[bool] = False

    max_tokens: SomeTokens = 10_000
    """The most tokens of one result."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"no tool result takes more than {self.max_tokens:,} tokens"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged, findings = 0, []
        for turn in turns(journal):
            for result in turn.results:
                judged += 1
                tokens = len(result.text) // _CHARACTERS
                if tokens > self.max_tokens:
                    findings.append(
                        Finding(
                            message=f"{turn.name}: a result of {result.tool or 'a tool'} with "
                            f"{tokens:,} tokens was given to the model; "
                            f"{self.max_tokens:,} are allowed",
                            at=turn.ended,
                            user=turn.user,
                            turn=turn.turn,
                            advice=advice.LIMIT_RESULTS,
                        )
                    )
        return Judgement.of(judged, findings, nothing="no tool result was given to a model")
