"""The demo's report."""

import io

from rich.console import Console

from chaoskit.report import side_by_side

NAIVE, GUARDED = "chaoskit.demo:naive", "chaoskit.demo:guarded"


def shown(pairs, *, verbose=False):
    """Return what is printed."""
    console = Console(file=io.StringIO(), width=100, highlight=False, markup=False)
    side_by_side.show(pairs, console, again=lambda outcome: "again", verbose=verbose)
    return console.file.getvalue()


def test_both_verdicts_stand_on_one_line(made):
    """With what broke the naive one."""
    lines = shown([(made.broken(agent=NAIVE), made.outcome(agent=GUARDED))]).splitlines()
    assert lines[0].split() == ["day", "story", "naive", "guarded"]
    assert lines[1].split() == ["2", "Rate", "limits", "at", "6pm", "FAIL", "PASS"]
    assert lines[2].strip() == "naive: user-1, turn 1: no answer"


def test_as_meant_it_ends_with_an_invitation(made):
    """Nothing is shown in detail."""
    text = shown([(made.broken(agent=NAIVE), made.outcome(agent=GUARDED))])
    assert "Now yours: chaoskit run --agent" in text
    assert "every_user_answered" not in text


def test_what_is_not_as_meant_is_shown_in_detail(made):
    """A naive agent that keeps all shows nothing; a guarded one must."""
    text = shown([(made.outcome(agent=NAIVE), made.broken(agent=GUARDED))])
    assert "did not come out so" in text
    assert "FAIL sentence of every_user_answered" in text
    assert text.count("again: again") == 2


def test_everything_is_shown_when_asked_for(made):
    """The naive agent's findings are the point of the demo."""
    text = shown([(made.broken(agent=NAIVE), made.outcome(agent=GUARDED))], verbose=True)
    assert "user-5" in text


def test_nothing_was_done_nothing_is_shown():
    """Interrupted in the first scenario."""
    assert shown([]) == ""
