"""Scrubbing stops short of the tools themselves."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.canary import labels_in
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["ToolGotRealValue"]


@settings
class ToolGotRealValue:
    """A secret that the model passes as a tool argument reaches that tool in the clear."""

    example: ClassVar[str] = """
    [[promises]]
    check = "tool_got_real_value"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "tools still get the real secrets"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings: list[Finding] = []
        for turn in turns(journal):
            for exchange, called in turn.tool_calls:
                planted = labels_in(called.arguments)
                runs = [one for one in turn.ran if one.tool == called.tool]
                runs = [one for one in runs if one.at >= exchange.request.at]
                if not planted or not runs:
                    continue
                judged += 1
                got = {label for one in runs for label in one.canaries}
                findings.extend(
                    Finding(
                        message=f"{turn.name}: {called.tool} ran without the secret {label} that "
                        "the model had passed to it",
                        at=runs[0].at,
                        user=turn.user,
                        turn=turn.turn,
                        call=exchange.request.call,
                        advice="scrub a copy: Scrubber.scrub_dict returns one for the log, and "
                        "the tool runs with the original",
                    )
                    for label in planted
                    if label not in got
                )
        return Judgement.of(
            judged, findings, nothing="no tool ran after the model had passed it a secret"
        )
