"""Exit codes."""

import pytest

from chaoskit.check import Verdict
from chaoskit.exits import exit_code, exit_code_of_demo
from chaoskit.outcome import Outcome


def outcome(word):
    """Return an outcome of that verdict; `SICK` for a healthy run that failed."""
    verdict = Verdict.UNKNOWN if word == "SICK" else Verdict[word]
    return Outcome(
        scenario="s",
        title="t",
        day=0,
        agent="a",
        seed=0,
        verdict=verdict,
        healthy_failed=word == "SICK",
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", 0),
        ("PASS", 0),
        ("NOT_APPLICABLE", 0),
        ("PASS UNKNOWN NOT_APPLICABLE", 3),
        ("UNKNOWN FAIL", 1),
        ("FAIL SICK UNKNOWN", 4),
    ],
)
def test_the_gravest_outcome_decides(words, code):
    """A sick set-up before a broken promise before nothing known."""
    assert exit_code(map(outcome, words.split())) == code


def test_strictly_what_does_not_apply_is_not_known():
    """Silence is no pass."""
    assert exit_code([outcome("PASS"), outcome("NOT_APPLICABLE")], strict=True) == 3


@pytest.mark.parametrize(
    ("naive", "guarded", "code"),
    [
        ("FAIL", "PASS", 0),
        ("PASS", "PASS", 1),
        ("FAIL", "FAIL", 1),
        ("UNKNOWN", "PASS", 3),
        ("FAIL", "NOT_APPLICABLE", 3),
        ("SICK", "PASS", 4),
        ("FAIL", "SICK", 4),
    ],
)
def test_the_demo_is_right_when_naive_breaks_and_guarded_keeps(naive, guarded, code):
    """Each scenario has a reason to exist."""
    pairs = [(outcome("FAIL"), outcome("PASS")), (outcome(naive), outcome(guarded))]
    assert exit_code_of_demo(pairs) == code
