"""Agents on aiohttp live in a run like any other."""

import asyncio

import pytest

from chaoskit.agent import Agent
from chaoskit.check import Verdict
from chaoskit.journal import Answered, Requested
from chaoskit.run import run
from chaoskit.scenario import parse

aiohttp = pytest.importorskip("aiohttp")

STORM = parse(
    """
title = "A storm"
[workload]
users = 3
prompt = "Why did the last deploy fail, {user}?"
[[faults]]
fault = "rate_limited"
when = { calls = 1 }
retry_after = "45m"
[[promises]]
check = "every_user_answered"
[[promises]]
check = "retry_after_honoured"
""",
    "storm.chaos.toml",
)


async def asked(prompt, base="https://api.anthropic.com"):
    """An agent whose client nobody intercepts; its URL is the vendor's own."""
    body = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": prompt}],
    }
    headers = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(3):
            async with session.post(f"{base}/v1/messages", json=body) as answer:
                said = await answer.json()
                if answer.ok:
                    return said["content"][0]["text"]
                await asyncio.sleep(float(answer.headers["retry-after"]))
    return ""


def lived(answer):
    """The run of an agent through the storm."""
    return run(STORM, Agent.of(answer, name="on aiohttp"))


@pytest.mark.parametrize("base", ["https://api.anthropic.com", "http://127.0.0.1:9/proxy"])
def test_async_agent_waits_45_minutes_in_no_time(base):
    """Whatever its base URL: nothing is listening there."""

    async def agent(prompt):
        return await asked(prompt, base)

    outcome = lived(agent)
    assert outcome.verdict is Verdict.PASS
    answers = outcome.journal.of(Answered)
    assert all(2_700 <= answer.seconds < 2_720 for answer in answers)
    asking = outcome.journal.of(Requested)
    assert sorted((one.user, one.attempt, one.turn) for one in asking) == [
        (f"user-{user}", attempt, 1) for user in (1, 2, 3) for attempt in (1, 2)
    ]


def test_sync_agent_with_a_loop_of_its_own():
    """Each turn has a loop that ends with it."""
    assert lived(lambda prompt: asyncio.run(asked(prompt))).verdict is Verdict.PASS


def test_two_runs_are_the_same():
    """Byte for byte, as for clients that are answered in the process."""
    assert lived(asked).journal.dumps() == lived(asked).journal.dumps()


def test_afterwards_nothing_is_replaced():
    """Requests go where they are sent."""
    before = aiohttp.ClientSession._request
    lived(asked)
    assert aiohttp.ClientSession._request is before
