"""Agents on aiohttp live in a run like any other."""

import asyncio
import contextlib
import warnings

import pytest

from chaoskit.agent import Agent
from chaoskit.chaos import Chaos
from chaoskit.check import Verdict
from chaoskit.journal import Answered, Leaked, RanTool, Requested, Served
from chaoskit.run import run
from chaoskit.scenario import parse
from retry_storm import STORM

aiohttp = pytest.importorskip("aiohttp")
web = pytest.importorskip("aiohttp.web")


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
    return run(parse(STORM, "storm.chaos.toml"), Agent.of(answer, name="on aiohttp"))


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


SHOP = parse(
    """
title = "The shop is slow to let anybody in"
[workload]
users = 3
prompt = "Refund order A-1."
[records.refunds]
key = "refund"
[[tools]]
name = "refund_order"
input = { order_id = "string", amount = "number" }
does = { create = "refunds" }
http = "POST https://shop.internal/orders/{order_id}/refunds"
[[faults]]
fault = "rate_limited"
when = { tool = "refund_order", calls = 1 }
retry_after = "45m"
[[promises]]
check = "every_user_answered"
""",
    "shop.chaos.toml",
)


async def refunded(prompt):
    """An agent whose tool is an API that does not exist."""
    await asked(prompt)
    url = "https://shop.internal/orders/A-1/refunds"
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.post(url, json={"amount": 5}) as answer:
                if answer.ok:
                    return f"{answer.status} {(await answer.json())['amount']}"
                await asyncio.sleep(float(answer.headers["retry-after"]))


def test_apis_of_tools_are_simulated_too():
    """With their records and their faults, in no time; the calls are the users'."""
    outcome = run(SHOP, Agent.of(refunded, name="on aiohttp"))
    assert outcome.verdict is Verdict.PASS, outcome.reason
    answers = outcome.journal.of(Answered)
    assert [answer.answer for answer in answers] == ["201 5"] * 3
    assert all(2_700 <= answer.seconds < 2_720 for answer in answers)
    assert sorted(call.status for call in outcome.journal.of(Served)) == [201] * 3 + [429] * 3
    ran = outcome.journal.of(RanTool)
    assert sorted((call.user, call.turn) for call in ran) == [
        (f"user-{number}", 1) for number in (1, 2, 3)
    ]


def test_a_real_api_is_left_to_answer_for_itself():
    """Its requests go where they are sent, and no fault is said to have struck them."""

    async def main():
        async def answer(request):
            return web.json_response({"path": request.path})

        server = web.Server(answer)
        runner = web.ServerRunner(server)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with Chaos(silent=True) as chaos:
            chaos.tool("order", http=f"GET {url}/orders/{{id}}", real=True)
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{url}/orders/A-1") as response,
            ):
                seen = await response.json()
        await runner.cleanup()
        return seen, chaos.journal.of(Served)

    assert asyncio.run(main()) == ({"path": "/orders/A-1"}, [])


LEAKY = parse(
    """
title = "A key in an argument"
[workload]
prompt = "Why did the last deploy fail?"
[[faults]]
fault = "secret_in_arguments"
[[promises]]
check = "no_leak"
""",
    "leaky.chaos.toml",
)
SEARCH = {
    "name": "search",
    "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}},
}


def basic(secret):
    """The way of user and password, which aiohttp 3 still has."""
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
        return aiohttp.BasicAuth("deploy", secret)


PARTS = {
    "url": lambda secret: {"params": {"key": secret}},
    "header authorization": lambda secret: {"auth": basic(secret)},
    "header x-key": lambda secret: {"headers": {"X-Key": secret}},
    "header cookie": lambda secret: {"cookies": {"key": secret}},
    "body": lambda secret: {"json": {"blocks": [secret]}},
    "body of text": lambda secret: {"data": secret},
    "body of a form": lambda secret: {"data": {"text": secret}},
}


async def told_what_to_search(session):
    """What the model wants to be searched."""
    body = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 99,
        "tools": [SEARCH],
        "messages": [{"role": "user", "content": "Search the logs: why did it fail?"}],
    }
    headers = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
    url = "https://api.anthropic.com/v1/messages"
    async with session.post(url, json=body, headers=headers) as answer:
        return (await answer.json())["content"][0]["input"]["query"]


@pytest.mark.parametrize("part", PARTS)
def test_a_secret_for_somebody_else_is_seen_though_it_is_not_sent(part):
    """In production it would have been."""

    async def agent(prompt):
        async with aiohttp.ClientSession() as session:
            secret = await told_what_to_search(session)
            with contextlib.suppress(aiohttp.ClientError):
                await session.post("https://hooks.test/in", **PARTS[part](secret))
        return "done"

    outcome = run(LEAKY, Agent.of(agent, name="on aiohttp"))
    assert outcome.verdict is Verdict.FAIL
    (leak,) = outcome.journal.of(Leaked)
    assert (leak.channel, leak.where) == ("request", f"hooks.test, {part.partition(' of ')[0]}")


def test_a_secret_goes_back_to_the_model_it_came_from():
    """The provider is nobody else, whatever road the request takes."""

    async def agent(prompt):
        async with aiohttp.ClientSession() as session:
            secret = await told_what_to_search(session)
            body = {
                "model": "claude-sonnet-4-6",
                "max_tokens": 99,
                "messages": [{"role": "user", "content": secret}],
            }
            headers = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
            url = "https://api.anthropic.com/v1/messages"
            async with session.post(url, json=body, headers=headers) as answer:
                return str(answer.status)

    outcome = run(LEAKY, Agent.of(agent, name="on aiohttp"))
    assert outcome.verdict is Verdict.PASS, outcome.reason
    assert outcome.journal.of(Leaked) == []


def test_afterwards_nothing_is_replaced():
    """Requests go where they are sent."""
    before = aiohttp.ClientSession._request
    lived(asked)
    assert aiohttp.ClientSession._request is before
