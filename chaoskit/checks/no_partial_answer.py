"""Half an answer is not passed off as a whole one."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Exchange, turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["NoPartialAnswer"]


@settings
class NoPartialAnswer:
    """When an answer of the model is cut, its piece is not what the user gets.

    Asking again, raising an error, or saying that the answer is cut keeps the promise.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "no_partial_answer"
    """

    outcome: ClassVar[bool] = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "a cut answer is never passed off as a whole one"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings = []
        for turn in turns(journal):
            cut = [one for one in turn.exchanges if _is_cut(one)]
            ended = turn.answered is not None or turn.failed is not None
            judged += bool(cut) and ended
            if turn.answered is None:
                continue
            answer = _plain(turn.answered.answer)
            whole = [_plain(one.reply.text) for one in turn.exchanges if one.complete and one.reply]
            if not answer or any(answer in text for text in whole):
                continue
            for exchange in cut:
                text = _plain(exchange.reply.text) if exchange.reply else ""
                if len(answer) < len(text) and answer in text:
                    how = exchange.delivery.how if exchange.delivery else ""
                    findings.append(
                        Finding(
                            message=f"{turn.name}: the user got {len(answer)} of {len(text)} "
                            f"characters; the stream of call {exchange.request.call} was {how}",
                            at=turn.ended,
                            user=turn.user,
                            turn=turn.turn,
                            call=exchange.request.call,
                            cost_usd=exchange.cost_usd,
                            advice=advice.TERMINATOR,
                        )
                    )
                    break
        return Judgement.of(judged, findings, nothing="no answer of the model was cut")


def _is_cut(exchange: Exchange) -> bool:
    reply, delivery = exchange.reply, exchange.delivery
    if reply is None or delivery is None or not reply.text.strip() or not exchange.failed:
        return False
    return delivery.sent_content or delivery.how == "unfinished" or delivery.error_frame


def _plain(text: str) -> str:
    return " ".join(text.split())
