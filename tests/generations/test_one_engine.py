"""In this process and on a socket, sync and async, through either HTTP library: the same bytes."""

import asyncio
import importlib
import json
import random
import re

import pytest

from chaoskit.behaviours import Helpful
from chaoskit.canary import Canaries
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.demo.sdks import COLUMNS, observed
from chaoskit.hosts import Hosts
from chaoskit.plan import Plan, PlanState
from chaoskit.players.intercept import intercepted
from chaoskit.players.loopback import Loopback
from chaoskit.provider.service import Service
from chaoskit.world import World

CLAUDE, CHAT, RESPONSES = "/v1/messages", "/v1/chat/completions", "/v1/responses"
SAID = [{"role": "user", "content": "Why did the deploy of the shop fail? Say it in json."}]
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
CLAUDE_TOOLS = [{"name": "search_logs", "description": "Logs.", "input_schema": SCHEMA}]
FUNCTION = {"name": "search_logs", "description": "Logs.", "parameters": SCHEMA}
CHAT_TOOLS = [{"type": "function", "function": FUNCTION}]
RESPONSES_TOOLS = [{"type": "function"} | FUNCTION]
LONG = "A rule of this shop that everybody keeps. " * 300
CACHED = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]


def claude(**more):
    return CLAUDE, {"model": "claude-opus-4-6", "max_tokens": 300, "messages": SAID} | more


def chat(**more):
    return CHAT, {"model": "gpt-4.1", "messages": SAID} | more


def respond(**more):
    return RESPONSES, {"model": "gpt-4.1", "input": SAID} | more


THINKING = {"type": "adaptive", "display": "summarized"}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
NEWER_SEARCH = {"type": "web_search_20260209", "name": "web_search"}
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
COMPARED = {"comparison_response_id": "resp_1"}
SHAPE = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
ASKED = {
    "claude": claude(),
    "claude, stream": claude(stream=True),
    "claude, tools": claude(stream=True, tools=CLAUDE_TOOLS),
    "claude, thinking": claude(stream=True, max_tokens=2000, thinking=THINKING),
    "claude, stop": claude(stream=True, stop_sequences=["deploy"]),
    "claude, limit": claude(max_tokens=3),
    "claude, cache": claude(stream=True, system=CACHED),
    "claude, searched": claude(stream=True, tools=[SEARCH]),
    "claude, searched at once": claude(tools=[SEARCH]),
    "claude, unsupported": claude(model="claude-haiku-4-5", tools=[NEWER_SEARCH]),
    "claude, refused": claude(stream=True, messages=[]),
    "claude, unknown": claude(model="gpt-4o"),
    "claude, counted": (
        "/v1/messages/count_tokens",
        {"model": "claude-opus-4-6", "messages": SAID},
    ),
    "chat": chat(),
    "chat, stream": chat(stream=True, stream_options={"include_usage": True}),
    "chat, tools": chat(stream=True, tools=CHAT_TOOLS),
    "chat, choices": chat(stream=True, n=2),
    "chat, logprobs": chat(stream=True, logprobs=True, top_logprobs=2),
    "chat, shape": chat(response_format=SHAPE),
    "chat, reasoning": chat(model="gpt-5"),
    "chat, functions": chat(stream=True, functions=[FUNCTION]),
    "chat, spoken": chat(model="gpt-audio", stream=True, **SPOKEN),
    "chat, predicted": chat(prediction={"type": "content", "content": "I looked at it."}),
    "chat, cited": chat(stream=True, web_search_options={}),
    "chat, retired": chat(model="o1-mini"),
    "chat, refused": chat(top_k=1),
    "responses": respond(),
    "responses, stream": respond(stream=True),
    "responses, tools": respond(stream=True, tools=RESPONSES_TOOLS),
    "responses, reasoning": respond(stream=True, model="gpt-5", reasoning={"summary": "auto"}),
    "responses, searched": respond(stream=True, tools=[{"type": "web_search"}]),
    "responses, diagnosed": respond(model="gpt-5.6-luna", prompt_cache_options=COMPARED),
    "responses, limit": respond(stream=True, max_output_tokens=16, tools=RESPONSES_TOOLS),
    "responses, refused": respond(previous_response_id="resp_1"),
    "responses, counted": ("/v1/responses/input_tokens", {"model": "gpt-4.1", "input": "x"}),
    "responses, compacted": ("/v1/responses/compact", {"model": "gpt-4.1", "input": SAID}),
    "embeddings": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
}
DATES = re.compile(r'"(created|created_at|completed_at)": [\d.]+')  # each run has a day of its own
FRAMING = {"connection", "transfer-encoding", "keep-alive"}  # how a socket carries it
LIBRARIES = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]


def new_world(clock):
    clock.wall = lambda: 1_795_330_800.0 + clock.now()  # each run has a day of its own
    canaries = Canaries(1)
    return World(
        service=Service(),
        behaviour=Helpful(),
        plan=PlanState(Plan(rules=(), seed=1), canary=canaries.make),
        canaries=canaries,
        clock=clock,
        seed=1,
        max_calls=100,
        max_usd=100.0,
        emit=lambda _: None,
    )


def request_of(name, base=""):
    path, body = ASKED[name]
    host = "https://api.anthropic.com" if name.startswith("claude") else "https://api.openai.com"
    headers = {"authorization": "Bearer dummy"}
    if name.startswith("claude"):
        headers["anthropic-version"] = "2026-10-21"
    return {"method": "POST", "url": f"{base or host}{path}", "json": body, "headers": headers}


def answer_of(response):
    headers = {k: v for k, v in response.headers.items() if k.lower() not in FRAMING}
    return response.status_code, headers, response.content


def in_process(library, name):
    clock = VirtualClock(real_limit=20)
    inside = clock.running(random.Random(1))
    with inside, intercepted(new_world(clock), clock), library.Client(verify=False) as client:
        return answer_of(client.request(**request_of(name)))


async def asked(library, request):
    async with library.AsyncClient(verify=False) as client:
        return answer_of(await client.request(**request))


def in_process_async(library, name):
    clock = VirtualClock(real_limit=20)
    with clock.running(random.Random(1)), intercepted(new_world(clock), clock):
        return asyncio.run(asked(library, request_of(name)))


def on_a_socket(library, name):
    clock = VirtualClock(real_limit=20)

    async def main():
        world = new_world(clock)
        server = Loopback(Hosts(world).of, aside=None, identify=lambda _: ("", 0))
        async with server:
            return await asked(library, request_of(name, server.url))

    with clock.running(random.Random(1)):
        return asyncio.run(main())


@pytest.mark.wire("engine.same_bytes")
@pytest.mark.parametrize("name", ASKED)
def test_every_way_brings_the_same_bytes(name):
    """Status, headers and body; a stream event by event."""
    ways = [
        play(importlib.import_module(library), name)
        for library in LIBRARIES
        for play in (in_process, in_process_async, on_a_socket)
    ]
    status, headers, body = ways[0]
    assert status in (200, 400, 404)
    events = body.split(b"\n\n")
    for way in ways[1:]:
        assert way[0] == status
        assert way[2].split(b"\n\n") == events
        assert way[1] == headers


@pytest.mark.wire("engine.same_events")
@pytest.mark.parametrize("column", COLUMNS, ids=[column.title for column in COLUMNS])
def test_every_way_brings_the_same_events_of_the_sdk(column):
    """With their ids, whatever the client makes of them."""

    def described(found):
        things = found if isinstance(found, list) else [found]
        dumped = json.dumps([thing.model_dump(mode="json", warnings=False) for thing in things])
        return DATES.sub("", dumped)

    seen = observed(column, None, described)
    assert len(seen) == 3
    assert len(set(seen.values())) == 1
    assert "deploy" in seen["in process"]
