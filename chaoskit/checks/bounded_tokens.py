"""No turn, user or run uses more than so many tokens."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Exchange, Per, exchanges, gathered
from chaoskit.journal import Journal
from chaoskit.settings import Tokens, settings

__all__ = ["BoundedTokens"]


@settings
class BoundedTokens:
    """The tokens that the provider counts, prompt and output together, stay within a bound."""

    example: ClassVar[str] = """
    [[promises]]
    check = "bounded_tokens"
    max_tokens = 60_000
    per = "user"
    """

    outcome: ClassVar[bool] = False

    max_tokens: Tokens = 100_000
    """The most tokens."""
    per: Per = "turn"
    """What the tokens are counted over."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"no {self.per} uses more than {self.max_tokens:,} tokens"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        groups = gathered((one for one in exchanges(journal) if one.reply), self.per)
        findings = [
            Finding(
                message=f"{used:,} tokens in a {self.per}; {self.max_tokens:,} are allowed",
                at=found[-1].request.at,
                user=user,
                turn=turn,
                call=found[-1].request.call,
                cost_usd=sum(one.cost_usd for one in found),
                advice=f"{advice.BUDGET}; {advice.TRIM}",
            )
            for (user, turn), found in groups.items()
            if (used := sum(_tokens(one) for one in found)) > self.max_tokens
        ]
        return Judgement.of(len(groups), findings, nothing="the model never answered")


def _tokens(exchange: Exchange) -> int:
    reply = exchange.reply
    if reply is None:
        return 0
    prompt = reply.input_tokens + reply.cache_read_tokens + reply.cache_write_tokens
    return prompt + reply.output_tokens
