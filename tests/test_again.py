"""Results that are kept are those that would be computed, and there is an end of them."""

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.again import ByHead, ByIdentity, ByText, ByTwo
from chaoskit.exchange import HttpRequest


class Value:
    """Something that is equal to everything of its kind, and yet itself."""

    def __init__(self, number):
        self.number = number

    def __eq__(self, other):
        return isinstance(other, Value)

    __hash__ = None


PICKS = st.lists(st.integers(0, 7), max_size=40)


@given(PICKS, st.integers(1, 9))
def test_each_value_has_its_own_result(picks, most):
    """By which object it is; computed once while it is remembered, and never for another."""
    values, computed = [Value(number) for number in range(8)], []
    known = ByIdentity(lambda value: computed.append(value.number) or value.number, most)
    assert [known(values[pick]) for pick in picks] == picks
    assert len(computed) >= len(set(picks))
    if len(set(picks)) <= most:
        assert sorted(computed) == sorted(set(picks))
    assert len(known._known) <= most


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=40))
def test_each_pair_has_its_own_result(picks):
    """The latest partner of a value is remembered, and no result is that of an earlier one."""
    values, others = [Value(at) for at in range(5)], [Value(at) for at in range(3)]
    known = ByTwo(lambda value, other: (value.number, other.number), 3)
    assert [known(values[one], others[two]) for one, two in picks] == picks
    assert len(known._known) <= 3


def test_a_value_with_the_same_partner_is_computed_once():
    """It is what the memory is for."""
    computed = []
    known = ByTwo(lambda value, other: computed.append((value, other)))
    value, other = Value(1), Value(2)
    for _ in range(3):
        known(value, other)
    assert len(computed) == 1


@given(PICKS, st.integers(1, 9))
def test_requests_with_the_same_head_share_a_result(picks, most):
    """Whatever their bodies; where nobody has compared the heads, each has one of its own."""
    marks, computed = [None, *(object() for _ in range(7))], []

    def compute(request):
        computed.append(request.path)
        return request.path

    known = ByHead(compute, most)
    for at, pick in enumerate(picks):
        request = HttpRequest(
            method="GET", host="", path=f"/{pick}", alike=marks[pick], body=b"x" * at
        )
        assert known(request) == f"/{pick}"
    assert computed.count("/0") == picks.count(0)
    if len(set(picks) - {0}) <= most:
        assert len(computed) - computed.count("/0") == len(set(picks) - {0})
    assert len(known._known) <= most


def test_a_text_is_computed_once_and_the_memory_forgets_the_least_recently_used():
    """A long prompt that comes back is counted once; the memory is bounded by length."""
    computed = []
    known = ByText(lambda text: computed.append(text) or len(text), limit=200)
    for text in ("a", "b", "c", "a", "d", "a", "b"):
        known(text)
    assert computed == ["a", "b", "c", "d", "b"]
    assert len(known) == 3


def test_a_text_that_is_longer_than_the_limit_is_kept():
    """The newest result always stays."""
    known = ByText(len, limit=10)
    assert known("x" * 500) == 500
    assert len(known) == 1
