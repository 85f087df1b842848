"""Time for every test of a guard, a world of two providers, and a simulated one."""

import asyncio
import json
import random

import anthropic
import httpx2
import openai
import pytest

from chaoskit.agent import Agent
from chaoskit.run import run
from chaoskit.scenario import parse
from chaoskit_guards.router import FallbackRouter, ProviderConfig
from two_providers import CHAT, MESSAGE

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


class World:
    """Two providers behind real SDK clients; the test says what each answers."""

    def __init__(self, clock):
        self.clock = clock
        self.answers = {"anthropic": [], "openai": []}
        self.requests = {"anthropic": [], "openai": []}
        self.log = []

    def handler(self, name):
        """Answer with the next of the answers, the last one for ever."""

        def handle(request):
            self.requests[name].append(json.loads(request.content))
            self.log.append((name, self.clock.now))
            queue = self.answers[name]
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
            if isinstance(answer, BaseException):
                raise answer
            status, body, headers = (*answer, {})[:3]
            if isinstance(body, str):
                return httpx2.Response(
                    status, text=body, headers={"content-type": "text/event-stream", **headers}
                )
            return httpx2.Response(status, json=body, headers=headers)

        return handle

    def clients(self, *, asynchronous=False):
        """An Anthropic and an OpenAI client."""
        kinds = (
            (anthropic.AsyncAnthropic, openai.AsyncOpenAI)
            if asynchronous
            else (anthropic.Anthropic, openai.OpenAI)
        )
        client = httpx2.AsyncClient if asynchronous else httpx2.Client
        return [
            kind(
                api_key="k",
                http_client=client(transport=httpx2.MockTransport(self.handler(name))),
            )
            for kind, name in zip(kinds, self.answers, strict=True)
        ]

    def router(self, *, asynchronous=False, primary=None, secondary=None, **settings):
        """The router of the seventh day over this world."""
        first, second = self.clients(asynchronous=asynchronous)
        return FallbackRouter(
            providers=[
                ProviderConfig(
                    name="openai", model="gpt-5.4", priority=2, client=second, **(secondary or {})
                ),
                ProviderConfig(
                    name="anthropic",
                    model="claude-sonnet-4-6",
                    priority=1,
                    client=first,
                    **(primary or {}),
                ),
            ],
            clock=self.clock,
            sleep=self.clock.sleep,
            async_sleep=self.clock.asleep,
            rng=random.Random(1),
            **settings,
        )


@pytest.fixture
def world(clock):
    """Both providers well."""
    made = World(clock)
    made.answers = {"anthropic": [(200, MESSAGE)], "openai": [(200, CHAT)]}
    return made


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
