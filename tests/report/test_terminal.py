"""The scorecard."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from chaoskit.check import Verdict
from chaoskit.report import terminal


def again(outcome):
    """Return a command line."""
    return f"chaoskit run {outcome.scenario} --agent {outcome.agent} --seed {outcome.seed}"


def shown(outcomes, *, width=100, verbose=False, colour=False):
    """Return what is printed."""
    console = Console(
        file=io.StringIO(), width=width, highlight=False, markup=False, force_terminal=colour
    )
    terminal.show(outcomes, console, again=again, verbose=verbose)
    return console.file.getvalue()


def test_the_scorecard_has_a_line_for_each_scenario(made):
    """Day, title, verdict, calls, tokens, USD, virtual and real time; then what broke."""
    text = shown([made.outcome(), made.broken(day=3, title="Other")])
    lines = [line.split() for line in text.splitlines()]
    costs = ["2,717", "4,606k", "1.2346", "45.2m", "1.83s"]
    assert lines[1] == ["2", "Rate", "limits", "at", "6pm", "PASS", *costs]
    assert lines[2] == ["3", "Other", "FAIL", *costs]
    assert lines[3] == ["user-1,", "turn", "1:", "no", "answer"]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(made, width):
    """Long and wide titles and reasons are cut; only the command to copy is whole."""
    title = "コンテキスト " * 20
    outcomes = [
        made.broken(title=title),
        made.sick(title=title, notes=("a remark " * 30,)),
        made.beside(title="[bold]x[/bold]" * 9, reason="a reason " * 40),
        made.unknown(),
    ]
    for verbose in (False, True):
        lines = shown(outcomes, width=width, verbose=verbose).splitlines()
        assert [line for line in lines if cell_len(line) > width and "again:" not in line] == []


def test_there_is_no_colour_where_there_is_no_terminal(made, monkeypatch):
    """A log gets plain text, a terminal gets colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in shown([made.broken()])
    assert "\x1b[1;31mFAIL" in shown([made.broken()], colour=True)


def test_markup_of_others_is_text(made):
    """Brackets of an agent's message are not styles."""
    text = shown([made.outcome(verdict=Verdict.UNKNOWN, reason="got [red]what[/red]")])
    assert text.count("got [red]what[/red]") == 2


def test_a_broken_promise_is_shown_with_its_first_findings_and_what_to_do(made):
    """Three findings, how many more there are, the advice once, and how to run it again."""
    text = shown([made.broken()])
    assert "FAIL sentence of every_user_answered (every_user_answered: 5 findings" in text
    assert "at 11s: user-1, turn 1: no answer" in text
    assert "user-4" not in text
    assert "… and 2 more; -v shows all" in text
    assert text.count("What to do: retry with jitter") == 1
    assert "again: chaoskit run day2-rate-limits --agent myapp.agent:answer --seed 0" in text
    assert "no_crash" not in text


def test_all_findings_and_kept_promises_are_shown_when_asked_for(made):
    """With user, turn, call and cost."""
    text = shown([made.broken()], verbose=True)
    assert "at 15s: user-5, turn 1: no answer [user-5, turn 1, call 5, $0.0100]" in text
    assert "PASS sentence of no_crash (no_crash)" in text


def test_the_same_advice_is_given_once_for_a_scenario(made):
    """Several promises broken by one mistake are mended by one remedy."""
    outcome = made.outcome(
        verdict=Verdict.FAIL, promises=(made.judged(name="one"), made.judged(name="two"))
    )
    assert shown([outcome]).count("What to do:") == 1


def test_a_long_finding_is_shortened(made):
    """A page of a proxy does not fill the screen."""
    item = made.judged(findings=0)
    long = made.finding(1, message="word " * 500)
    judgement = type(item.judgement)(verdict=Verdict.FAIL, judged=1, findings=(long,))
    outcome = made.outcome(
        verdict=Verdict.FAIL,
        promises=(type(item)(name="x", sentence="x", judgement=judgement),),
    )
    assert shown([outcome]).count("word") < 80
    assert shown([outcome], verbose=True).count("word") == 500


def test_a_sick_set_up_is_told_apart_from_a_broken_promise(made):
    """With the promises of the healthy run."""
    text = shown([made.sick()])
    assert "HEALTHY FAILED" in text
    assert "Without any fault these promises are not kept" in text
    assert "sentence of every_user_answered" in text


def test_what_does_not_apply_and_what_is_unknown_have_reasons(made):
    """On the scorecard and below."""
    text = shown([made.beside(), made.unknown()])
    assert text.count("the agent offers no tools") == 2
    assert text.count("rule 0 never struck") == 2


def test_kept_promises_need_no_more_words(made):
    """Only the scorecard and the sums."""
    lines = shown([made.outcome()]).splitlines()
    assert len(lines) == 5
    assert lines[3:] == ["  1 PASS", "  2,717 calls, 1.23 USD, 45.2m lived through in 1.83s"]


def test_tools_that_ran_for_real_and_notes_are_remarks(made):
    """Even where all promises were kept."""
    text = shown([made.outcome(real_tools=("search", "fetch"), notes=("not reproducible: x",))])
    assert "these tools of the agent ran for real: search, fetch" in text
    assert "not reproducible: x" in text


def test_the_sums_count_every_kind_of_outcome(made):
    """In the order from good to bad."""
    outcomes = [made.beside(), made.sick(), made.broken(), made.outcome(), made.unknown()]
    line = "  1 PASS, 1 FAIL, 1 HEALTHY FAILED, 1 UNKNOWN, 1 NOT APPLICABLE"
    assert line in shown(outcomes).splitlines()


def test_no_outcome_no_scorecard():
    """Interrupted before the first run was over."""
    assert shown([]) == ""
