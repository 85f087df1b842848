"""A day of the week on whichever generation of the SDKs is installed.

This folder needs pytest and the SDKs only, so that it also runs in an environment of the older
generation, on httpx instead of httpx2.
"""

import importlib.metadata

import anthropic
import openai
import pytest

from chaoskit.agent import Agent, load_agent
from chaoskit.catalogue import find, load_all
from chaoskit.check import Verdict
from chaoskit.journal import Answered, Delivered, Replied, Requested
from chaoskit.run import play, run
from chaoskit.scenario import parse

CALM = """
title = "calm"
[workload]
prompt = "Why did the deploy fail?"
[[promises]]
check = "no_crash"
"""
PROMPT = [{"role": "user", "content": "Why?"}]


def played(agent, faults=""):
    """The journal of one run of a function."""
    return play(parse(CALM + faults, "calm.chaos.toml"), Agent.of(agent)).journal


def scenario(name):
    """A shipped scenario."""
    ((_, found),) = load_all(find([name]))
    return found


@pytest.mark.parametrize("agent", ["naive", "naive_async", "naive_openai", "naive_openai_async"])
def test_every_client_is_answered(agent):
    """Sync and async clients of both vendors live through day 1 and break on it."""
    outcome = run(scenario("day1"), load_agent(f"chaoskit.demo:{agent}"))

    assert not outcome.healthy_failed, outcome.reason
    assert outcome.verdict is Verdict.FAIL
    assert all(event.how == "complete" for event in outcome.journal.of(Delivered))


@pytest.mark.parametrize("agent", ["guarded", "guarded_async"])
def test_the_guards_work_with_this_generation(agent):
    """The guarded agent keeps the promises of a storm and of malformed arguments."""
    for day in ("day1", "day2"):
        outcome = run(scenario(day), load_agent(f"chaoskit.demo:{agent}"))

        assert outcome.verdict is Verdict.PASS, outcome.reason


def test_streams_arrive_whole():
    """Both vendors' streaming helpers read a whole stream, and usage is that of the journal."""

    def agent(prompt):
        with anthropic.Anthropic().messages.stream(
            model="claude-sonnet-4-6", max_tokens=50, messages=PROMPT
        ) as stream:
            message = stream.get_final_message()
        chunks = openai.OpenAI().chat.completions.create(
            model="gpt-5.4", messages=PROMPT, stream=True, stream_options={"include_usage": True}
        )
        last = list(chunks)[-1]
        return f"{message.usage.output_tokens} {last.usage.completion_tokens}"

    journal = played(agent)
    counted = " ".join(str(event.output_tokens) for event in journal.of(Replied))

    assert journal.of(Answered)[0].answer == counted


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("connect_error", "APIConnectionError"),
        ("hang", "APITimeoutError"),
        ("rate_limited", "RateLimitError"),
        ("unauthorised", "AuthenticationError"),
        ("server_error", "InternalServerError"),
    ],
)
def test_faults_raise_the_errors_of_this_generation(fault, error):
    """Each fault ends in the same exception class of both SDKs."""

    def agent(prompt):
        seen = []
        for client in (
            anthropic.Anthropic(max_retries=0, timeout=20),
            openai.OpenAI(max_retries=0, timeout=20),
        ):
            try:
                client.models.list()
            except (anthropic.APIError, openai.APIError) as raised:
                seen.append(type(raised).__name__)
        return " ".join(seen)

    journal = played(
        agent, f'[[faults]]\nfault = "{fault}"\nwhen = {{ operation = "list_models" }}\n'
    )

    assert journal.of(Answered)[0].answer == f"{error} {error}"


def test_retries_of_the_sdk_are_seen():
    """The SDK's own retry counter reaches the journal."""

    def agent(prompt):
        client = anthropic.Anthropic()
        return (
            client.messages.create(model="claude-sonnet-4-6", max_tokens=9, messages=PROMPT)
            .content[0]
            .text
        )

    journal = played(agent, '[[faults]]\nfault = "overloaded"\nwhen = { calls = "1-2" }\n')

    assert [event.sdk_retry for event in journal.of(Requested)] == [0, 1, 2]


def test_the_expected_generation_is_installed():
    """The two environments really differ in the HTTP library below the SDKs."""
    new = int(importlib.metadata.version("anthropic").split(".")[0]) >= 1
    client = anthropic.Anthropic(api_key="x")._client
    libraries = {base.__module__.partition(".")[0] for base in type(client).__mro__}

    assert {"httpx", "httpx2"} & libraries == ({"httpx2"} if new else {"httpx"})
