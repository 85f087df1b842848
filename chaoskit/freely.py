"""Judging what no scenario file describes: a test by hand, or a session of the server."""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.check import Judgement, Verdict
from chaoskit.checks import CHECKS
from chaoskit.journal import Journal, Noted, Requested, Served, Struck
from chaoskit.outcome import Judged
from chaoskit.plan import Rule
from chaoskit.promise import Promise
from chaoskit.run import CALLS_MADE, judge

__all__ = ["AUTOMATIC", "UNKEPT", "PromiseBroken", "in_words", "judge_freely"]

AUTOMATIC = (
    "no_crash",
    "retry_after_honoured",
    "no_retry_of_what_cannot_succeed",
    "no_hammering",
    "bounded_amplification",
    "no_tool_loop",
    "valid_requests",
    "no_oversized_request_twice",
    "tool_body_not_run_on_bad_arguments",
    "no_partial_answer",
    "sessions_isolated",
    "no_leak",
)
"""The promises that every agent should keep, as far as there is anything to judge."""

UNKEPT = (Verdict.FAIL, Verdict.UNKNOWN)
"""The verdicts that are no pass."""

_FEW = 5  # findings of a promise that are told in words
_SHOWN = 5  # requests that are named where a fault never struck


class PromiseBroken(AssertionError):  # noqa: N818 - it says what happened
    """Promises were broken, or nothing is known of them; `judged` has each of them."""

    def __init__(self, message: str, judged: tuple[Judged, ...]) -> None:
        super().__init__(message)
        self.judged = judged


def in_words(item: Judged) -> str:
    """Return a judgement in one line, with the first of its findings."""
    judgement = item.judgement
    told = [finding.message for finding in judgement.findings[:_FEW]] or [judgement.reason]
    if (more := len(judgement.findings) - _FEW) > 0:
        told.append(f"… and {more} more")
    return f"{judgement.verdict} {item.sentence} ({item.name}): {'; '.join(told)}"


def judge_freely(
    journal: Journal,
    rules: Sequence[Rule],
    promises: Sequence[Promise],
    *,
    automatic: bool = True,
    unstruck: str = "",
    silence: str = "",
) -> tuple[Judged, ...]:
    """Return how a journal is judged: by promises, and whether everything struck and spoke.

    Args:
        rules: the fault rules of the run, by their numbers.
        automatic: judge by the promises of `AUTOMATIC` as well.
        unstruck: how to opt out of faults that must strike; empty where they need not.
        silence: how to opt out of somebody having to ask; empty where nobody needs to.
    """
    asked = list(promises)
    if automatic:
        known = {promise.name for promise in promises}
        asked += [
            Promise(name=name, check=CHECKS[name](), optional=True)
            for name in AUTOMATIC
            if name not in known
        ]
    judged = [item for item in judge(tuple(asked), journal) if item.name != CALLS_MADE]
    if silence and not journal.of(Requested, Served):
        reason = f"no request reached a simulated provider; {silence} opts out"
        judged.append(_unknown(CALLS_MADE, "the agent asks a model", reason))
    if lost := [event.text for event in journal.of(Noted) if event.kind == "not simulated"]:
        judged.append(_unknown("simulated", "every answer can be simulated", lost[0]))
    if unstruck and (idle := _idle(journal, rules)):
        judged.append(_unknown("faults_struck", "every fault struck", f"{idle}. {unstruck}"))
    return tuple(judged)


def _idle(journal: Journal, rules: Sequence[Rule]) -> str:
    """Return what was configured and never struck, and what arrived instead."""
    struck = {event.rule for event in journal.of(Struck)}
    idle = [
        rule.describe()
        for number, rule in enumerate(rules)
        if number not in struck and not rule.optional
    ]
    if not idle:
        return ""
    calls = [f"{one.provider} {one.model}, call {one.attempt}" for one in journal.of(Requested)]
    calls += [
        " ".join(filter(None, (one.dialect, one.operation, one.tool))) for one in journal.of(Served)
    ]
    came = calls[:_SHOWN]
    more = f"; and {len(calls) - _SHOWN} more" if len(calls) > _SHOWN else ""
    return f"never struck: {'; '.join(idle)}. What arrived: {'; '.join(came) or 'nothing'}{more}"


def _unknown(name: str, sentence: str, reason: str) -> Judged:
    judgement = Judgement(verdict=Verdict.UNKNOWN, reason=reason)
    return Judged(name=name, sentence=sentence, judgement=judgement)
