"""Answers rest on what the tools found."""

from __future__ import annotations

import json
from typing import ClassVar

from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, turns
from chaoskit.journal import Journal
from chaoskit.settings import Share, settings

__all__ = ["Grounded"]


@settings
class Grounded:
    """An answer contains something that the model quoted from this turn's tool results.

    Only facts that reached the agent in a complete answer count, that stand in a tool result the
    agent had sent, and that the user's own question did not contain. Where the model found
    nothing to quote, an honest answer without a fact is no breach; `share` bounds how many.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "grounded"
    share = 0.9
    """

    outcome: ClassVar[bool] = True

    share: Share = 0.0
    """The least part of all answered turns that quotes a fact, the ones without any included."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return "answers quote what the tools found" + (
            f", at least {self.share:.0%} of them" if self.share else ""
        )

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        answered = [turn for turn in turns(journal) if turn.answered is not None]
        sent: dict[str, list[str]] = {}
        judged = grounded = 0
        bare: list[Finding] = []
        degraded: list[Finding] = []
        for turn in answered:
            results = sent.setdefault(turn.user, [])
            results.extend(result.text for result in turn.results)
            facts = _facts(turn, results)
            if not facts:
                degraded.append(_finding(turn, "the answer quotes nothing; no fact had arrived"))
                continue
            judged += 1
            answer = _plain(turn.answered.answer if turn.answered else "")
            if any(_plain(fact) in answer for fact in facts):
                grounded += 1
            else:
                bare.append(
                    _finding(turn, f"the answer has none of the {len(facts)} facts found for it")
                )
        findings = bare
        if judged and grounded < self.share * len(answered) - 1e-9:
            findings = bare + degraded
            judged = len(answered)
        return Judgement.of(
            judged, findings, nothing="the model quoted no tool result in a complete answer"
        )


def _facts(turn: Turn, results: list[str]) -> list[str]:
    prompt = _plain(turn.started.prompt if turn.started else "")
    return [
        fact
        for exchange in turn.exchanges
        if exchange.complete and exchange.reply
        for fact in exchange.reply.facts
        if fact.strip() and _plain(fact) not in prompt and any(_holds(it, fact) for it in results)
    ]


def _holds(result: str, fact: str) -> bool:
    escaped = (json.dumps(fact, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return fact in result or any(form in result for form in escaped)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _finding(turn: Turn, message: str) -> Finding:
    return Finding(
        message=f"{turn.name}: {message}",
        at=turn.ended,
        user=turn.user,
        turn=turn.turn,
        cost_usd=turn.cost_usd,
        advice="hand the tool results to the model and its last answer to the user unchanged; "
        "when a provider fails, a FallbackRouter finishes the turn with the results at hand",
    )
