"""Outcomes as a run would leave them."""

from types import SimpleNamespace

import pytest

from chaoskit.check import Finding, Judgement, Verdict
from chaoskit.journal import Journal, RunEnded
from chaoskit.outcome import Judged, Outcome


def finding(number, **more):
    """Return a finding with advice."""
    base = {
        "message": f"user-{number}, turn 1: no answer",
        "at": 10.0 + number,
        "user": f"user-{number}",
        "turn": 1,
        "call": number,
        "cost_usd": 0.01,
        "advice": "retry with jitter",
    }
    return Finding(**(base | more))


def judged(verdict=Verdict.FAIL, findings=5, name="every_user_answered", **more):
    """Return a judged promise."""
    found = tuple(finding(number) for number in range(1, findings + 1))
    judgement = Judgement(verdict=verdict, judged=20, findings=found, **more)
    return Judged(name=name, sentence=f"sentence of {name}", judgement=judgement)


def outcome(**more):
    """Return an outcome that kept all, unless told otherwise."""
    base = {
        "scenario": "day2-rate-limits",
        "title": "Rate limits at 6pm",
        "day": 2,
        "agent": "myapp.agent:answer",
        "seed": 0,
        "verdict": Verdict.PASS,
        "calls": 2717,
        "tokens": 4_606_320,
        "cost_usd": 1.23456,
        "virtual_seconds": 2712.0,
        "real_seconds": 1.83,
        "journal": Journal([RunEnded(at=3.0, reason="finished")]),
        "healthy_journal": Journal([RunEnded(at=2.0, reason="finished")]),
    }
    return Outcome(**(base | more))


def broken(**more):
    """Return an outcome with a broken promise."""
    return outcome(
        verdict=Verdict.FAIL,
        reason="user-1, turn 1: no answer",
        promises=(judged(), judged(Verdict.PASS, 0, name="no_crash")),
        **more,
    )


def sick(**more):
    """Return an outcome whose healthy run went wrong."""
    return outcome(
        verdict=Verdict.UNKNOWN,
        healthy_failed=True,
        reason="user-1, turn 1: no answer",
        healthy=(judged(findings=1),),
        journal=Journal(),
        **more,
    )


def beside(**more):
    """Return an outcome of a scenario that does not apply."""
    base = {"verdict": Verdict.NOT_APPLICABLE, "reason": "the agent offers no tools"}
    return outcome(**(base | more))


def unknown(**more):
    """Return an outcome of which nothing is known."""
    return outcome(
        verdict=Verdict.UNKNOWN,
        reason="rule 0 never struck",
        promises=(judged(Verdict.UNKNOWN, 0, name="faults_struck", reason="rule 0 never struck"),),
        **more,
    )


@pytest.fixture(scope="session")
def made():
    """Makers of outcomes."""
    return SimpleNamespace(
        finding=finding,
        judged=judged,
        outcome=outcome,
        broken=broken,
        sick=sick,
        beside=beside,
        unknown=unknown,
    )
