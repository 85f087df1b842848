"""The report for machines."""

import json

from chaoskit.report import as_json


def read(outcomes):
    """Return the report, written and read."""
    return json.loads(as_json.dumps(outcomes, made_by="1.2.3"))


def test_the_report_says_what_it_is(made):
    """Format, its version, and the version of chaoskit."""
    report = read([made.outcome(), made.broken()])
    assert (report["format"], report["version"], report["chaoskit"]) == (
        "chaoskit-report",
        1,
        "1.2.3",
    )
    assert [outcome["verdict"] for outcome in report["outcomes"]] == ["PASS", "FAIL"]


def test_everything_but_the_journals_is_in_it(made):
    """Journals are files of their own."""
    outcome = made.outcome(real_tools=("search",), notes=("a note",))
    assert read([outcome])["outcomes"] == [
        {
            "scenario": "day2-rate-limits",
            "title": "Rate limits at 6pm",
            "day": 2,
            "agent": "myapp.agent:answer",
            "seed": 0,
            "verdict": "PASS",
            "reason": "",
            "promises": [],
            "healthy": [],
            "healthy_failed": False,
            "calls": 2717,
            "tokens": 4_606_320,
            "cost_usd": 1.23456,
            "virtual_seconds": 2712.0,
            "real_seconds": 1.83,
            "real_tools": ["search"],
            "notes": ["a note"],
        }
    ]


def test_promises_have_their_findings(made):
    """With everything that a finding knows."""
    (outcome,) = read([made.broken()])["outcomes"]
    promise = outcome["promises"][0]
    assert (promise["name"], promise["verdict"], promise["judged"]) == (
        "every_user_answered",
        "FAIL",
        20,
    )
    assert promise["findings"][0] == {
        "message": "user-1, turn 1: no answer",
        "at": 11.0,
        "user": "user-1",
        "turn": 1,
        "call": 1,
        "cost_usd": 0.01,
        "advice": "retry with jitter",
    }


def test_numbers_are_rounded_like_those_of_journals(made):
    """Six decimals."""
    (outcome,) = read([made.outcome(cost_usd=0.1 + 0.2)])["outcomes"]
    assert outcome["cost_usd"] == 0.3
