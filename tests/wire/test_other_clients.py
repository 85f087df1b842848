"""Clients that are intercepted nowhere: aiohttp, over a socket, on the run's time."""

import asyncio
import json

import pytest

from chaoskit.faults import Hang, RateLimited, Stall
from chaoskit.journal import Delivered
from chaoskit.plan import Rule
from chaoskit.when import When

aiohttp = pytest.importorskip("aiohttp")


async def answered(provider, wire, session, **more):
    """Status, headers and JSON of one answer."""
    url = f"{provider.server.url}/v1/chat/completions"
    async with session.post(url, json=wire.CHAT, **more) as answer:
        return answer.status, answer.headers, json.loads(await answer.read())


def client():
    """A client as production has it, with the key that every client has."""
    return aiohttp.ClientSession(headers={"authorization": "Bearer any"})


def test_patience_of_45_minutes_takes_none(wire):
    """The client waits as it is told to, and time jumps."""

    async def patient(provider):
        async with client() as session:
            status, headers, _ = await answered(provider, wire, session)
            assert status == 429
            await asyncio.sleep(float(headers["retry-after"]))
            status, _, body = await answered(provider, wire, session)
        return status, body["choices"][0]["message"]["content"], provider.clock.now()

    rule = Rule(fault=RateLimited(retry_after=2_700.0), when=When(calls="1"))
    status, said, took = wire.living(patient, rule)
    assert (status, said) == (200, wire.SAID)
    assert took == pytest.approx(2_700, abs=1)


@pytest.mark.parametrize("fault", [Hang(), Stall(after=0)])
def test_timeout_of_the_client_is_kept_on_the_runs_time(wire, fault):
    """It raises after ten minutes of it, and the provider hears that the client left."""

    async def waiting(provider):
        began = provider.clock.now()
        patience = aiohttp.ClientTimeout(total=600)
        async with client() as session:
            with pytest.raises(TimeoutError):
                await answered(provider, wire, session, timeout=patience)
        took = provider.clock.now() - began
        await asyncio.sleep(1)
        return took, [event.how for event in provider.journal.of(Delivered)]

    took, ended = wire.living(waiting, Rule(fault=fault))
    assert took == pytest.approx(600, abs=1)
    assert ended == ["abandoned"]


def test_twenty_users_come_and_wait_at_once(wire):
    """Each on a connection of its own."""

    async def user(provider, session):
        for attempt in range(1, 5):
            status, headers, _ = await answered(provider, wire, session)
            if status == 200:
                return attempt
            await asyncio.sleep(float(headers["retry-after"]))
        return 0

    async def crowd(provider):
        async with client() as session:
            return await asyncio.gather(*(user(provider, session) for _ in range(20)))

    rule = Rule(fault=RateLimited(retry_after=60.0), when=When(calls="1-20"), sticky=False)
    assert set(wire.living(crowd, rule)) == {2}


def test_loop_of_another_thread_shares_the_time(wire):
    """A sync agent that calls `asyncio.run` meets the same clock."""

    async def beside(provider):
        found = []

        async def agent():
            async with client() as session:
                _, headers, _ = await answered(provider, wire, session)
                await asyncio.sleep(float(headers["retry-after"]))
                found.append((await answered(provider, wire, session))[0])

        await asyncio.to_thread(lambda: asyncio.run(agent()))
        return found, provider.clock.now()

    rule = Rule(fault=RateLimited(retry_after=600.0), when=When(calls="1"))
    found, took = wire.living(beside, rule)
    assert found == [200]
    assert took == pytest.approx(600, abs=1)
