"""Whole runs: real SDKs, real agents, one verdict, and how a run ends."""

import asyncio
import concurrent.futures
import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import anthropic
import pytest

from chaoskit.check import Verdict
from chaoskit.errors import UnusableSchema
from chaoskit.journal import (
    Failed,
    Journal,
    RunEnded,
)
from chaoskit.run import judge
from chaoskit.scenario import Promise, parse
from short_runs import MODEL, ask, outcome_of, played, scenario, with_tool


def test_an_agent_that_answers_keeps_its_promises():
    """Nothing is wrong and nothing is found."""
    outcome = outcome_of(ask, scenario(promises=("no_crash", "every_user_answered")))

    assert outcome.verdict is Verdict.PASS
    assert outcome.reason == ""
    assert (outcome.calls, outcome.tokens > 10, outcome.cost_usd > 0) == (1, True, True)


def test_a_run_without_a_call_is_no_pass():
    """An agent that asks no model is not judged."""
    outcome = outcome_of(lambda prompt: "42", scenario())

    assert outcome.verdict is Verdict.UNKNOWN
    assert "no request" in outcome.reason


def test_a_fault_that_never_struck_is_no_pass():
    """What was configured and did not happen is named."""
    outcome = outcome_of(ask, scenario('[[faults]]\nfault = "hang"\nwhen = { calls = "7" }\n'))

    assert outcome.verdict is Verdict.UNKNOWN
    assert "never struck" in outcome.reason
    assert "Hang" in outcome.reason


def test_a_schema_that_nothing_satisfies_is_told_with_advice():
    """Nothing is known of an agent that no simulated model can answer."""
    never = {"type": "object", "properties": {"never": False}, "required": ["never"]}
    tool = {"name": "search", "description": "Finds.", "input_schema": never}

    def agent(prompt):
        said = [{"role": "user", "content": prompt}]
        client = anthropic.Anthropic()
        return client.messages.create(model=MODEL, max_tokens=99, messages=said, tools=[tool])

    with pytest.raises(UnusableSchema, match="give its properties `examples`"):
        outcome_of(agent, scenario())


def test_an_optional_fault_may_have_nothing_to_do():
    """A rule that says so is no reason to doubt."""
    text = '[[faults]]\nfault = "hang"\nwhen = { calls = "7" }\noptional = true\n'

    assert outcome_of(ask, scenario(text)).verdict is Verdict.PASS


def test_an_agent_that_crashes_breaks_its_promise():
    """A refusal that the SDK does not survive is a failure with a place."""

    def agent(prompt):
        client = anthropic.Anthropic(max_retries=0)
        client.messages.create(
            model=MODEL, max_tokens=200, messages=[{"role": "user", "content": prompt}]
        )

    outcome = outcome_of(agent, scenario('[[faults]]\nfault = "overloaded"\n'))

    assert outcome.verdict is Verdict.FAIL
    assert "OverloadedError" in outcome.reason
    assert "test_run.py" in outcome.reason


def test_a_set_up_that_fails_without_faults_is_not_the_agents_fault():
    """When the healthy run breaks an outcome promise, nothing is said about faults."""

    def broken(prompt):
        raise LookupError("no configuration")

    outcome = outcome_of(broken, scenario('[[faults]]\nfault = "overloaded"\n'))

    assert outcome.healthy_failed
    assert outcome.promises == ()
    assert "LookupError" in outcome.reason


@pytest.mark.parametrize(
    ("need", "told"),
    [
        ("tools", "offers no tools"),
        ("history", "keeps no history"),
        ("startup", "no startup"),
        ("cacheable_prompt", "too short"),
    ],
)
def test_a_scenario_that_cannot_apply_says_why(need, told):
    """An agent without what a scenario needs is neither praised nor blamed."""
    given = parse(
        f'title = "t"\nneeds = ["{need}"]\n[workload]\nprompt = "x y"\nturns = 2\n'
        '[[promises]]\ncheck = "no_crash"\n',
        "t.chaos.toml",
    )
    outcome = outcome_of(ask, given)

    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert told in outcome.reason


def test_a_check_that_crashes_is_no_verdict():
    """A bug in a check makes its promise unknown and says so."""

    class Broken:
        outcome = False
        sentence = "never"

        def judge(self, journal):
            raise ZeroDivisionError("oops")

    (judged, _) = judge((Promise(name="broken", check=Broken()),), Journal())

    assert judged.judgement.verdict is Verdict.UNKNOWN
    assert "ZeroDivisionError" in judged.judgement.reason


def forever(prompt):
    """Asks for ever and swallows every Exception."""
    while True:
        try:
            ask(prompt)
        except Exception:  # noqa: BLE001 - what is tested
            continue


async def forever_async(prompt):
    """The same as a coroutine, which swallows cancellation once."""
    client = anthropic.AsyncAnthropic()
    while True:
        try:
            await client.messages.create(
                model=MODEL, max_tokens=9, messages=[{"role": "user", "content": prompt}]
            )
        except Exception:  # noqa: BLE001 - what is tested
            continue


@pytest.mark.parametrize("agent", [forever, forever_async])
@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ("calls = 12", "calls: more than 12"),
        ("usd = 0.001", "cost: more than 0.001 USD"),
        ("virtual = '30s'", "virtual time: more than 30 s"),
    ],
)
def test_an_agent_that_never_ends_is_stopped_and_judged(agent, bounds, told):
    """Each bound ends the run, whatever the agent catches."""
    journal = played(agent, scenario(f"[bounds]\n{bounds}\n"))

    assert journal.of(RunEnded)[0].reason == told
    assert journal.of(Failed)[0].stopped
    assert journal.of(Failed)[0].error == told


def test_an_agent_that_computes_for_ever_is_stopped_by_real_time():
    """A loop without any call ends when the run's real time is over."""

    def spin(prompt):
        while True:
            pass

    journal = played(spin, scenario("[bounds]\nreal = '300ms'\n"))

    assert journal.of(RunEnded)[0].reason.startswith("real time")


def test_a_run_can_be_started_where_a_loop_is_running():
    """A notebook or an async test gets its run in a thread of its own."""

    async def main():
        return outcome_of(ask, scenario())

    assert asyncio.run(main()).verdict is Verdict.PASS


def test_runs_of_several_threads_take_turns():
    """Two threads of a test session do not spoil each other's run."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: outcome_of(ask, scenario()), range(2)))

    assert [outcome.verdict for outcome in outcomes] == [Verdict.PASS] * 2


def test_an_agent_cannot_start_a_run():
    """A run inside of a run is refused with a clear error."""
    journal = played(lambda prompt: outcome_of(ask, scenario()), scenario())

    assert journal.of(Failed)[0].error == "chaoskit.errors.UsageError"


def restless(prompt):
    """Draws numbers, makes ids, waits at random and starts threads."""
    import random

    time.sleep(random.random() * 5)
    threads = [
        threading.Thread(target=ask, args=(f"{prompt} {uuid.uuid4()} {n}",)) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return with_tool(prompt)


STORM = """
arrive = "10s"
[provider]
limits = { requests_per_minute = 60 }
[[faults]]
fault = "outage"
when = { probability = 0.3 }
[[faults]]
fault = "malformed_arguments"
when = { probability = 0.3 }
optional = true
"""


def test_the_same_seed_gives_the_same_journal():
    """Byte for byte, twice in a row; another seed gives another."""
    given = scenario(STORM, users=4)
    first, second = played(restless, given, seed=3), played(restless, given, seed=3)

    assert first.dumps() == second.dumps()
    assert first.dumps() != played(restless, given, seed=4).dumps()
    assert Journal.loads(first.dumps()) == Journal.loads(second.dumps())


def test_hash_randomisation_changes_nothing():
    """Two processes with different PYTHONHASHSEED write the same journal."""
    program = (
        "from chaoskit.agent import load_agent\nfrom chaoskit.catalogue import find, load_all\n"
        "from chaoskit.run import play\n((_, given),) = load_all(find(['day1']))\n"
        "print(play(given, load_agent('chaoskit.demo:naive')).journal.dumps())\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": str(value)},
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent,
        ).stdout
        for value in (1, 2)
    }

    assert len(texts) == 1
    assert texts.pop().count("\n") > 50
