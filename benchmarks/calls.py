"""What one call costs inside of a run, next to the same call over a bare mock transport.

    python benchmarks/calls.py

Both go through the real SDK and bring the same bytes and headers; what differs is who answers.
The ratios are the result. Rows are interleaved, so that a busy machine disturbs all alike.
"""

import contextlib
import gc
import random
import statistics
import time

import anthropic
import httpx2

from chaoskit.behaviours import Helpful
from chaoskit.canary import Canaries
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.journal import Journal
from chaoskit.plan import Plan, PlanState
from chaoskit.players.ban import banned
from chaoskit.players.intercept import intercepted
from chaoskit.provider.service import Service
from chaoskit.provider.settings import Limits, ProviderSettings
from chaoskit.world import World

CALLS, ROUNDS = 150, 9
cpu = time.process_time


@contextlib.contextmanager
def a_run():
    """A world without faults on virtual time, everything switched on."""
    clock, canaries = VirtualClock(), Canaries(1)
    world = World(
        service=Service(ProviderSettings(limits=Limits(requests_per_minute=10**7))),
        behaviour=Helpful(),
        plan=PlanState(Plan(), canary=canaries.make),
        canaries=canaries,
        clock=clock,
        seed=1,
        max_calls=10**7,
        max_usd=1e9,
        emit=Journal().append,
    )
    with clock.running(random.Random(1)), banned(world), intercepted(world, clock):
        yield


def ask(client):
    """One small message."""
    return client.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=100,
        messages=[{"role": "user", "content": "Why did the last deploy fail?"}],
    )


def microseconds(client):
    """Processor time of one call, in microseconds."""
    gc.collect()
    began = cpu()
    for _ in range(CALLS):
        ask(client)
    return (cpu() - began) / CALLS * 1e6


def main():
    inside = anthropic.Anthropic(api_key="dummy")
    with a_run():
        raw = inside.messages.with_raw_response.create(
            model="claude-sonnet-4-6",
            max_tokens=100,
            messages=[{"role": "user", "content": "Why did the last deploy fail?"}],
        )
    headers, body = list(raw.headers.items()), raw.http_response.content

    def answer(_request):
        return httpx2.Response(200, headers=headers, content=body)

    bare = anthropic.Anthropic(
        api_key="dummy", http_client=httpx2.Client(transport=httpx2.MockTransport(answer))
    )
    rows = {"bare httpx2.MockTransport": [], "inside of a chaoskit run": []}
    for _ in range(ROUNDS):
        rows["bare httpx2.MockTransport"].append(microseconds(bare))
        with a_run():
            rows["inside of a chaoskit run"].append(microseconds(inside))
    base = statistics.median(rows["bare httpx2.MockTransport"])
    print(f"{'one non-streaming Anthropic call':34} {'µs':>7} {'ratio':>6}")
    for name, times in rows.items():
        middle = statistics.median(times)
        print(f"{name:34} {middle:7.0f} {middle / base:6.2f}")


if __name__ == "__main__":
    main()
