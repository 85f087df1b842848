"""What a router tells the breakers of its providers, and how."""

import asyncio
import uuid
from types import SimpleNamespace

import pytest

from chaoskit_guards import (
    AgentLoop,
    AllProvidersFailed,
    BudgetWindow,
    CircuitBreaker,
    Completion,
    FallbackRouter,
    ProviderConfig,
    RedisStore,
    Rules,
    Usage,
)

ASK = [{"role": "user", "content": "hi"}]


class Refused(Exception):
    """A provider's failure."""

    def __init__(self, status=503):
        super().__init__(status)
        self.status_code = status


def said(text):
    """An answer."""
    return Completion(
        content=[{"type": "text", "text": text}], stop_reason="end_turn", usage=Usage()
    )


def test_refusals_for_too_many_requests_are_counted_apart_from_failures():
    """Also where the provider does not say how long to wait."""
    failures = [Refused(429), Refused(503), Refused(429)]

    def busy(**_):
        raise failures.pop(0)

    router = FallbackRouter(
        [
            ProviderConfig(name="a", model="claude", priority=1, call=busy),
            ProviderConfig(name="b", model="claude", priority=2, call=lambda **_: "from b"),
        ],
        breaker=lambda name: CircuitBreaker(2, name=name),
    )
    states = []
    for _ in range(3):
        assert router.call(ASK) == "from b"
        states.append(router.breakers()["a"].state)

    assert states == ["closed", "closed", "open"]


EVENTS = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
CHUNKS = [
    {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"delta": {"content": "hi"}}]},
    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
]


class Streaming:
    """A client whose stream takes a while before one of its events."""

    def __init__(self, events, late, takes=10.0):
        self.events, self.late, self.takes, self.now = events, late, takes, 0.0
        self.messages = SimpleNamespace(create=lambda **_: map(dict, self.stream()))
        self.chat = SimpleNamespace(completions=self.messages)

    def stream(self):
        """The events, and time that passes."""
        for number, event in enumerate(self.events):
            self.now += self.takes * (number == self.late)
            yield event


@pytest.mark.parametrize(
    ("dialect", "events", "late", "state"),
    [
        pytest.param("anthropic", EVENTS, 1, "open", id="anthropic-late"),
        pytest.param("anthropic", EVENTS, 3, "closed", id="anthropic-long"),
        pytest.param("openai", CHUNKS, 1, "open", id="openai-late"),
        pytest.param("openai", CHUNKS, 2, "closed", id="openai-long"),
    ],
)
@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_stream_whose_first_token_is_late_is_slow(form, dialect, events, late, state):
    """The opening event without content is none; and a long answer is not a late one."""
    client = Streaming(events, late)
    router = FallbackRouter(
        [ProviderConfig(name="a", model="m", dialect=dialect, client=client)],
        breaker=lambda name: CircuitBreaker(
            name=name, slow_first_item=5.0, minimum_calls=1, clock=lambda: client.now
        ),
    )

    async def pieces():
        return [piece async for piece in router.stream(ASK)]

    shown = list(router.stream(ASK)) if form == "sync" else asyncio.run(pieces())

    assert shown == ["hi"]
    assert router.breakers()["a"].state == state


class Shared:
    """Makes breakers of one fresh key, as each process has them."""

    def __init__(self, url):
        self.url = url
        self.store = RedisStore(url, uuid.uuid4().hex, timeout=10.0)

    def __call__(self, name):
        return CircuitBreaker(1, name=name, store=self.store)

    def run(self, work):
        """Run a coroutine, and close what its event loop has opened."""

        async def whole():
            try:
                return await work
            finally:
                await self.store.aclose()

        return asyncio.run(whole())


@pytest.fixture
def shared(redis_url):
    """Shared breakers."""
    made = Shared(redis_url)
    yield made
    made.store.close()


@pytest.fixture
def only_async(monkeypatch):
    """A store that fails whoever would block the event loop."""

    def blocked(*_, **__):
        pytest.fail("the event loop was blocked")

    monkeypatch.setattr(RedisStore, "run", blocked)


def calls(answers):
    """Two providers; the first one fails, or does what the answers say."""

    async def first(**_):
        await asyncio.sleep(0)
        raise answers

    async def second(**_):
        await asyncio.sleep(0)
        return said("from b")

    return [
        ProviderConfig(name="a", model="claude", priority=1, acall=first),
        ProviderConfig(name="b", model="claude", priority=2, acall=second),
    ]


@pytest.mark.parametrize("rules", [Rules(), Rules(hedge_after=60.0)], ids=["plain", "hedged"])
def test_shared_breakers_do_not_block_the_event_loop_of_a_router(shared, only_async, rules):
    """Admissions and results are told without blocking, whole and in pieces."""
    router = FallbackRouter(calls(Refused()), breaker=shared, rules=rules)

    async def ask():
        one = await router.acomplete(ASK)
        pieces = [piece async for piece in router.stream(ASK)]
        return [(it.provider, it.outcome) for it in one.attempts], pieces

    attempts, pieces = shared.run(ask())
    assert attempts == [("a", "overloaded"), ("b", "answered")]
    assert pieces == ["from b"]


def test_two_routers_share_what_they_know_of_a_provider(shared):
    """What one of them has learnt, the other one does not have to try."""
    one = FallbackRouter(calls(Refused()), breaker=shared)
    other = FallbackRouter(calls(Refused()), breaker=shared)

    async def ask():
        first = await one.acomplete(ASK)
        second = await other.acomplete(ASK)
        return [[(it.provider, it.outcome) for it in it.attempts] for it in (first, second)]

    assert shared.run(ask()) == [
        [("a", "overloaded"), ("b", "answered")],
        [("a", "skipped"), ("b", "answered")],
    ]


def test_one_breaker_serves_two_routers():
    """In one process, too; a listener that fails changes nothing."""

    def failing(_event):
        raise RuntimeError

    breakers = {name: CircuitBreaker(1, name=name, listener=failing) for name in "ab"}

    def down(**_):
        raise Refused

    configs = [
        ProviderConfig(name="a", model="claude", priority=1, call=down),
        ProviderConfig(name="b", model="claude", priority=2, call=lambda **_: "from b"),
    ]
    routers = [
        FallbackRouter(configs, breaker=breakers.__getitem__, listener=failing) for _ in range(2)
    ]
    outcomes = [[it.outcome for it in router.call(ASK).attempts] for router in routers]

    assert outcomes == [["overloaded", "answered"], ["skipped", "answered"]]


@pytest.mark.parametrize("when", range(12))
@pytest.mark.parametrize("form", ["whole", "stream"])
def test_cancelled_wherever_it_waits_a_router_leaves_nothing_behind(shared, form, when):
    """Whatever is under way, the next request is answered and the breakers are as they were."""
    router = FallbackRouter(calls(Refused(429)), breaker=shared)
    budget = BudgetWindow(tokens_per_minute=1_000)

    async def ask():
        async with await budget.areserve(10) as booked:
            if form == "whole":
                answer = await router.acall(ASK)
            else:
                answer = "".join([piece async for piece in router.stream(ASK)])
            booked.settle(10)
        return str(answer)

    async def cancelled():
        task = asyncio.ensure_future(ask())
        for _ in range(when):
            await asyncio.sleep(0)
        task.cancel()
        done = await asyncio.gather(task, return_exceptions=True)
        return done[0], await ask()

    first, second = shared.run(cancelled())
    assert isinstance(first, asyncio.CancelledError) or first == "from b"
    assert second == "from b"
    assert router.breakers()["b"].state == "closed"
    assert budget.snapshot()["tokens"] <= 20


def test_when_all_are_open_the_soonest_return_is_told():
    """So that whoever asked knows when to ask again."""
    now = [0.0]
    router = FallbackRouter(
        calls(Refused())[:1],
        breaker=lambda name: CircuitBreaker(1, 60, name=name, clock=lambda: now[0]),
    )

    async def ask():
        for _ in range(2):
            with pytest.raises(AllProvidersFailed) as caught:
                await router.acall(ASK)
        return caught.value

    assert asyncio.run(ask()).retry_after == 60.0


@pytest.mark.parametrize("form", ["whole", "stream"])
def test_the_whole_composition_shares_through_redis_without_blocking(shared, only_async, form):
    """Breakers in a router in retries in a budget in an agent: one dead provider, one good one."""
    store = RedisStore(shared.url, uuid.uuid4().hex, timeout=10.0)
    budget = BudgetWindow(tokens_per_minute=10_000, store=store)
    agent = AgentLoop(FallbackRouter(calls(Refused()), breaker=shared), budget=budget)

    async def ask():
        if form == "whole":
            text = (await agent.arun(ASK)).text
        else:
            text = [item async for item in agent.astream(ASK)][-1].text
        used = await budget.asnapshot()
        await store.aclose()
        return text, used["requests"], used["tokens"]

    assert shared.run(ask()) == ("from b", 1, 0)
