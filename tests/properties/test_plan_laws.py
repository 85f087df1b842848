"""Laws of plans: what is decided for one user is that user's own business, and repeatable."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.exchange import Call, Refusal
from chaoskit.faults import (
    FAULTS,
    ConnectError,
    CutStream,
    EmptyCompletion,
    EmptyResult,
    Outage,
    Overloaded,
    RateLimited,
    UnfinishedStream,
)
from chaoskit.match import Subject
from chaoskit.plan import Plan, PlanState, Rule, When

CALL = Call(dialect="anthropic", provider="anthropic")
STAGES = ("admit", "reply", "frames", "steps", "result")
USERS = st.sampled_from(["ann", "bob", "cid"])
WHENS = st.builds(
    When,
    calls=st.none() | st.sampled_from(["2-3", 1, "2-", "every 2", "1,3"]),
    probability=st.sampled_from([1.0, 0.5, 0.2]),
    times=st.none() | st.integers(1, 3),
    from_=st.sampled_from([0.0, 5.0]),
    for_=st.none() | st.just(20.0),
    until=st.sampled_from([None, "reported"]),
)
RULES = st.builds(
    Rule,
    fault=st.sampled_from(
        [
            RateLimited(retry_after=3),
            RateLimited(header="ms", retry_after=1.7),
            Overloaded(),
            ConnectError(),
            Outage(),
            EmptyCompletion(),
            UnfinishedStream(),
            CutStream(),
            EmptyResult(),
        ]
    ),
    when=WHENS,
    optional=st.booleans(),
    sticky=st.booleans(),
)
PLANS = st.builds(Plan, rules=st.lists(RULES, max_size=4).map(tuple), seed=st.integers(0, 2**32))
SUBJECTS = st.lists(
    st.builds(
        Subject,
        user=USERS,
        turn=st.integers(1, 2),
        now=st.integers(0, 300).map(lambda tenths: tenths / 10),
        operation=st.sampled_from(["generate", "generate", "count_tokens", "run_tool"]),
        model=st.sampled_from(["large", "small"]),
        called=st.sampled_from([(), ("search",)]),
        reported=st.booleans(),
    ),
    max_size=25,
).map(lambda subjects: sorted(subjects, key=lambda subject: subject.now))


def _play(plan, subjects):
    """Run every subject through every stage; return what was decided for each user."""
    state = PlanState(plan, canary=lambda label: f"fake!{label}")
    decided = {}
    for subject in subjects:
        for stage in STAGES:
            for decision in state.decide(subject, stage):
                outcome = decision.again or (
                    decision.fault.admit(CALL, decision.strike) if stage == "admit" else None
                )
                state.struck(decision, outcome)
                seen = (decision.rule, decision.strike.count, decision.strike.rng.random())
                seen += (subject, outcome, decision.early, decision.waited)
                decided.setdefault(subject.user, []).append(seen)
    return decided


@settings(deadline=None, max_examples=100)
@given(plan=PLANS, subjects=SUBJECTS)
def test_the_same_seed_decides_the_same(plan, subjects):
    """Twice the same calls, twice the same fate."""
    assert _play(plan, subjects) == _play(plan, subjects)


@settings(deadline=None, max_examples=100)
@given(plan=PLANS, subjects=SUBJECTS)
def test_what_is_decided_for_a_user_ignores_all_others(plan, subjects):
    """Interleaved with others or alone."""
    together = _play(plan, subjects)
    for user in ("ann", "bob", "cid"):
        alone = _play(plan, [subject for subject in subjects if subject.user == user])
        assert together.get(user) == alone.get(user)


@given(subjects=SUBJECTS)
def test_the_empty_plan_changes_nothing(subjects):
    """At no stage, for nobody."""
    assert _play(Plan(), subjects) == {}


@settings(deadline=None, max_examples=50)
@given(plan=PLANS)
def test_a_plan_survives_being_written_down(plan):
    """As Python and as a table."""
    names = {FAULTS[name].__name__: FAULTS[name] for name in FAULTS}
    assert eval(repr(plan), {**names, "Plan": Plan, "Rule": Rule, "When": When}) == plan
    assert Plan.from_dict(plan.to_dict(FAULTS), FAULTS) == plan


@settings(deadline=None, max_examples=100)
@given(
    retry_after=st.floats(0.1, 100),
    form=st.sampled_from(["seconds", "ms", "date"]),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=12),
)
def test_an_early_client_never_gets_in_and_is_never_told_less(retry_after, form, gaps):
    """Until the time that the first refusal named, every call is refused and told what is left."""
    fault = RateLimited(retry_after=retry_after, header=form)
    plan = Plan(rules=(Rule(fault=fault, when=When(calls=1)),))
    state = PlanState(plan, canary=str)
    now, decisions = 0.0, state.decide(Subject(user="ann"), "admit")
    state.struck(decisions[0], decisions[0].fault.admit(CALL, decisions[0].strike))
    for gap in gaps:
        now += gap
        left = retry_after - now
        decisions = state.decide(Subject(user="ann", now=now), "admit")
        if left <= 1e-3:
            assert decisions == ()
            break
        (again,) = decisions
        assert isinstance(again.again, Refusal)
        assert (again.early, again.waited) == (True, pytest.approx(now))
        assert left - 1e-5 <= again.again.retry_after <= math.ceil(left)
        state.struck(again, again.again)
