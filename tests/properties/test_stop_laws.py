"""Laws of the stop conditions."""

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from chaoskit_guards.conditions import MaxIters, MaxTokens, MaxUsd, NoProgress
from chaoskit_guards.similarity import alike
from chaoskit_guards.stop import StopEvaluator

AMOUNTS = st.floats(0, 100, allow_nan=False)
ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=60)
RESULTS = st.recursive(
    ANY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


def stops(condition, ctx):
    return StopEvaluator([condition]).check(ctx).should_stop


@given(st.integers(0, 60), AMOUNTS, st.integers(0, 10**6))
def test_not_turns_round_and_and_is_or_of_the_others(iters, usd, tokens):
    """De Morgan, for every context that can be judged."""
    ctx = {"iters": iters, "cost_usd": usd, "tokens": tokens}
    a, b = MaxIters(30), MaxUsd(50) & MaxTokens(10**5)
    assert stops(~a, ctx) is not stops(a, ctx)
    assert stops(~(a & b), ctx) == stops(~a | ~b, ctx)
    assert stops(~(a | b), ctx) == stops(~a & ~b, ctx)


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_more_never_goes_on_where_less_has_stopped(usd, more, ahead):
    """Neither spent nor expected."""
    if stops(MaxUsd(50), {"cost_usd": usd, "next_cost_usd": ahead}):
        assert stops(MaxUsd(50), {"cost_usd": usd + more, "next_cost_usd": ahead})
        assert stops(MaxUsd(50), {"cost_usd": usd, "next_cost_usd": ahead + more})


@given(st.sampled_from([math.nan, -math.inf, -1.0, None, "1", True, [], b""]))
def test_what_is_no_amount_ends_the_run_under_any_combination(bad):
    """And, or and not do not mend it."""
    ctx = {"cost_usd": bad, "iters": 1}
    for condition in (MaxUsd(5), ~MaxUsd(5), MaxUsd(5) & MaxIters(9), MaxUsd(5) | MaxIters(9)):
        assert stops(condition, ctx)


@given(RESULTS, st.integers(2, 8), st.data())
def test_the_same_result_is_stale_whatever_it_is(result, window, data):
    """Exactly `max_stale` repeats of any value pass, and not one more."""
    most = data.draw(st.integers(1, window - 1))
    condition = NoProgress(window=window, max_stale=most)
    assert not stops(condition, {"last_tool_results": [result] * most})
    assert stops(condition, {"last_tool_results": [result] * (most + 1)})


@given(st.lists(st.text("abcdefgh", min_size=6, max_size=9), min_size=2, max_size=4, unique=True))
def test_circles_are_stale(words):
    """Of every length that the window can hold."""
    results = [f"{word} {word[::-1]}x {word}y" for word in words]
    assume(all(alike(a, b) < 0.8 for a in results for b in results if a is not b))
    condition = NoProgress(window=5, similarity=0.8, max_stale=3)
    assert not stops(condition, {"last_tool_results": results})
    assert stops(condition, {"last_tool_results": results * 3})


@given(st.text(max_size=200), st.text(max_size=200))
def test_similarity_is_symmetric_and_a_share(one, other):
    """And 1 for the same."""
    assert alike(one, other) == alike(other, one)
    assert 0 <= alike(one, other) <= 1
    assert alike(one, one) == 1


@given(st.lists(RESULTS, max_size=12), st.integers(0, 30), AMOUNTS)
def test_asking_changes_nothing(results, iters, usd):
    """The second answer is the first."""
    evaluator = StopEvaluator([MaxIters(20), MaxUsd(50), NoProgress()])
    ctx = {"iters": iters, "cost_usd": usd, "last_tool_results": results}
    assert evaluator.check(ctx) == evaluator.check(ctx)
