"""Time for every test of a guard: a clock that moves when somebody sleeps, and simulated time."""

import asyncio

import pytest

from chaoskit.agent import Agent
from chaoskit.run import run
from chaoskit.scenario import parse

SCENARIO = 'title = "t"\n[workload]\nusers = 1\nprompt = "go"\n[[promises]]\ncheck = "no_crash"\n'


class FakeClock:
    """Monotonic seconds; `sleep` and `asleep` move it and are remembered."""

    def __init__(self):
        self.now = 1000.0
        self.sleeps = []

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds

    async def asleep(self, seconds):
        self.sleep(seconds)


@pytest.fixture
def clock():
    """A fake clock at 1000 s."""
    return FakeClock()


@pytest.fixture
def lived():
    """Calls a function in simulated time, in which threads and tasks wait without waiting."""

    def go(function):
        seen = []

        async def awaited(prompt):
            seen.append(await function())
            return "done"

        def called(prompt):
            seen.append(function())
            return "done"

        agent = awaited if asyncio.iscoroutinefunction(function) else called
        run(parse(SCENARIO, "time.chaos.toml"), Agent.of(agent))
        return seen[0]

    return go
