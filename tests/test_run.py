"""Whole runs: real SDKs, real agents, one verdict."""

import asyncio
import concurrent.futures
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
import warnings
from functools import partial
from pathlib import Path

import anthropic
import httpx
import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider

from chaoskit.agent import Agent
from chaoskit.check import Verdict
from chaoskit.journal import (
    Answered,
    Blocked,
    Failed,
    Happened,
    Journal,
    Leaked,
    RanTool,
    Refused,
    Replied,
    Requested,
    RunEnded,
    Struck,
    TurnStarted,
)
from chaoskit.run import judge, play, run
from chaoskit.scenario import Promise, parse

MODEL = "claude-sonnet-4-6"
SEARCH = {
    "name": "search_logs",
    "description": "Search the logs.",
    "input_schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
}


def scenario(text="", *, users=1, prompt="Why did the deploy fail?", promises=("no_crash",)):
    """A scenario from a few lines of TOML, after its head."""
    head = f'title = "test"\n[workload]\nusers = {users}\nprompt = "{prompt}"\n'
    tail = "".join(f'[[promises]]\ncheck = "{name}"\n' for name in promises)
    return parse(head + text + tail, "test.chaos.toml")


def ask(prompt, **settings):
    """One question through the sync SDK."""
    client = anthropic.Anthropic(**settings)
    reply = client.messages.create(
        model=MODEL, max_tokens=200, messages=[{"role": "user", "content": prompt}]
    )
    return reply.content[0].text


def search_logs(query):
    """A tool of the agent under test."""
    return {"results": [{"id": "dep-4711", "line": f"deploy 4711 failed: {query.lower()}"}]}


def with_tool(prompt):
    """A tool loop without any care."""
    client, messages = anthropic.Anthropic(), [{"role": "user", "content": prompt}]
    while True:
        reply = client.messages.create(
            model=MODEL, max_tokens=300, tools=[SEARCH], messages=messages
        )
        if reply.stop_reason != "tool_use":
            return reply.content[0].text
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": json.dumps(search_logs(**block.input)),
            }
            for block in reply.content
            if block.type == "tool_use"
        ]
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


def outcome_of(agent, given, **settings):
    """Run an agent that is a plain function."""
    return run(given, Agent.of(agent), **settings)


def played(agent, given, **settings):
    """The journal of one run."""
    return play(given, Agent.of(agent), **settings).journal


# Verdicts.


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


def test_an_optional_fault_may_have_nothing_to_do():
    """A rule that says so is no reason to doubt."""
    text = '[[faults]]\nfault = "hang"\nwhen = { calls = "7" }\noptional = true\n'

    assert outcome_of(ask, scenario(text)).verdict is Verdict.PASS


def test_an_agent_that_crashes_breaks_its_promise():
    """A refusal that the SDK does not survive is a failure with a place."""
    outcome = outcome_of(
        lambda prompt: ask(prompt, max_retries=0), scenario('[[faults]]\nfault = "overloaded"\n')
    )

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


# Bounds.


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


# Users, threads, time.


def test_users_are_told_apart_through_threads_pools_and_tasks():
    """Whatever a turn starts by itself belongs to its user."""
    pool = concurrent.futures.ThreadPoolExecutor(2)

    def agent(prompt, *, user):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(ask(f"{user} thread")))
        thread.start()
        job = pool.submit(ask, f"{user} job")

        async def main():
            return await asyncio.gather(asyncio.to_thread(ask, f"{user} task"))

        asyncio.run(main())
        thread.join()
        return job.result()

    journal = played(agent, scenario("[provider]\nlatency = { first_token = '3s' }\n", users=3))
    pool.shutdown()

    for request in journal.of(Requested):
        assert request.user.startswith("user-")
    assert [sum(r.user == f"user-{n}" for r in journal.of(Requested)) for n in (1, 2, 3)] == [3] * 3
    assert journal.of(RunEnded)[0].at < 8


def test_prompts_arrive_over_time_and_turns_follow_their_pace():
    """Users come within `arrive`, and ask every so often."""
    text = "arrive = '60s'\nturns = 3\nevery = '5m'\n"
    journal = played(ask, scenario(text, users=4))
    starts = {}
    for event in journal.of(TurnStarted):
        starts.setdefault(event.user, []).append(event.at)

    for first, second, third in starts.values():
        assert first < 60
        assert (second - first, third - second) == (pytest.approx(300), pytest.approx(300))


def test_the_conversation_so_far_is_handed_over():
    """An agent that asks for history gets its earlier turns, tool turns included."""
    seen = []

    def agent(prompt, *, history):
        seen.append([entry["role"] for entry in history])
        return with_tool(prompt)

    played(agent, scenario("turns = 2\n"))

    assert seen == [[], ["user", "assistant", "tool", "assistant"]]


def test_startup_runs_before_traffic_and_again_at_a_deploy():
    """Turns wait while new instances start."""

    def agent(prompt):
        return ask(prompt)

    agent.startup = lambda: time.sleep(20)
    text = "turns = 4\nevery = '1m'\n[[events]]\nat = '90s'\ndo = 'deploy'\n"
    journal = played(agent, scenario(text))
    happened = [(event.what, round(event.at)) for event in journal.of(Happened)]

    assert happened == [("startup", 0), ("deploy", 110), ("startup", 110)]
    assert min(event.at for event in journal.of(TurnStarted)) >= 20
    assert not [event for event in journal.of(TurnStarted) if 110 < event.at < 130]


# The provider and its faults.


def test_requests_are_judged_not_swallowed():
    """An orphaned tool result is refused as production refuses it, and found by a promise."""

    def agent(prompt):
        client = anthropic.Anthropic()
        orphan = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
        try:
            client.messages.create(
                model=MODEL, max_tokens=9, messages=[{"role": "user", "content": [orphan]}]
            )
        except anthropic.BadRequestError as error:
            return str(error)
        return "accepted"

    outcome = outcome_of(agent, scenario(promises=("valid_requests",)))

    assert "unexpected `tool_use_id` found" in outcome.journal.of(Answered)[0].answer
    assert outcome.verdict is Verdict.FAIL


def test_scripted_refusals_are_sticky_and_true():
    """Who comes back early is refused again; who waits gets through."""
    codes = []

    def agent(prompt):
        for wait in (0, 3, 4, 0):
            time.sleep(wait)
            try:
                ask(prompt, max_retries=0)
                codes.append(200)
            except anthropic.RateLimitError as error:
                codes.append((429, int(error.response.headers["retry-after"])))
        return "done"

    text = '[[faults]]\nfault = "rate_limited"\nwhen = { calls = "1" }\nretry_after = "7s"\n'
    journal = played(agent, scenario(text))

    assert codes == [(429, 7), (429, 4), 200, 200]
    assert [event.early for event in journal.of(Refused)] == [False, True]


def test_organic_limits_refuse_and_an_obedient_client_gets_through():
    """A bucket of four requests a minute: the SDK waits as told and is answered."""
    text = "turns = 8\n[provider]\nlimits = { requests_per_minute = 4 }\n"
    outcome = outcome_of(
        ask, scenario(text, promises=("every_user_answered", "retry_after_honoured"))
    )

    assert outcome.verdict is Verdict.PASS
    assert len(outcome.journal.of(Answered)) == 8
    assert any(not event.injected for event in outcome.journal.of(Refused))
    assert outcome.virtual_seconds > 45


def test_a_mid_stream_fault_is_mid_stream():
    """Half an answer arrives, then the error event, then the SDK's exception."""

    def agent(prompt):
        client, got = anthropic.Anthropic(), []
        try:
            with client.messages.stream(
                model=MODEL, max_tokens=90, messages=[{"role": "user", "content": prompt}]
            ) as stream:
                got.extend(stream.text_stream)
        except anthropic.APIStatusError as error:
            return f"failed after {len(got)} pieces: {error.type} {error.status_code}"
        return "".join(got)

    text = '[[faults]]\nfault = "error_mid_stream"\nafter = 2\n'
    journal = played(agent, scenario(text))

    assert journal.of(Answered)[0].answer == "failed after 2 pieces: overloaded_error 200"


def test_cut_streams_reach_openai_clients_too():
    """A stream cut half-way raises what the SDK raises for a broken connection."""

    def agent(prompt):
        stream = openai.OpenAI().chat.completions.create(
            model="gpt-5.4", stream=True, messages=[{"role": "user", "content": prompt}]
        )
        try:
            for _ in stream:
                pass
        except openai.APIConnectionError:
            return "cut"
        return "whole"

    assert (
        played(agent, scenario('[[faults]]\nfault = "cut_stream"\n')).of(Answered)[0].answer
        == "cut"
    )


def test_tools_are_found_observed_and_damaged():
    """A fault on the tool side changes what the agent's own function returns."""
    journal = played(with_tool, scenario('[[faults]]\nfault = "empty_result"\n'))
    (ran,) = journal.of(RanTool)

    assert (ran.tool, ran.valid, ran.simulated) == ("search_logs", True, True)
    assert json.loads(ran.result) == {"results": []}
    assert [event.stage for event in journal.of(Struck)] == ["result"]
    assert search_logs("x")["results"]


def test_malformed_arguments_really_reach_the_agent():
    """The tool call that arrives violates the tool's schema, and is journalled as such."""
    journal = played(with_tool, scenario('[[faults]]\nfault = "malformed_arguments"\n'))

    assert not any(call.valid for reply in journal.of(Replied) for call in reply.tool_calls)


def test_no_request_reaches_another_host():
    """A stray request fails like an unreachable network and is noted with its caller."""

    def agent(prompt):
        try:
            httpx.get("http://example.test/")
        except httpx.ConnectError:
            return ask(prompt)
        return "reached"

    outcome = outcome_of(agent, scenario())

    assert outcome.journal.of(Blocked)[0].host == "example.test"
    assert any("example.test" in note for note in outcome.notes)


# Where a run can be started.


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


# Determinism and secrecy.


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


def test_journals_hold_fingerprints_of_keys_never_keys():
    """The key of a client is nowhere in the journal."""
    key = f"sk-{uuid.uuid4()}"
    journal = played(lambda prompt: ask(prompt, api_key=key), scenario())

    assert key not in journal.dumps()
    assert journal.of(Requested)[0].key


@pytest.mark.parametrize(
    "speak",
    [
        lambda value: print(value),  # noqa: T201, PLW0108 - looked up when called
        lambda value: sys.stderr.write(f"{value}\n"),
        lambda value: __import__("logging").getLogger("app").error("got %s", value),
        lambda value: __import__("warnings").warn(value, stacklevel=1),
    ],
)
def test_secrets_are_noticed_wherever_they_are_written(speak):
    """Output, logs and warnings are watched."""

    def agent(prompt):
        client = anthropic.Anthropic()
        reply = client.messages.create(
            model=MODEL,
            max_tokens=99,
            tools=[SEARCH],
            messages=[{"role": "user", "content": prompt}],
        )
        speak(reply.content[0].input["query"])
        return "done"

    text = '[[faults]]\nfault = "secret_in_arguments"\n'
    outcome = outcome_of(agent, scenario(text, promises=("no_secret_in_logs",)))

    assert outcome.verdict is Verdict.FAIL


# Leaks.

LEAKY = """
[[faults]]
fault = "leaked_secret"
"""
CHILD = [sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])"]


def _traced(text):
    span = TracerProvider().get_tracer("agent").start_span("call tool")
    span.set_attribute("tool.result", text)
    span.end()


def _threaded(text):
    def fail():
        raise ValueError(text)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


LEAKS = {
    "span": _traced,
    "request": lambda text: httpx.post("https://hooks.test/in", json={"text": text}),
    "stdout": lambda text: subprocess.run([*CHILD, text], check=True),
    "exception": _threaded,
    "log": lambda text: logging.getLogger("leaky").warning("result %s", text),
    "warning": lambda text: warnings.warn(text, stacklevel=1),
    "answer": None,
}


@pytest.mark.slow
@pytest.mark.parametrize("channel", LEAKS)
@pytest.mark.parametrize("quiet", [True, False])
def test_a_secret_is_seen_in_whatever_way_it_leaves(channel, quiet, monkeypatch, capfd):
    """The tool's result holds it, and the agent passes it on."""
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def agent(prompt):
        client = anthropic.Anthropic()
        reply = client.messages.create(
            model=MODEL,
            max_tokens=300,
            tools=[SEARCH],
            messages=[{"role": "user", "content": prompt}],
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        text = json.dumps(search_logs(**calls[0].input))
        if LEAKS[channel] is None:
            return text
        with contextlib.suppress(httpx.ConnectError):
            LEAKS[channel](text)
        return "fine"

    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        journal = played(agent, scenario(LEAKY), quiet=quiet)
    assert {channel} == {leak.channel for leak in journal.of(Leaked)}
    assert {"tool-result/user-1"} == {leak.canary for leak in journal.of(Leaked)}


def test_a_secret_in_a_header_to_the_provider_is_a_leak_and_one_in_the_conversation_is_not():
    """It belongs to the one and not to the other."""

    def agent(prompt):
        client = anthropic.Anthropic()
        message = {"role": "user", "content": prompt}
        ask = partial(client.messages.create, model=MODEL, max_tokens=300, tools=[SEARCH])
        reply = ask(messages=[message])
        (call,) = [block for block in reply.content if block.type == "tool_use"]
        text = json.dumps(search_logs(**call.input))
        result = {"type": "tool_result", "tool_use_id": call.id, "content": text}
        turns = [{"role": "assistant", "content": reply.content}]
        turns.append({"role": "user", "content": [result]})
        ask(messages=[message, *turns])
        ask(messages=[message], extra_headers={"x-last-result": text.replace("\\n", " ")})
        return "fine"

    (leak,) = played(agent, scenario(LEAKY)).of(Leaked)
    assert (leak.channel, leak.where) == ("request", "api.anthropic.com, header x-last-result")


def charge(api_key):
    """A tool of the agent under test, which uses the key that it is given."""
    bill(api_key)
    return "charged"


def bill(key):
    """What nobody but the tool should do."""
    with contextlib.suppress(httpx.ConnectError):
        httpx.get("https://billing.test", headers={"x-api-key": key})


@pytest.mark.parametrize("by", ["tool", "agent"])
def test_a_tool_may_send_the_key_that_it_is_given_and_the_agent_may_not(by):
    """The tool gets the real value in order to use it."""
    schema = {"type": "object", "properties": {"api_key": {"type": "string"}}}
    tool = {"name": "charge", "input_schema": schema | {"required": ["api_key"]}}

    def agent(prompt):
        reply = anthropic.Anthropic().messages.create(
            model=MODEL,
            max_tokens=300,
            tools=[tool],
            messages=[{"role": "user", "content": prompt}],
        )
        (call,) = [block for block in reply.content if block.type == "tool_use"]
        charge(**call.input) if by == "tool" else bill(call.input["api_key"])
        return "fine"

    given = scenario('[[faults]]\nfault = "secret_in_arguments"\n', prompt="Charge our account.")
    leaks = played(agent, given).of(Leaked)
    assert [leak.where for leak in leaks] == (
        [] if by == "tool" else ["billing.test, header x-api-key"]
    )
