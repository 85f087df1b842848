"""Promises on calls, tokens, money and time, and on loops."""

import json

import pytest

from chaoskit.check import Verdict
from chaoskit.checks import (
    BillWithin,
    BoundedCalls,
    BoundedTime,
    BoundedTokens,
    BoundedUsd,
    GivesUpGracefully,
    NoToolLoop,
)


def spend(story):
    """Two users, two turns each, two calls per turn; each call 100 tokens and a cent."""
    for user in ("ann", "bob"):
        for turn in (1, 2):
            story.asks(user, turn=turn)
            for _ in range(2):
                call = story.requests(0, user=user, turn=turn)
                story.replies(
                    call,
                    input_tokens=50,
                    cache_read_tokens=20,
                    cache_write_tokens=10,
                    output_tokens=20,
                    cost_usd=0.01,
                )
            story.answers("Yes.", 10, user=user, turn=turn)
    return story.journal


@pytest.mark.parametrize(("per", "most"), [("turn", 2), ("user", 4), ("run", 8)])
def test_bounds_hold_up_to_their_value(story, per, most):
    """Exactly as much as allowed passes, a little less fails."""
    journal = spend(story)
    pairs = [
        (BoundedCalls(max_calls=most, per=per), BoundedCalls(max_calls=most - 1, per=per)),
        (
            BoundedTokens(max_tokens=100 * most, per=per),
            BoundedTokens(max_tokens=100 * most - 1, per=per),
        ),
        (
            BoundedUsd(max_usd=0.01 * most + 1e-9, per=per),
            BoundedUsd(max_usd=0.01 * most - 1e-3, per=per),
        ),
    ]
    for enough, too_little in pairs:
        assert enough.judge(journal).verdict == Verdict.PASS
        judgement = too_little.judge(journal)
        assert judgement.verdict == Verdict.FAIL
        assert 8 // most == len(judgement.findings) == judgement.judged
        assert pytest.approx(0.01 * most) == judgement.findings[0].cost_usd


@pytest.mark.parametrize(("per", "most"), [("turn", 10), ("user", 20), ("run", 10)])
def test_time_is_bounded_per_turn_user_and_run(story, per, most):
    """Four turns of ten seconds, all begun at zero."""
    journal = spend(story)
    assert BoundedTime(within=most, per=per).judge(journal).verdict == Verdict.PASS
    assert BoundedTime(within=most - 0.5, per=per).judge(journal).verdict == Verdict.FAIL


def test_a_failed_turn_takes_time_too(story):
    """Raising after ten minutes is not quick."""
    story.asks().fails(at=600)
    assert BoundedTime(within="5m").judge(story.journal).verdict == Verdict.FAIL


def test_calls_for_counting_tokens_are_no_model_calls(story):
    """They are free."""
    story.replies(story.requests(0))
    for _ in range(3):
        story.requests(0, operation="count_tokens")
    assert BoundedCalls(max_calls=1).judge(story.journal).verdict == Verdict.PASS


def test_the_bill_counts_the_warm_up_and_may_begin_later(story):
    """A warm-up at zero, a call at a hundred seconds."""
    story.replies(story.requests(0, user="", turn=0), cost_usd=0.5)
    story.replies(story.requests(100), cost_usd=0.1)
    assert BillWithin(max_usd=0.55).judge(story.journal).verdict == Verdict.FAIL
    assert BillWithin(max_usd=0.61).judge(story.journal).verdict == Verdict.PASS
    assert BillWithin(max_usd=0.11, after=50).judge(story.journal).verdict == Verdict.PASS


def loop(story, called, got, steps, *, arguments=lambda n: "{}", result=lambda n: "[]"):
    """Let the model call a tool again and again, and the agent answer each call."""
    story.asks()
    results = []
    for number in range(steps):
        ask = called(arguments=arguments(number), call_id=f"c{number}")
        story.replies(story.requests(number, results=results), calls=[ask], cost_usd=0.01)
        results = [got(result(number), call_id=f"c{number}")]
    story.replies(story.requests(steps, results=results), "Nothing found.").answers(
        "Nothing found."
    )
    return story.journal


def test_twenty_five_identical_tool_calls_are_a_loop(story, called, got):
    """Every argument list the same, written differently or not."""
    journal = loop(
        story,
        called,
        got,
        25,
        arguments=lambda n: '{"a": 1, "b": 2}' if n % 2 else '{"b":2,"a":1}',
        result=lambda n: "some rows",
    )
    judgement = NoToolLoop().judge(journal)
    assert judgement.verdict == Verdict.FAIL
    (finding,) = judgement.findings
    assert "25 calls of search" in finding.message
    assert "LoopGuard" in finding.advice
    assert pytest.approx(0.25) == finding.cost_usd


@pytest.mark.parametrize(
    "empty",
    ["", "[]", "{}", "null", '{"results": [], "query": "x"}', "No results found.", '"none"'],
)
def test_a_search_that_finds_nothing_for_long_is_a_loop(story, called, got, empty):
    """The model rephrases each time, so that no two calls are equal."""
    journal = loop(
        story,
        called,
        got,
        11,
        arguments=lambda n: json.dumps({"query": f"attempt {n}"}),
        result=lambda n: empty,
    )
    judgement = NoToolLoop().judge(journal)
    assert judgement.verdict == Verdict.FAIL
    assert "11 empty tool results in a row" in judgement.findings[0].message


def test_a_find_in_between_breaks_the_row(story, called, got):
    """Ten, a hit, ten more."""
    journal = loop(
        story,
        called,
        got,
        21,
        arguments=lambda n: json.dumps({"query": f"attempt {n}"}),
        result=lambda n: '{"results": ["x"]}' if n == 10 else "[]",
    )
    assert NoToolLoop().judge(journal).verdict == Verdict.PASS


def test_polling_with_changing_results_is_no_loop(story, called, got):
    """The same call twenty-five times, and each time something new."""
    journal = loop(story, called, got, 25, result=lambda n: f"{n * 4} % done")
    assert NoToolLoop().judge(journal).verdict == Verdict.PASS


def test_retries_of_one_step_are_no_loop(story, called, got):
    """Ten streams of the same tool call; only the last one got through."""
    story.asks()
    for number in range(10):
        call = story.requests(number, step="s")
        story.replies(call, calls=[called()]).delivers(call, "complete" if number > 7 else "reset")
    story.replies(story.requests(11, results=[got("rows")]), "Yes.").answers("Yes.")
    assert NoToolLoop(max_identical=1).judge(story.journal).verdict == Verdict.PASS


def test_a_tool_that_is_run_again_and_again_without_the_model_is_a_loop(story):
    """A retry loop of the agent's own."""
    story.asks()
    for _ in range(6):
        story.runs("search", '{"q": 1}', "timeout")
    assert NoToolLoop().judge(story.journal).verdict == Verdict.FAIL


def test_giving_up_is_graceful_when_it_is_early_and_told(story, called, got):
    """Seven steps and a word to the user."""
    journal = loop(story, called, got, 6)
    assert GivesUpGracefully(max_calls=7).judge(journal).verdict == Verdict.PASS
    judgement = GivesUpGracefully(max_calls=6).judge(journal)
    assert judgement.verdict == Verdict.FAIL
    assert "StopEvaluator" in judgement.findings[0].advice


def test_giving_up_without_a_word_or_by_raising_is_not_graceful(story):
    """Silence, an exception, and an end that only the run brought."""
    for user in ("ann", "bob", "cid"):
        story.asks(user)
        story.replies(story.requests(0, user=user))
    story.answers(" ").fails("LoopDetectedError", user="bob")
    messages = [finding.message for finding in GivesUpGracefully().judge(story.journal).findings]
    assert messages == [
        "ann, turn 1: it stopped after 1 model calls without a word to the user",
        "bob, turn 1: it ended in LoopDetectedError after 1 model calls",
        "cid, turn 1: it had not stopped after 1 model calls when the run ended",
    ]
