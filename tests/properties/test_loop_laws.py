"""Laws of the loop guard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards.canonical import call_key
from chaoskit_guards.errors import LoopDetectedError
from chaoskit_guards.loop import LoopGuard

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
ARGS = st.dictionaries(st.text(min_size=1, max_size=8), JSON, max_size=5)


@given(ARGS, st.randoms(use_true_random=False))
def test_key_order_does_not_matter(args, random):
    """A call is the same call in any order of its arguments."""
    items = list(args.items())
    random.shuffle(items)
    assert call_key("look", args) == call_key("look", dict(items))


@given(ARGS, st.integers(1, 6))
def test_exactly_max_repeats_identical_calls_pass(args, most):
    """Not one fewer, not one more."""
    guard = LoopGuard(window_size=8, max_repeats=most)
    for _ in range(most):
        guard.record("look", args)
    with pytest.raises(LoopDetectedError) as caught:
        guard.record("look", args)
    assert most + 1 == caught.value.count


@given(st.lists(st.integers(), unique=True, max_size=40))
def test_calls_that_all_differ_are_never_a_loop(numbers):
    """Different arguments with results worth having pass for ever."""
    guard = LoopGuard()
    for number in numbers:
        guard.record("read", {"line": number}, result=f"line {number}")


@given(st.lists(st.integers(), min_size=2, max_size=4, unique=True))
def test_every_short_cycle_ends(numbers):
    """Whatever the calls of a cycle are, its fourth round does not begin."""
    guard = LoopGuard(window_size=8, max_repeats=3)
    passed = 0
    try:
        for number in numbers * 10:
            guard.record("read", {"line": number}, result=f"line {number}")
            passed += 1
    except LoopDetectedError:
        pass
    assert passed <= 3 * len(numbers)
