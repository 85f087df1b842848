"""The prompt cache does its work."""

from __future__ import annotations

from typing import ClassVar

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import exchanges
from chaoskit.journal import Happened, Journal
from chaoskit.settings import Duration, Share, settings

__all__ = ["CacheHitRatio"]


@settings
class CacheHitRatio:
    """A large part of the prompt tokens of user traffic is read from the prompt cache.

    Counted from the first deploy of the run, or from its beginning when there is none; calls
    without a user, such as a warm-up, are not traffic.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "cache_hit_ratio"
    min_ratio = 0.7
    after = "1m"
    """

    outcome: ClassVar[bool] = False

    min_ratio: Share = 0.8
    """The least part of all prompt tokens that is read from the cache."""
    after: Duration = 0.0
    """How long after the deploy counting begins."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return f"at least {self.min_ratio:.0%} of the prompt tokens come from the cache"

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        deploys = [event.at for event in journal.of(Happened) if event.what == "deploy"]
        since = min(deploys, default=0.0) + self.after
        traffic = [
            (one, one.answer)
            for one in exchanges(journal)
            if one.answer and one.request.user and one.request.at >= since
        ]
        read = sum(reply.cache_read_tokens for _, reply in traffic)
        written = sum(reply.cache_write_tokens for _, reply in traffic)
        prompt = read + written + sum(reply.input_tokens for _, reply in traffic)
        findings = []
        if prompt and read < self.min_ratio * prompt - 1e-9:
            cold = [one for one, reply in traffic if not reply.cache_read_tokens]
            prefixes = len({one.request.prefix for one, _ in traffic})
            first = (cold or [one for one, _ in traffic])[0]
            findings.append(
                Finding(
                    message=f"{read / prompt:.1%} of {prompt:,} prompt tokens were read from the "
                    f"cache, {self.min_ratio:.0%} were promised; {len(cold)} of {len(traffic)} "
                    f"calls were cold, with {prefixes} different prefixes",
                    at=first.request.at,
                    user=first.request.user,
                    turn=first.request.turn,
                    call=first.request.call,
                    cost_usd=sum(one.cost_usd for one in cold),
                    advice=f"{advice.MEASURE_CACHE}; {advice.WARM}",
                )
            )
        return Judgement.of(
            len(traffic) if prompt else 0, findings, nothing="no user's call was answered"
        )
