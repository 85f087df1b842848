"""The model is told when its tool call was wrong."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Exchange, Turn, turns
from chaoskit.journal import CalledTool, Journal, Requested
from chaoskit.saying import says_error
from chaoskit.settings import settings

__all__ = ["ToolErrorsReported"]


@settings
class ToolErrorsReported:
    """After a call with bad arguments, the next request answers that very call with an error.

    An error is a result marked as one, an object with a key that says so, or a text that begins
    with one. A result that merely holds such words, as log lines do, is none. An agent that mends
    the arguments, so that the tool runs on valid ones, has nothing to report.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "tool_errors_reported"
    optional = true
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "the model is told when its tool call was wrong"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        for turn in turns(journal):
            for exchange, called in turn.tool_calls:
                if called.valid:
                    continue
                judged += 1
                why = _unreported(turn, exchange, called)
                if why:
                    findings.append(
                        Finding(
                            message=f"{turn.name}: call {exchange.request.call} asked for "
                            f"{called.tool} with bad arguments, and {why}",
                            at=exchange.ended,
                            user=turn.user,
                            turn=turn.turn,
                            call=exchange.request.call,
                            cost_usd=exchange.cost_usd,
                            advice=advice.VET,
                        )
                    )
        return Judgement.of(judged, findings, nothing="the model made no bad tool call")


def _unreported(turn: Turn, exchange: Exchange, called: CalledTool) -> str:
    later = [one.request for one in turn.exchanges if one.request.call > exchange.request.call]
    if not later:
        return "the model was not asked again"
    for request in later:
        for result in request.results:
            if result.call_id == called.call_id:
                if says_error(result) or _mended(turn, exchange, called, request):
                    return ""
                return "was given a result that is no error"
    return "no later request answers that call"


def _mended(turn: Turn, exchange: Exchange, called: CalledTool, request: Requested) -> bool:
    """Tell whether the tool ran on valid arguments more often than the model had asked for."""
    ran = sum(
        run.tool == called.tool
        and run.valid is True
        and exchange.request.at <= run.at <= request.at
        for run in turn.ran
    )
    asked = exchange.reply.tool_calls if exchange.reply else ()
    return ran > sum(one.tool == called.tool and one.valid for one in asked)
