"""A simulated provider behind a port, in virtual time, and raw sockets to talk to it."""

import asyncio
import json
import logging
import random
import types

import pytest

from chaoskit.behaviours import Scripted, ScriptedTurn
from chaoskit.canary import Canaries
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.exchange import HttpReply
from chaoskit.hosts import Hosts
from chaoskit.journal import Journal
from chaoskit.plan import Plan, PlanState
from chaoskit.players.loopback import Loopback
from chaoskit.provider.latency import Latency
from chaoskit.provider.service import Service
from chaoskit.provider.settings import ProviderSettings
from chaoskit.world import World

SAID = "grüße, " * 12 + "Ende"
CLAUDE = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "Why?"}],
}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Why?"}]}


class Provider:
    """A world with some rules, behind a port of the loop that runs."""

    def __init__(self, clock, rules):
        self.journal, canaries = Journal(), Canaries(1)
        latency = Latency(first_token=0.0, tokens_per_second=1e9)
        self.world = World(
            service=Service(ProviderSettings(latency=latency)),
            behaviour=Scripted(turns=(ScriptedTurn(text=SAID),)),
            plan=PlanState(Plan(rules=rules, seed=1), canary=canaries.make),
            canaries=canaries,
            clock=clock,
            seed=1,
            max_calls=10**6,
            max_usd=1e6,
            emit=self.journal.append,
            together=True,
        )
        self.clock = clock
        self.server = Loopback(
            Hosts(self.world).of, aside=nothing, identify=lambda _: ("client", 1)
        )


def nothing(request):
    body = json.dumps({"error": {"message": f"nothing at {request.path}"}}).encode()
    return HttpReply(status=404, headers={"content-length": str(len(body))}, body=body)


def living(body, *rules):
    """Run `body(provider)` beside a provider with these rules; return what it returns."""
    clock = VirtualClock(real_limit=60)
    with clock.running(random.Random(1)):
        provider = Provider(clock, rules)

        async def main():
            async with provider.server:
                result = await body(provider)
                await asyncio.sleep(1)
                assert not provider.server._connections, "a connection was left behind"
            return result

        loop = asyncio.SelectorEventLoop()
        try:
            return loop.run_until_complete(main())
        finally:
            loop.close()


def request(body=CHAT, path="/v1/chat/completions", /, **headers):
    """The bytes of a request that ends its connection."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {
        "host": "x",
        "connection": "close",
        "authorization": "Bearer any",
        "anthropic-version": "2023-06-01",
        "content-length": str(len(data)),
        **headers,
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    if not path.startswith("/v1/messages"):
        lines = [line for line in lines if not line.startswith("anthropic")]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


async def exchanged(provider, sent, *, patience=3_600):
    """Send bytes; return what comes back, with its times, and how the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
    writer.write(sent)
    pieces = []
    try:
        while piece := await asyncio.wait_for(reader.read(65_536), patience):
            pieces.append((provider.clock.now(), piece))
    except ConnectionResetError:
        end = "reset"
    except TimeoutError:
        end = "silence"
    else:
        end = "closed"
    finally:
        writer.close()
    return pieces, end


def parted(pieces):
    """Head and body of what came back."""
    head, _, body = b"".join(piece for _, piece in pieces).partition(b"\r\n\r\n")
    return head.decode("latin-1"), body


@pytest.fixture(scope="session")
def wire():
    """The names of this file."""
    return types.SimpleNamespace(
        CHAT=CHAT,
        CLAUDE=CLAUDE,
        SAID=SAID,
        exchanged=exchanged,
        living=living,
        parted=parted,
        request=request,
    )


@pytest.fixture(autouse=True)
def _no_bug(caplog):
    """Nothing that the server did not expect is logged, and no callback of the loop fails."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [record.getMessage() for record in caplog.records]
