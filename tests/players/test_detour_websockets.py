"""Agents whose client opens WebSockets live in a run like any other."""

import asyncio

import openai
import pytest

from chaoskit.agent import Agent
from chaoskit.check import Verdict
from chaoskit.errors import NetworkRefused
from chaoskit.journal import Answered, Blocked, Delivered, Requested
from chaoskit.run import play, run
from chaoskit.scenario import parse
from retry_storm import STORM

websockets = pytest.importorskip("websockets")

QUIET = """
title = "Nothing happens"
[workload]
users = 2
turns = 2
prompt = "Why did the last deploy fail, {user}?"
[[promises]]
check = "every_user_answered"
"""


async def asked(connection, prompt, **more):
    """One answer, after the waits that the provider asks for."""
    for _ in range(3):
        await connection.response.create(model="gpt-5.4", input=prompt, **more)
        async for event in connection:
            if event.type == "response.completed":
                return event.response.output_text
            if event.type == "error":
                await asyncio.sleep(float(event.error.headers["retry-after"]))
                break
    return ""


async def agent(prompt, base=None):
    """An agent that opens a WebSocket for each turn; its URL is the vendor's own."""
    async with (
        openai.AsyncOpenAI(base_url=base) as client,
        client.responses.connect() as connection,
    ):
        return await asked(connection, prompt)


def lived(answer, text=STORM):
    """The run of an agent through a scenario."""
    return run(parse(text, "test.chaos.toml"), Agent.of(answer, name="on WebSockets"))


def played(answer, name):
    """The journal of two users who ask twice."""
    return play(parse(QUIET, "test.chaos.toml"), Agent.of(answer, name=name)).journal


@pytest.mark.slow
@pytest.mark.parametrize("base", [None, "http://127.0.0.1:9/proxy/v1"])
def test_async_agent_waits_45_minutes_in_no_time(base):
    """Whatever its base URL: nothing is listening there."""

    async def answer(prompt):
        return await agent(prompt, base)

    outcome = lived(answer)
    assert outcome.verdict is Verdict.PASS
    assert all(2_700 <= one.seconds < 2_720 for one in outcome.journal.of(Answered))
    asking = outcome.journal.of(Requested)
    assert sorted((one.user, one.attempt, one.turn) for one in asking) == [
        (f"user-{user}", attempt, 1) for user in (1, 2, 3) for attempt in (1, 2)
    ]


@pytest.mark.slow
def test_two_runs_are_the_same():
    """Byte for byte, as for clients that are answered in the process."""
    assert lived(agent).journal.dumps() == lived(agent).journal.dumps()


@pytest.mark.slow
def test_one_connection_of_many_users_tells_them_apart():
    """A message belongs to whoever sends it, not to whoever opened the connection."""
    shared = {"left": 4}

    async def opened():
        connection = await openai.AsyncOpenAI().responses.connect().enter()
        return connection, asyncio.Lock()

    async def answer(prompt, user):
        if "opening" not in shared:
            shared["opening"] = asyncio.ensure_future(opened())
        connection, turn = await shared["opening"]
        async with turn:
            said = await asked(connection, prompt, stream_id=user)
        shared["left"] -= 1
        if not shared["left"]:
            await connection.close()
        return said

    journal = played(answer, "sharing")
    asking = [one for one in journal.of(Requested) if one.operation == "generate"]
    assert sorted((one.user, one.turn) for one in asking) == [
        ("user-1", 1),
        ("user-1", 2),
        ("user-2", 1),
        ("user-2", 2),
    ]


@pytest.mark.slow
def test_websockets_of_aiohttp_take_the_same_way():
    """Their requests are led to the server like any other."""
    aiohttp = pytest.importorskip("aiohttp")

    async def answer(prompt):
        headers = {"authorization": "Bearer any"}
        url = "wss://api.openai.com/v1/responses"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers=headers) as ws,
        ):
            for _ in range(3):
                await ws.send_json({"type": "response.create", "model": "gpt-5.4", "input": prompt})
                async for message in ws:
                    event = message.json()
                    if event["type"] == "response.completed":
                        return event["response"]["output"][0]["content"][0]["text"]
                    if event["type"] == "error":
                        await asyncio.sleep(float(event["error"]["headers"]["retry-after"]))
                        break
        return ""

    outcome = lived(answer)
    assert outcome.verdict is Verdict.PASS
    assert {one.user for one in outcome.journal.of(Requested)} == {"user-1", "user-2", "user-3"}


@pytest.mark.slow
def test_pings_of_a_client_are_answered_while_it_waits():
    """Its keepalive is on the run's time: fifty minutes of silence are no reason to give up."""
    text = STORM.replace("rate_limited", "slow").replace("retry_after =", "before =")
    outcome = lived(
        agent,
        text.replace("45m", "50m").replace('[[promises]]\ncheck = "retry_after_honoured"\n', ""),
    )
    assert outcome.verdict is Verdict.PASS
    assert {one.how for one in outcome.journal.of(Delivered)} == {"complete"}


def test_blocking_client_is_refused_with_what_to_do():
    """Nothing is sent, and the journal knows."""
    found = []

    def answer(prompt):
        try:
            with openai.OpenAI().responses.connect():
                return "never"
        except OSError as error:
            found.append(str(error))
            raise

    journal = played(answer, "blocking")
    assert "wss://api.openai.com/v1/responses" in found[0]
    assert "chaos_server" in found[0]
    assert "test_detour_websockets.py" in found[0]
    assert {one.host for one in journal.of(Blocked)} == {"api.openai.com"}


@pytest.mark.slow
def test_other_hosts_are_banned_as_ever():
    """A WebSocket to a stranger is no business of the provider's."""
    from websockets.asyncio.client import connect

    async def answer(prompt):
        async with connect("wss://example.invalid/socket"):
            return "never"

    journal = played(answer, "astray")
    assert {one.host for one in journal.of(Blocked)} == {"example.invalid"}


@pytest.mark.slow
def test_afterwards_nothing_is_replaced():
    """Connections go where they are opened."""
    from websockets.asyncio import client, connection
    from websockets.sync import client as blocking

    before = client.connect.__init__, connection.Connection.send, blocking.parse_uri
    lived(agent)
    assert (client.connect.__init__, connection.Connection.send, blocking.parse_uri) == before


def test_http_client_cannot_take_a_websocket(chaos):
    """In the process there is no connection that could go on as one."""
    client = openai.OpenAI()
    headers = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-key": "x",
        "sec-websocket-version": "13",
    }
    quick = client.with_options(max_retries=0)
    with pytest.raises(NetworkRefused, match="chaos_server"):
        quick.get("/responses", cast_to=object, options={"headers": headers})
    chaos.reply("It broke.")
    assert quick.responses.create(model="gpt-5.4", input="Why?").output_text == "It broke."
