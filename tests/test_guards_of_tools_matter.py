"""Each guard of the tools carries its scenario: without it a promise is not kept, with it all are."""

from dataclasses import replace

import pytest

from chaoskit.agent import load_agent
from chaoskit.catalogue import load_all, shipped
from chaoskit.check import Verdict
from chaoskit.demo import guarded_agent as demo
from chaoskit.demo import guarded_report_agent, guarded_tools
from chaoskit.history import to_anthropic
from chaoskit.run import run
from chaoskit_guards import LimitedTools, OutputParser, SessionScope

LATER = {scenario.name: scenario for _, scenario in load_all(shipped()) if scenario.day > 7}

pytestmark = pytest.mark.slow


def without(**changes):
    """The demo agent with some of its guards replaced."""
    agent = demo.build(**changes)

    def answer(prompt, *, session, history=()):
        with SessionScope(session):
            return agent.run([*to_anthropic(history), {"role": "user", "content": prompt}]).text

    whole = load_agent("chaoskit.demo:guarded")
    return replace(whole, answer=answer, keywords=("session", "history"))


def unkept(name, agent):
    """The promises of a scenario that an agent does not keep; one that says nothing is not kept."""
    outcome = run(LATER[name], agent)
    bad = (Verdict.FAIL, Verdict.UNKNOWN)
    return {it.name for it in outcome.promises if it.judgement.verdict in bad}


CASES = [
    pytest.param("day8-sequential-tools", "tools_in_parallel", {"parallel": None}, id="parallel"),
    pytest.param(
        "day11-timeout-after-effect",
        "end_state",
        {"tools": LimitedTools(guarded_tools.vet, max_tokens=6_000)},
        id="idempotent",
    ),
    pytest.param("day14-oversized-result", "grounded", {"tools": guarded_tools.once}, id="limiter"),
    pytest.param(
        "day16-injected-instructions", "injection_not_followed", {"gate": None}, id="gate"
    ),
    pytest.param("day17-secrets-in-results", "no_secret_in_logs", {"scrubber": None}, id="scrub"),
]


@pytest.mark.parametrize(("name", "promise", "changes"), CASES)
def test_without_its_guard_a_promise_is_not_kept(name, promise, changes):
    """Every guard is needed."""
    assert promise in unkept(name, without(**changes))


@pytest.mark.parametrize("name", [case.values[0] for case in CASES])
def test_with_all_guards_every_promise_is_kept(name):
    """The agent that is built here is the demo agent."""
    assert run(LATER[name], without()).verdict is Verdict.PASS


def test_without_repair_and_a_second_question_the_output_does_not_parse(monkeypatch):
    """The parser is what carries day 10."""
    bare = OutputParser(guarded_report_agent.Report, repair=False, max_attempts=1)
    monkeypatch.setattr(guarded_report_agent, "parser", bare)
    agent = load_agent("chaoskit.demo:guarded_report")
    assert unkept("day10-structured-output", agent) >= {"no_crash"}
