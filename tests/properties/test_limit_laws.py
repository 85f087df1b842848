"""Laws of the rate limits, whatever callers do."""

from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaoskit.provider.limits import RateLimits

ACCOUNT = ("anthropic", "k", "sonnet")
CALLERS = st.sampled_from(["ann", "bob", "cid", "dee", "eve"])
COSTS = st.integers(1, 100)
EPSILON = 1e-3


class Callers(RuleBasedStateMachine):
    """Callers that obey, come late, come early, stay away or ask for something else."""

    def __init__(self):
        super().__init__()
        self.limits = RateLimits()
        self.rates = (("requests", 6), ("input_tokens", 300), ("output_tokens", 10**9))
        self.now = 0.0
        self.admitted = []
        self.told = {}

    def ask(self, caller, tokens):
        refused = self.limits.admit(
            ACCOUNT, self.rates, (1, tokens, 0), caller=caller, now=self.now
        )
        if refused is None:
            self.admitted.append((self.now, tokens))
            self.told.pop(caller, None)
        else:
            self.told[caller] = (self.now + refused.retry_after, tokens)
        return refused

    @rule(seconds=st.floats(0, 30))
    def wait(self, seconds):
        self.now += seconds

    @rule(caller=CALLERS, tokens=COSTS)
    def come(self, caller, tokens):
        """Whoever is waiting comes too early or with another request; others are new."""
        due, wanted = self.told.get(caller, (self.now, 0))
        refused = self.ask(caller, tokens)
        if due > self.now + 1e-6:
            assert refused is not None
            assert refused.early
            assert abs(self.now + refused.retry_after - due) < 1 + EPSILON
            self.told[caller] = (due, wanted)  # the rest is told in whole seconds again

    @precondition(lambda self: self.told)
    @rule(late=st.floats(0, 1))
    def obey(self, late):
        """The next who is due comes when told, or a moment later, with the same request."""
        caller, (due, tokens) = min(self.told.items(), key=lambda item: item[1])
        if due + late > self.now:
            self.now = due + late
            assert self.ask(caller, tokens) is None
        else:
            del self.told[caller]

    @invariant()
    def never_more_than_the_bucket_gives(self):
        """In any window, at most the limit plus what flows in."""
        for (first, start), (last, end) in combinations_with_replacement(
            [(at, when) for at, (when, _) in enumerate(self.admitted)], 2
        ):
            window = self.admitted[first : last + 1]
            for limit, amount in (
                (self.rates[0][1], len(window)),
                (self.rates[1][1], sum(tokens for _, tokens in window)),
            ):
                assert amount <= limit + limit / 60 * (end - start) + EPSILON


TestCallers = pytest.mark.slow(Callers.TestCase)


@pytest.mark.slow
@given(
    crowd=st.integers(2, 30),
    requests=st.integers(1, 200),
    tokens=st.lists(st.integers(1, 400), min_size=30, max_size=30),
    late=st.lists(st.floats(0, 1), min_size=30, max_size=30),
)
def test_a_crowd_that_obeys_is_refused_once_each(crowd, requests, tokens, late):
    """However many come at once: told a time, each gets through at that time."""
    limits = RateLimits()
    rates = (("requests", requests), ("input_tokens", 500), ("output_tokens", 10**9))

    def ask(who, now):
        return limits.admit(ACCOUNT, rates, (1, tokens[who], 0), caller=str(who), now=now)

    told = {who: refused for who in range(crowd) if (refused := ask(who, 0.0)) is not None}
    coming = sorted((refused.retry_after + late[who], who) for who, refused in told.items())
    assert [None] * len(coming) == [ask(who, now) for now, who in coming]


@given(seconds=st.floats(0, 3600), used=st.integers(1, 60))
def test_a_bucket_is_never_fuller_than_its_limit(seconds, used):
    """Idle time is not saved up."""
    limits = RateLimits()
    rates = (("requests", 60), ("tokens", 1000))
    for _ in range(used):
        limits.admit(ACCOUNT, rates, (1, 1), caller="ann", now=0.0)
    states = limits.states(ACCOUNT, seconds)
    assert all(0 <= state.remaining <= state.limit for state in states)
    assert all(0 <= state.reset <= 60 for state in states)
