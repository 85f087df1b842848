"""The world of a run: its users, its time, its provider, its tools, and nobody else."""

import asyncio
import concurrent.futures
import json
import threading
import time

import anthropic
import httpx
import openai
import pytest

from chaoskit.check import Verdict
from chaoskit.journal import (
    Answered,
    Blocked,
    Happened,
    RanTool,
    Refused,
    Replied,
    Requested,
    RunEnded,
    Struck,
    TurnStarted,
)
from short_runs import MODEL, ask, outcome_of, played, scenario, search_logs, with_tool


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


def test_traces_of_the_agents_sdk_are_no_calls():
    """They would count as attempts of whoever asked last."""

    def agent(prompt):
        with pytest.raises(httpx.ConnectError):
            httpx.post("https://api.openai.com/v1/traces/ingest", json={"data": []})
        return ask(prompt)

    journal = played(agent, scenario())
    assert {one.operation for one in journal.of(Requested)} == {"generate"}
    assert {one.host for one in journal.of(Blocked)} == {"api.openai.com"}


def test_no_request_reaches_another_host():
    """A stray request fails like an unreachable network and is noted with its caller."""

    def agent(prompt):
        try:
            httpx.get("http://example.test/")
        except httpx.ConnectError:
            return ask(prompt)
        return "reached"

    outcome = outcome_of(agent, scenario())

    blocked = outcome.journal.of(Blocked)[0]
    assert blocked.host == "example.test"
    assert blocked.caller.startswith("test_run_world.py:")
    assert any("example.test" in note for note in outcome.notes)
