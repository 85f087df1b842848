import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from chaoskit.errors import UsageError
from chaoskit.exchange import Call, Refusal
from chaoskit.faults import (
    FAULTS,
    ConnectError,
    EmptyCompletion,
    EmptyResult,
    MalformedArguments,
    Outage,
    RateLimited,
)
from chaoskit.match import Subject
from chaoskit.plan import Plan, PlanState, Rule, When

CALL = Call(dialect="anthropic", provider="anthropic")
PLAN = Plan(
    rules=(
        Rule(fault=RateLimited(retry_after="7s"), when=When(calls="2-3", **{"from": "30s"})),
        Rule(fault=MalformedArguments(kind=["missing", "null"]), optional=True),
        Rule(fault=Outage(kinds={"hang": 2}), when=When(user=["ann", 2]), sticky=False),
    ),
    seed=9,
)


def _state(*rules, seed=1):
    return PlanState(Plan(rules=rules, seed=seed), canary=lambda label: f"fake!{label}")


def _subject(now=0.0, user="ann", **more):
    return Subject(user=user, now=now, provider="anthropic", **more)


def _admit(state, now, user="ann", **more):
    """Ask, strike and tell the state, as an engine does; return the decision and its refusal."""
    for decision in state.decide(_subject(now, user, **more), "admit"):
        outcome = decision.again or decision.fault.admit(CALL, decision.strike)
        state.struck(decision, outcome)
        return decision, outcome
    return None, None


def test_calls_are_numbered_for_each_user():
    """What others do meanwhile does not count."""
    state = _state(Rule(fault=ConnectError(), when=When(calls="2-3")))
    users = ["ann", "bob", "ann", "ann", "bob", "ann", "bob", "bob"]
    struck = [bool(state.decide(_subject(user=user), "admit")) for user in users]
    assert struck == [False, False, True, True, True, False, True, False]


def test_calls_are_numbered_among_those_that_the_rule_is_about():
    """The second call of a model, not the second call at all."""
    state = _state(Rule(fault=ConnectError(), when=When(calls=2, model="large")))
    models = ["large", "small", "large", "large"]
    struck = [bool(state.decide(_subject(model=model), "admit")) for model in models]
    assert struck == [False, False, True, False]


def test_a_rule_is_asked_at_its_own_stage_only():
    """An attempt that was refused before has no reply to damage, and is not counted."""
    state = _state(Rule(fault=EmptyCompletion(), when=When(calls=1)))
    assert state.decide(_subject(), "admit") == ()
    assert [decision.rule for decision in state.decide(_subject(), "reply")] == [0]
    assert state.decide(_subject(), "reply") == ()


def test_rules_of_one_stage_strike_in_their_order():
    """The engine applies them one after the other."""
    state = _state(Rule(fault=EmptyCompletion()), Rule(fault=MalformedArguments()))
    assert [decision.rule for decision in state.decide(_subject(), "reply")] == [0, 1]


def test_runs_of_tools_are_numbered_for_each_tool():
    """The second run of each."""
    state = _state(Rule(fault=EmptyResult(), when=When(calls=2)))
    tools = ["search", "read", "search", "read", "read"]
    runs = [_subject(operation="run_tool", called=(tool,)) for tool in tools]
    assert [len(state.decide(run, "result")) for run in runs] == [0, 0, 1, 1, 0]


def test_times_counts_strikes_that_did_damage():
    """A reply with nothing to damage does not use one up."""
    state = _state(Rule(fault=MalformedArguments(), when=When(times=1)))
    first, second = (state.decide(_subject(), "reply")[0] for _ in range(2))
    assert (first.strike.count, second.strike.count) == (0, 0)
    state.struck(second)
    assert state.decide(_subject(), "reply") == ()
    assert len(state.decide(_subject(user="bob"), "reply")) == 1


def test_strike_knows_how_often_the_rule_struck_before():
    """Per user."""
    state = _state(Rule(fault=MalformedArguments()))
    counts = []
    for user in ("ann", "ann", "bob", "ann"):
        (decision,) = state.decide(_subject(user=user), "reply")
        counts.append(decision.strike.count)
        state.struck(decision)
    assert counts == [0, 1, 0, 2]


def test_until_reported_leaves_the_turn_alone_from_then_on():
    """The model learns from the error; the next turn is a new chance to err."""
    state = _state(Rule(fault=MalformedArguments(), when=When(until="reported")))
    asked = [(1, False), (1, False), (1, True), (1, False), (2, False)]
    struck = [
        bool(state.decide(_subject(turn=turn, reported=reported), "reply"))
        for turn, reported in asked
    ]
    assert struck == [True, True, False, False, True]


def test_probability_strikes_about_that_share():
    """A law of large numbers, with a seed."""
    state = _state(Rule(fault=ConnectError(), when=When(probability=0.3)))
    assert 260 < sum(bool(state.decide(_subject(), "admit")) for _ in range(1000)) < 340


def test_probability_zero_never_strikes():
    """Nor does an unlucky draw."""
    state = _state(Rule(fault=ConnectError(), when=When(probability=0)))
    assert not any(state.decide(_subject(), "admit") for _ in range(100))


def test_canaries_are_labelled_with_their_user():
    """A leak can be told from whom."""
    state = _state(Rule(fault=EmptyCompletion()))
    (decision,) = state.decide(_subject(user="bob"), "reply")
    assert decision.strike.canary("tool-argument") == "fake!tool-argument/bob"


STICKY = Rule(fault=RateLimited(retry_after=7), when=When(calls="1-2"))


def test_an_early_client_is_refused_again_and_gains_nothing():
    """The wait that is left is told, and the scripted calls are not used up."""
    state = _state(STICKY)
    told = []
    for now in (10.0, 12.5, 16.9, 17.0, 24.0):
        decision, refusal = _admit(state, now)
        told.append(decision and (decision.early, decision.waited, refusal.retry_after))
    assert [
        (False, 0.0, 7.0),
        (True, 2.5, 5),
        (True, pytest.approx(6.9), 1),
        (False, 7.0, 7.0),
        None,
    ] == told


def test_an_early_client_is_refused_by_one_rule_only():
    """No other rule counts a call that should not have come."""
    later = Rule(fault=ConnectError(), when=When(calls=2))
    state = _state(Rule(fault=RateLimited(retry_after=7), when=When(calls=1)), later)
    rules = [_admit(state, now)[0].rule for now in (0.0, 0.0, 7.0)]
    assert rules == [0, 0, 1]


@pytest.mark.parametrize(
    "other", [{"user": "bob"}, {"model": "small"}, {"operation": "count_tokens"}]
)
def test_a_wait_binds_the_user_the_model_and_the_operation(other):
    """Limits are kept for each of them."""
    state = _state(Rule(fault=RateLimited(retry_after=7), when=When(times=1, model="")))
    _admit(state, 0.0)
    decision, _ = _admit(state, 1.0, **other)
    assert decision is None or not decision.early


@pytest.mark.parametrize(("named", "bound"), [("search", False), (None, True)])
def test_a_wait_for_one_tool_does_not_bind_another(named, bound):
    """Unless the rule is about the server as a whole."""
    when = When(calls=1, tool=named, operation="run_tool")
    state = _state(Rule(fault=RateLimited(retry_after=7), when=when))
    tools = {"operation": "run_tool", "dialect": "mcp", "model": ""}
    _admit(state, 0.0, called=("search",), **tools)
    assert _admit(state, 1.0, called=("search",), **tools)[0].early
    decision, _ = _admit(state, 1.0, called=("refund",), **tools)
    assert (decision is not None and decision.early) is bound


def test_a_wait_outlives_the_window_of_its_rule():
    """What was promised to the client holds."""
    state = _state(Rule(fault=RateLimited(retry_after=7), when=When(for_=5)))
    _admit(state, 4.0)
    assert _admit(state, 6.0)[0].early
    assert _admit(state, 11.0) == (None, None)


def test_a_tool_that_asked_to_wait_says_nothing_of_another():
    """Each tool has limits of its own."""
    state = _state(Rule(fault=RateLimited(retry_after="7s"), when=When(tool="*", calls=1)))
    run = {"operation": "run_tool"}
    assert _admit(state, 0.0, called=("pay",), **run)[1] is not None
    decision, _ = _admit(state, 1.0, called=("look",), **run)
    assert not decision.early
    assert _admit(state, 2.0, called=("pay",), **run)[0].early


def test_a_rounding_error_is_not_early():
    """A client that slept exactly as long as asked is polite."""
    state = _state(STICKY)
    _admit(state, 0.1)
    assert not _admit(state, math.nextafter(7.1, 0))[0].early


def test_milliseconds_are_told_where_the_rule_tells_milliseconds():
    """Rounded up in the unit of the header."""
    state = _state(Rule(fault=RateLimited(retry_after=2, header="ms"), when=When(calls=1)))
    _admit(state, 0.0)
    assert _admit(state, 0.5)[1].retry_after == 1.5


def test_a_rule_that_is_not_sticky_forgets():
    """The next call is an ordinary one."""
    state = _state(replace(STICKY, sticky=False))
    _admit(state, 0.0)
    decision, refusal = _admit(state, 1.0)
    assert (decision.early, refusal.retry_after) == (False, 7.0)
    assert _admit(state, 2.0) == (None, None)


def test_a_refusal_without_retry_after_binds_nobody():
    """Nothing was asked for."""
    state = _state(Rule(fault=RateLimited(limit="spend"), when=When(calls=1)))
    assert Refusal(kind="quota_exhausted") == _admit(state, 0.0)[1]
    assert _admit(state, 0.1) == (None, None)


def test_a_rule_needs_a_fault():
    """Anything else is the user's mistake, found at once."""
    with pytest.raises(TypeError, match="exactly one of the methods"):
        Rule(fault=object())


def test_a_rule_is_described_in_one_line():
    """For headers of reports."""
    assert PLAN.describe() == (
        "RateLimited(): call 2-3 of each user, from 30 s",
        "MalformedArguments(kind=('missing', 'null')): always (optional)",
        "Outage(kinds={'hang': 2.0}): by ann or user 2",
    )


def test_a_plan_is_rebuilt_from_its_repr():
    """What a failure prints can be pasted."""
    names = {FAULTS[name].__name__: FAULTS[name] for name in FAULTS}
    assert eval(repr(PLAN), {**names, "Plan": Plan, "Rule": Rule, "When": When}) == PLAN


def test_a_plan_is_rebuilt_from_its_table():
    """What a failure writes to a file can be read."""
    table = PLAN.to_dict(FAULTS)
    assert table["faults"][0] == {
        "fault": "rate_limited",
        "when": {"calls": "2-3", "from": 30.0},
    }
    assert Plan.from_dict(table, FAULTS) == PLAN


def test_a_table_with_an_unknown_fault_says_which_was_meant():
    """A suggestion for a misspelt name."""
    with pytest.raises(UsageError, match="did you mean 'rate_limited'"):
        Rule.from_dict({"fault": "rate_limit"}, FAULTS)


def test_a_table_with_an_unknown_setting_is_refused():
    """Nothing is ignored in silence."""
    with pytest.raises(ValidationError, match="retry_afte"):
        Rule.from_dict({"fault": "rate_limited", "retry_afte": 3}, FAULTS)
