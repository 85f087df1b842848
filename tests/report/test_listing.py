"""What there is to use in scenario files."""

import io

import pytest
from rich.console import Console

from chaoskit.checks import CHECKS
from chaoskit.errors import UsageError
from chaoskit.faults import FAULTS
from chaoskit.report import listing


def shown(what):
    """Return what is printed."""
    console = Console(file=io.StringIO(), width=100, highlight=False, markup=False)
    listing.show(what, console)
    return console.file.getvalue()


def test_faults_are_listed_with_their_settings():
    """Name, where it strikes, meaning; each setting with kind, default and meaning."""
    text = shown("faults")
    assert all(f"\n{name}  " in text for name in FAULTS)
    assert "    retry_after: duration, 7s unless set. How long the client is asked to wait." in text
    assert "when = { … }" in text
    assert "    from: duration, 0s unless set." in text


def test_checks_are_listed_by_what_they_are_about():
    """The healthy run is judged by what users get only."""
    text = shown("checks")
    assert all(f"\n{name}  " in text for name in CHECKS)
    assert "\nevery_user_answered  what users get\n" in text
    assert "    max_usd: US dollars, required." in text


def test_behaviours_and_dialects_are_listed():
    """Models, and wire protocols."""
    assert "\nstubborn\n  Searches again" in shown("behaviours")
    assert "anthropic  of anthropic\n  " in shown("dialects")
    assert "mcp  of tools\n  The Model Context Protocol" in shown("dialects")


def test_shipped_scenarios_are_listed_in_the_order_of_the_days():
    """With title, the first sentence of the story, and what they need."""
    text = shown("scenarios")
    assert text.index("day1-") < text.index("day2-") < text.index("day7-")
    assert "needs " in text


def test_one_member_is_shown_alone():
    """By its name."""
    text = shown("outage")
    assert text.startswith("outage  instead of an answer\n  The provider is down")
    assert "rate_limited" not in text


@pytest.mark.parametrize(
    ("what", "hint"),
    [("fautls", "did you mean 'faults'"), ("outtage", "'outage'"), ("zzz", "known: behaviours, ")],
)
def test_what_there_is_not_is_told(what, hint):
    """With what may have been meant."""
    with pytest.raises(UsageError, match=hint):
        shown(what)
