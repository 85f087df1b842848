"""Stop conditions: inclusive, idempotent, closed when they cannot see."""

import logging
import math

import pytest

from chaoskit_guards.conditions import (
    ErrorStreak,
    MaxIters,
    MaxSeconds,
    MaxTokens,
    MaxUsd,
    NoProgress,
    SameAnswer,
)
from chaoskit_guards.similarity import alike
from chaoskit_guards.stop import RunContext, StopEvaluator


def context(iters=0, cost_usd=0.0, results=()):
    return {"iters": iters, "cost_usd": cost_usd, "last_tool_results": list(results)}


@pytest.mark.parametrize(("iters", "stop"), [(0, False), (19, False), (20, True), (21, True)])
def test_the_limit_is_inclusive(iters, stop):
    """Twenty of twenty stops."""
    assert stop == StopEvaluator([MaxIters(20)]).check(context(iters)).should_stop


def test_cents_add_up():
    """Fifteen times ten cents is one dollar fifty, whatever floats say."""
    spent = sum([0.1] * 15)
    decision = StopEvaluator([MaxUsd(1.50)]).check(context(1, spent))
    assert (decision.should_stop, decision.reason) == (True, "$1.50 of $1.50 are spent")


@pytest.mark.parametrize("bad", [math.nan, "1.0", None, -1, True])
def test_a_cost_that_is_no_number_stops(bad):
    """A cap that cannot be checked is no cap."""
    decision = StopEvaluator([MaxUsd(1)]).check(context(1, bad))
    assert (decision.should_stop, decision.condition) == (True, "MaxUsd")


def test_a_missing_input_stops_and_is_named():
    """A misspelt key does not switch a condition off."""
    decision = StopEvaluator([MaxUsd(1)]).check({"cost_us": 0.5})
    assert decision.should_stop
    assert "did you mean 'cost_us'" in decision.reason


def test_a_real_reason_comes_before_a_broken_one():
    """What could be judged is what the user reads."""
    decision = StopEvaluator([MaxUsd(1), MaxIters(5)]).check({"iters": 5})
    assert decision.condition == "MaxIters"


PROGRESS = NoProgress(window=5, similarity=0.80, max_stale=3)


@pytest.mark.parametrize(
    ("results", "stop"),
    [
        ([], False),
        (["nothing found"] * 3, False),
        (["nothing found"] * 4, True),
        (["a b c d", "e f g h", "i j k l", "m n o p", "q r s t"], False),
        (["a b c d", "e f g h"] * 3, True),
        ([[], [], [], []], True),
        ([{"hits": []}] * 5, True),
        (["nothing found"] * 4 + ["the deploy failed at ten"], False),
        (
            [f"searched at 2026-06-1{n}T10:00:0{n}Z in {n}.{n} ms: no results" for n in range(5)],
            True,
        ),
        ([f"{n} % done" for n in range(5)], False),
        (["a b c d", "e f g h", "i j k l"] * 2, True),
        (["a b c d", "e f g h", "i j k l", "m n o p"] * 2, True),
        ([f"attempt {n}: nothing was found for this query" for n in range(5)], True),
        ([f"attempt {n} of 9: nothing was found for this query" for n in range(5)], True),
        ([f"copied {n} of 9 files to the other server" for n in range(5)], False),
        ([f"the copy is at {n} % and will go on" for n in range(5)], False),
        ([{"cpu": n / 10, "host": "alpha"} for n in range(5)], False),
        ([f"line {n}" for n in range(5)], False),
    ],
)
def test_no_progress_means_nothing_new(results, stop):
    """Repeats and circles are stale; times are masked; counts and texts that differ are news."""
    assert stop == StopEvaluator([PROGRESS]).check(context(results=results)).should_stop


def test_looking_twice_changes_nothing():
    """Asking is free."""
    evaluator = StopEvaluator([MaxIters(20), PROGRESS])
    ctx = context(3, 0.1, ["nothing found"] * 3)
    assert [evaluator.check(ctx).should_stop for _ in range(10)] == [False] * 10


def test_conditions_combine():
    """Any, all, not."""
    ctx = {"iters": 5, "tokens": 10, "errors_in_a_row": 0}
    both = MaxIters(5) & MaxTokens(100)
    either = MaxIters(5) | MaxTokens(100)
    neither = ~MaxIters(5)
    stops = [StopEvaluator([c]).check(ctx).should_stop for c in (both, either, neither)]
    assert stops == [False, True, False]


def test_not_of_what_cannot_be_judged_still_stops():
    """Turning round a broken condition does not mend it."""
    assert StopEvaluator([~MaxIters(5)]).check({}).should_stop


def test_time_runs_out():
    """Seconds since the run began."""
    ctx = RunContext(clock=lambda: 100.0)
    stops = [
        StopEvaluator([MaxSeconds(60, clock=iter([now]).__next__)]).check(ctx).should_stop
        for now in (159.0, 160.0)
    ]
    assert stops == [False, True]


def test_the_end_is_announced():
    """Two steps before the cap the model is asked for its answer."""
    evaluator = StopEvaluator([MaxIters(10)])
    decisions = [evaluator.check(context(n)) for n in (3, 7, 8, 9)]
    assert [decision.soft for decision in decisions] == [False, False, True, True]
    assert "final answer" in decisions[-1].hint


def test_the_context_counts_by_itself():
    """Steps, tokens, money, results and errors."""
    ctx = RunContext(price=lambda model, usage: 0.25)
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 85}
    answer = {"model": "m", "content": [{"type": "text", "text": "hi"}], "usage": usage}
    for _ in range(4):
        ctx.record_response(answer)
        ctx.record_tool("boom", error=True)
    assert (ctx["iters"], ctx["cost_usd"], ctx["tokens"], ctx.errors_in_a_row) == (4, 1.0, 400, 4)
    assert list(ctx.last_tool_results) == ["boom"] * 4
    assert StopEvaluator([ErrorStreak(4)]).check(ctx).should_stop
    assert StopEvaluator([SameAnswer()]).check(ctx).should_stop


def test_an_unknown_price_ends_a_run_with_a_cap():
    """Unknown is never free."""
    ctx = RunContext(price=lambda model, usage: None)
    ctx.record_response({"usage": {"input_tokens": 1}})
    assert StopEvaluator([MaxUsd(1)]).check(ctx).should_stop


def test_counters_that_stand_still_are_reported(caplog):
    """Results come in, nobody counts steps or money: the caps are decoration."""
    evaluator = StopEvaluator([MaxIters(20), MaxUsd(1.5)])
    ctx = context()
    with caplog.at_level(logging.WARNING):
        for n in range(8):
            ctx["last_tool_results"].append(f"result {n}")
            evaluator.check(ctx)
    assert len(caplog.records) == 1
    assert "iters" in caplog.text


@pytest.mark.parametrize(
    "make",
    [lambda: MaxIters(0), lambda: MaxUsd(math.nan), lambda: NoProgress(window=3, max_stale=3)],
)
def test_wrong_limits_are_refused(make):
    """A limit that can never or always holds is a mistake."""
    with pytest.raises(ValueError, match=r"must be|needs"):
        make()


def test_similarity_is_a_share():
    """The same is one, the different is nothing, in between is in between."""
    text = "the deploy of service alpha failed at the migration step because of a timeout"
    assert alike(text, text) == 1.0
    assert alike(text, "nothing was found for your query in any index today") == 0.0
    assert 0.3 < alike(text, text.replace("alpha", "beta")) < 0.9


def test_long_texts_are_compared_by_a_sample():
    """The sample of a long text stays comparable."""
    long = " ".join(f"word{n}" for n in range(20_000))
    half = " ".join(f"word{n}" if n < 10_000 else f"other{n}" for n in range(20_000))
    assert alike(long, long) == 1.0
    assert 0.2 < alike(long, half) < 0.5


def test_money_is_checked_before_it_is_spent():
    """A step that would go beyond the cap is not begun; one that just reaches it is."""
    ctx = RunContext()
    ctx.cost_usd = 1.0
    evaluator = StopEvaluator([MaxUsd(1.50), MaxTokens(1_000)])
    ctx.expect(usd=0.5, tokens=1_000)
    assert not evaluator.check(ctx)
    ctx.expect(usd=0.51)
    decision = evaluator.check(ctx)
    assert decision.reason == "after the next step $1.51 of $1.50 are spent"
    assert decision.evidence["next_cost_usd"] == 0.51
    ctx.expect(tokens=1_001)
    assert evaluator.check(ctx).condition == "MaxTokens"
    ctx.record_response({"usage": {"input_tokens": 1, "output_tokens": 1}})
    assert not evaluator.check(ctx)


@pytest.mark.parametrize("bad", [math.nan, -1, "0.1", True])
def test_an_expected_cost_that_is_no_number_stops(bad):
    """What cannot be added up is no reason to go on."""
    ctx = {"cost_usd": 0.1, "next_cost_usd": bad}
    assert StopEvaluator([MaxUsd(1)]).check(ctx).should_stop


def test_the_end_is_forecast():
    """At ten cents a step, five of fifteen steps are left before a dollar fifty."""
    evaluator = StopEvaluator([MaxIters(40), MaxUsd(1.50)])
    decision = evaluator.check(context(10, 1.0))
    assert (round(decision.steps_left), decision.soft) == (5, False)
    assert decision.forecast == "at this rate MaxUsd ends the run in about 5 more step(s)"
    assert evaluator.check(context(0, 0.0)).forecast == ""
    assert evaluator.check(context(15, 1.5)).steps_left == 0
    either = StopEvaluator([MaxIters(40) | MaxUsd(1.50)]).check(context(10, 1.0))
    assert round(either.steps_left) == 5


def test_the_next_run_is_watched_anew(caplog):
    """An evaluator that served one run warns in the next one as well."""
    evaluator = StopEvaluator([MaxIters(20)])
    for n in range(1, 30):
        evaluator.check(context(n % 20, n / 100, ["result"] * n))
    ctx = context()
    with caplog.at_level(logging.WARNING):
        for n in range(8):
            ctx["last_tool_results"].append(f"result {n}")
            evaluator.check(ctx)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("spent", [5e-324, 10**400, math.inf])
def test_amounts_of_any_size_are_judged(spent):
    """The smallest and the largest numbers that there are."""
    decision = StopEvaluator([MaxUsd(1.5)]).check({"cost_usd": spent, "iters": 3})
    assert decision.should_stop == (spent > 1)
    assert StopEvaluator([MaxIters(20)]).check({"iters": 10**400}).should_stop


def test_conditions_say_how_to_write_them_again():
    """Combined ones, too."""
    written = "((MaxIters(20) | MaxUsd(1.5)) & ~MaxTokens(3))"
    assert repr((MaxIters(20) | MaxUsd(1.5)) & ~MaxTokens(3)) == written
    assert repr(eval(written)) == written
