"""The seven days against the demo agents: naive breaks, guarded keeps, a healthy world is passed."""

from functools import cache

import pytest

from chaoskit.agent import load_agent
from chaoskit.catalogue import load_all, shipped, week
from chaoskit.check import Verdict
from chaoskit.run import run

DAYS = {scenario.day: scenario for _, scenario in week(load_all(shipped()))}
BROKEN = {  # what the naive agent breaks, and why that is the lesson of the day
    1: {"no_crash", "tool_errors_reported", "tool_body_not_run_on_bad_arguments"},
    2: {"no_crash", "every_user_answered"},
    3: {"no_crash", "every_user_answered"},
    4: {"gives_up_gracefully", "bounded_usd", "no_tool_loop"},
    5: {"no_secret_in_logs", "no_leak"},
    6: {"cache_hit_ratio", "warmed_before_traffic", "bill_within"},
    7: {"no_crash", "fallback_used", "no_hammering"},
}
# OpenAI's model is cheap enough to search for long, and its cache needs neither marks nor warming.
OPENAI = {**BROKEN, 4: {"gives_up_gracefully", "no_tool_loop"}, 6: set()}

pytestmark = pytest.mark.slow


@cache
def lived(agent, day):
    """One day against one agent; both are deterministic, so once is enough."""
    return run(DAYS[day], load_agent(f"chaoskit.demo:{agent}"))


def broken(outcome):
    """Names of the promises that were broken."""
    return {it.name for it in outcome.promises if it.judgement.verdict is Verdict.FAIL}


def test_the_week_has_seven_days():
    """Each day has its scenario, with a story and a reason."""
    assert sorted(DAYS) == [1, 2, 3, 4, 5, 6, 7]
    assert all(scenario.story.strip() for scenario in DAYS.values())


@pytest.mark.parametrize("day", range(1, 8))
@pytest.mark.parametrize("agent", ["naive", "naive_async", "naive_openai", "naive_openai_async"])
def test_the_naive_agent_breaks_the_promises_of_the_day(agent, day):
    """Whatever everyone writes first breaks, for the reason of that day."""
    expected = (OPENAI if "openai" in agent else BROKEN)[day]

    assert broken(lived(agent, day)) >= expected


@pytest.mark.parametrize("day", range(1, 8))
@pytest.mark.parametrize("agent", ["guarded", "guarded_async"])
def test_the_guarded_agent_keeps_every_promise(agent, day):
    """With the guards, nothing is broken and nothing stays unknown."""
    outcome = lived(agent, day)

    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")


@pytest.mark.parametrize("day", range(1, 8))
@pytest.mark.parametrize("agent", ["naive", "naive_openai", "guarded"])
def test_a_healthy_world_is_passed(agent, day):
    """Without its faults each day is passed by both agents."""
    outcome = lived(agent, day)

    assert not outcome.healthy_failed
    assert all(it.judgement.verdict is Verdict.PASS for it in outcome.healthy)


def test_sync_and_async_live_through_the_same_day():
    """The two forms of an agent see the same calls."""
    one, other = lived("naive", 1), lived("naive_async", 1)

    assert (one.calls, one.tokens) == (other.calls, other.tokens)
    assert broken(one) == broken(other)
