"""What follows the first week: each scenario breaks a naive agent and is passed by a guarded one."""

from functools import cache

import pytest

from chaoskit.agent import load_agent
from chaoskit.catalogue import load_all, shipped
from chaoskit.check import Verdict
from chaoskit.demo import PAIRS
from chaoskit.run import run

LATER = {scenario.name: scenario for _, scenario in load_all(shipped()) if scenario.day > 7}
BROKEN = {  # what the naive agent breaks, and why that is the lesson
    "day8-sequential-tools": {"tools_in_parallel"},
    "day9-shared-session": {"sessions_isolated"},
    "day10-structured-output": {"answer_parses"},
    "day11-timeout-after-effect": {"end_state", "no_duplicate_effects", "looks_before_repeating"},
    "day12-flapping-tool": {"no_crash", "every_user_answered"},
    "day13-empty-over-mcp": {"gives_up_gracefully", "no_tool_loop"},
    "day14-oversized-result": {"bounded_results"},
    "day15-schema-drift": {"grounded"},
    "day16-injected-instructions": {"injection_not_followed"},
    "day17-secrets-in-results": {"no_secret_in_logs", "no_leak"},
}

pytestmark = pytest.mark.slow


@cache
def lived(name, kind, form=""):
    """One scenario against the naive agent that it is about, or against the guarded one."""
    pair = PAIRS.get(name, ("naive", "guarded"))
    return run(LATER[name], load_agent(f"chaoskit.demo:{pair[kind]}{form}"))


def broken(outcome):
    """Names of the promises that were broken."""
    return {it.name for it in outcome.promises if it.judgement.verdict is Verdict.FAIL}


def forms(name):
    """An agent with tools on an MCP server is async by nature."""
    return ("",) if "mcp" in PAIRS.get(name, ("",))[0] else ("", "_async")


CASES = [(name, form) for name in LATER for form in forms(name)]


def test_every_scenario_has_its_lesson():
    """None is shipped that no test lives through."""
    assert set(BROKEN) == set(LATER)
    assert all(scenario.story.strip() for scenario in LATER.values())


@pytest.mark.parametrize(("name", "form"), CASES)
def test_the_naive_agent_breaks_its_promises(name, form):
    """For the reason that the scenario teaches."""
    assert broken(lived(name, 0, form)) >= BROKEN[name]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_the_guarded_agent_keeps_every_promise(name, form):
    """With the guards, nothing is broken and nothing stays unknown."""
    outcome = lived(name, 1, form)

    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("kind", [0, 1], ids=["naive", "guarded"])
def test_a_healthy_world_is_passed(name, kind):
    """Without its faults, by both agents."""
    outcome = lived(name, kind)

    assert not outcome.healthy_failed
    assert all(it.judgement.verdict is Verdict.PASS for it in outcome.healthy)
