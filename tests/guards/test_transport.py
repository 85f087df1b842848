"""Retry, breaker and budget below the clients of both HTTP libraries, and below the SDKs."""

import asyncio
import gzip
import json
import logging

import anthropic
import httpx
import httpx2
import openai
import pytest

from chaoskit_guards import (
    AsyncGuardedTransport,
    BudgetWindow,
    CircuitBreaker,
    CircuitOpenError,
    GuardedTransport,
    RetryConfig,
)
from chaoskit_guards.wire_usage import StreamUsage, amounts, usage_in

URL = "https://api.test/v1/messages"
ASKED = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": "hello " * 400}],
}
REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-6",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 12, "cache_read_input_tokens": 30, "output_tokens": 5},
}
STARTED = {"type": "message_start", "message": {"id": "m", "model": "c"}}
STARTED["message"]["usage"] = {**REPLY["usage"], "output_tokens": 1}
EVENTS = [
    f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    for event in (
        STARTED,
        {"type": "message_delta", "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    )
]


class World:
    """A server in memory under a guarded client of one library, sync or async."""

    def __init__(self, library, form, clock):
        self.library, self.form, self.clock = library, form, clock
        self.script = []
        self.seen = []

    def serve(self, *script):
        """Answer with one thing after the other, the last one for ever."""
        self.script = list(script)

    def handle(self, request):
        self.seen.append((self.clock(), request))
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(reply, str):
            raise getattr(self.library, reply)("gone", request=request)
        if reply == {"cut": True}:
            headers = {"content-type": "application/json"}
            body = self.stream([b"{", None])
            return self.library.Response(200, headers=headers, stream=body)
        if isinstance(reply, dict):
            return self.library.Response(200, json=reply)
        if isinstance(reply, int):
            return self.library.Response(reply, json={"error": {"message": "no"}})
        if isinstance(reply, list):
            return self.library.Response(
                200, headers={"content-type": "text/event-stream"}, stream=self.stream(reply)
            )
        status, headers, body = reply
        return self.library.Response(status, headers=headers, content=body)

    def stream(self, pieces):
        library = self.library

        class Sync(library.SyncByteStream):
            def __iter__(self):
                for piece in pieces:
                    if piece is None:
                        raise library.ReadError("cut off")
                    yield piece

        class Async(library.AsyncByteStream):
            async def __aiter__(self):
                for piece in pieces:
                    if piece is None:
                        raise library.ReadError("cut off")
                    yield piece

        return Sync() if self.form == "sync" else Async()

    def transport(self, **settings):
        inner = self.library.MockTransport(self.handle)
        kind = GuardedTransport if self.form == "sync" else AsyncGuardedTransport
        given = {"clock": self.clock, "sleep": self.clock.sleep, "async_sleep": self.clock.asleep}
        self.guarded = kind(inner, **{**given, **settings})
        return self.guarded

    def post(self, times=1, *, stream=False, content=None, **settings):
        """Send requests; return the answer, or the pieces of the stream, or the error."""
        if self.form == "sync":
            return self._sync(times, stream, content, settings)
        return asyncio.run(self._async(times, stream, content, settings))

    def _sync(self, times, stream, content, settings):
        with self.library.Client(transport=self.transport(**settings)) as client:
            for _ in range(times):
                try:
                    if stream:
                        with client.stream("POST", URL, json=ASKED) as response:
                            result = list(response.iter_raw())
                    elif content is not None:
                        result = client.post(URL, content=iter(content))
                    else:
                        result = client.post(URL, json=ASKED)
                except self.library.TransportError as error:
                    result = error
            return result

    async def _async(self, times, stream, content, settings):
        async with self.library.AsyncClient(transport=self.transport(**settings)) as client:
            for _ in range(times):
                try:
                    if stream:
                        async with client.stream("POST", URL, json=ASKED) as response:
                            result = [piece async for piece in response.aiter_raw()]
                    elif content is not None:

                        async def body():
                            for piece in content:
                                yield piece

                        result = await client.post(URL, content=body())
                    else:
                        result = await client.post(URL, json=ASKED)
                except self.library.TransportError as error:
                    result = error
            return result


@pytest.fixture(params=["httpx-sync", "httpx-async", "httpx2-sync", "httpx2-async"])
def world(request, clock):
    """Each library, in each form."""
    name, form = request.param.split("-")
    return World({"httpx": httpx, "httpx2": httpx2}[name], form, clock)


def test_an_answer_passes_unchanged(world):
    """Status, headers and body."""
    packed = gzip.compress(json.dumps(REPLY).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip", "x-id": "7"}
    world.serve((200, headers, packed))
    response = world.post()

    assert response.json() == REPLY
    assert (response.status_code, response.headers["x-id"]) == (200, "7")
    assert len(world.seen) == 1


def test_a_refusal_is_repeated_when_the_provider_says(world):
    """Never earlier than asked."""
    world.serve((429, {"retry-after": "7"}, b"{}"), REPLY)

    assert world.post().status_code == 200
    assert world.seen[1][0] - world.seen[0][0] >= 7


def test_dropped_connections_and_overload_are_repeated(world):
    """Until the attempts are used up."""
    world.serve("ConnectError", 529, "ReadTimeout", REPLY)

    assert world.post().status_code == 200
    assert len(world.seen) == 4


def test_the_callers_mistakes_are_not_repeated(world):
    """A 400 is handed back as it came."""
    world.serve(400)
    response = world.post()

    assert (response.status_code, len(world.seen)) == (400, 1)
    assert response.json() == {"error": {"message": "no"}}


def test_the_last_refusal_is_handed_back(world):
    """With a word to the SDK above that it has been repeated already."""
    world.serve(503)
    response = world.post(retry=RetryConfig(max_attempts=3))

    assert (response.status_code, len(world.seen)) == (503, 3)
    assert response.headers["x-should-retry"] == "false"


def test_the_last_failure_is_raised_as_it_is(world):
    """In the words of the library."""
    world.serve("ConnectTimeout")
    error = world.post(retry=RetryConfig(max_attempts=2))

    assert type(error) is world.library.ConnectTimeout
    assert len(world.seen) == 2


def test_a_wait_beyond_the_deadline_is_not_slept(world):
    """The refusal is handed back at once."""
    world.serve((429, {"retry-after": "60"}, b"{}"))

    assert world.post(retry=RetryConfig(deadline=20)).status_code == 429
    assert world.clock.sleeps == []


def test_a_body_that_is_made_on_the_way_is_sent_once(world):
    """It is used up."""
    world.serve(503)

    assert world.post(content=[b"a", b"b"]).status_code == 503
    assert len(world.seen) == 1


def test_a_json_answer_that_breaks_off_is_repeated(world):
    """Nothing of it has been handed back."""
    world.serve({"cut": True}, REPLY)

    assert world.post().json() == REPLY
    assert len(world.seen) == 2


def test_a_stream_stays_a_stream(world):
    """Its pieces arrive one by one."""
    world.serve(EVENTS)

    assert world.post(stream=True) == EVENTS


def test_a_stream_is_repeated_until_its_first_byte(world):
    """And never after."""
    world.serve([None], EVENTS)
    assert world.post(stream=True) == EVENTS

    world.serve([EVENTS[0], None], EVENTS)
    error = world.post(stream=True)
    assert isinstance(error, world.library.ReadError)
    assert len(world.seen) == 3


def test_a_host_that_fails_gets_no_requests(world):
    """Streams that break off count; the error is the library's."""
    world.serve([EVENTS[0], None])
    error = world.post(times=4, stream=True, breaker=lambda host: CircuitBreaker(3, name=host))

    assert isinstance(error, world.library.ConnectError)
    assert isinstance(error.__cause__, CircuitOpenError)
    assert len(world.seen) == 3
    assert world.guarded.breakers()["api.test"].state == "open"


def test_an_error_inside_a_stream_counts_for_the_breaker(world):
    """Although its status was 200."""
    world.serve([EVENTS[0], b'event: error\ndata: {"type":"error"}\n\n'])
    world.post(stream=True, breaker=lambda host: CircuitBreaker(1, name=host))

    assert world.guarded.breakers()["api.test"].state == "open"


def test_rate_limits_and_mistakes_do_not_open_the_breaker(world):
    """A provider that counts requests is not down."""
    for status in (429, 400, 401):
        world.serve(status)
        world.post(times=3, retry=None, breaker=lambda host: CircuitBreaker(2, name=host))
        assert world.guarded.breakers()["api.test"].state == "closed"


@pytest.mark.parametrize("stream", [False, True])
def test_the_budget_is_settled_with_what_the_answer_tells(world, stream):
    """Whole or in events; the price is asked with the model, before and after."""
    told = []

    def price(model, usage):
        told.append(model)
        return 0.5

    budget = BudgetWindow(100_000, 10, clock=world.clock, sleep=world.clock.sleep)
    world.serve(EVENTS if stream else REPLY)
    world.post(stream=stream, budget=budget, price=price)

    held = budget.snapshot()
    assert (held["requests"], held["input tokens"], held["output tokens"]) == (1, 42, 5)
    assert held["USD"] == 0.5
    assert told == ["claude-sonnet-4-6", "c" if stream else "claude-sonnet-4-6"]


def test_the_budget_books_an_estimate_and_gives_back_what_failed(world):
    """What is refused costs its request only; what breaks off, its estimate."""
    budget = BudgetWindow(100_000, clock=world.clock, sleep=world.clock.sleep)
    world.serve(400)
    world.post(budget=budget)
    assert (budget.snapshot()["requests"], budget.snapshot()["tokens"]) == (1, 0)

    world.serve([EVENTS[0], None])
    world.post(stream=True, budget=budget)
    assert budget.snapshot()["tokens"] >= 500 + 300


def test_a_full_budget_is_a_timeout_of_the_library(world):
    """Nothing is sent."""
    budget = BudgetWindow(1_500, clock=world.clock, sleep=world.clock.sleep)
    budget.reserve(1_400)
    error = world.post(budget=budget, retry=RetryConfig(deadline=5))

    assert isinstance(error, world.library.PoolTimeout)
    assert world.seen == []


def test_the_log_holds_no_secret_of_the_url(world, caplog):
    """One line for each attempt."""
    secret = "q7" * 20
    world.serve(503, REPLY)
    with caplog.at_level(logging.INFO, "chaoskit_guards.transport"):
        transport = world.transport()
        request = world.library.Request("POST", f"{URL}?api_key={secret}", json=ASKED)
        if world.form == "sync":
            transport.handle_request(request)
        else:
            asyncio.run(transport.handle_async_request(request))

    lines = [r.getMessage() for r in caplog.records if r.name == "chaoskit_guards.transport"]
    assert ["503" in lines[0], "200" in lines[1]] == [True, True]
    assert secret not in caplog.text


def sdk(world, **settings):
    """The Anthropic SDK over a guarded transport."""
    client = httpx2.Client(transport=world.transport(**settings))
    return anthropic.Anthropic(api_key="k", http_client=client)


@pytest.fixture
def below_sdk(clock):
    """The library that the SDKs are built on."""
    return World(httpx2, "sync", clock)


def test_the_sdk_does_not_repeat_what_was_repeated(below_sdk):
    """Three attempts are three requests, though the SDK would make three of each."""
    below_sdk.serve(529)
    client = sdk(below_sdk, retry=RetryConfig(max_attempts=3))
    with client, pytest.raises(anthropic.APIStatusError):
        client.messages.create(**ASKED)

    assert len(below_sdk.seen) == 3


def test_repeats_of_the_sdk_are_noticed_and_sent_once(below_sdk, caplog, monkeypatch):
    """What cannot be marked does not multiply."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    events = []
    below_sdk.serve("ConnectError")
    client = sdk(below_sdk, retry=RetryConfig(max_attempts=3), listener=events.append)
    with client, pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ASKED)

    assert len(below_sdk.seen) == 3 + 1 + 1
    assert [e.values["count"] for e in events if e.kind == "sdk_retries"] == [1, 2]
    assert caplog.text.count("max_retries=0") == 1


def test_the_sdks_stream_and_answer_through_it(below_sdk):
    """As without it."""
    below_sdk.serve(REPLY)
    with sdk(below_sdk) as client:
        assert client.messages.create(**ASKED).content[0].text == "hi"

    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.4"}
    delta = {"index": 0, "delta": {"content": "hi"}, "finish_reason": None}
    events = [{**chunk, "choices": [delta]}, {**chunk, "choices": [], "usage": usage}]
    below_sdk.serve([*(f"data: {json.dumps(e)}\n\n".encode() for e in events), b"data: [DONE]\n\n"])
    budget = BudgetWindow(10_000)
    http = httpx2.Client(transport=below_sdk.transport(budget=budget))
    with openai.OpenAI(api_key="k", http_client=http) as client:
        stream = client.chat.completions.create(
            model="gpt-5.4", messages=[{"role": "user", "content": "x"}], stream=True
        )
        texts = [piece.choices[0].delta.content for piece in stream if piece.choices]

    assert texts == ["hi"]
    assert budget.snapshot()["tokens"] == 9


@pytest.mark.parametrize(
    ("body", "input_tokens", "output_tokens"),
    [
        ({"usage": {"input_tokens": 5, "output_tokens": 7}}, 5, 7),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": 7}}, 5, 7),
        ({"usage": {"inputTokens": 5, "outputTokens": 7}}, 5, 7),
        (
            {
                "usageMetadata": {
                    "promptTokenCount": 5,
                    "candidatesTokenCount": 4,
                    "thoughtsTokenCount": 3,
                }
            },
            5,
            7,
        ),
    ],
)
def test_every_vendors_usage_settles_a_budget(body, input_tokens, output_tokens):
    """Whole, and as an event of a stream."""
    wanted = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    assert amounts(usage_in(body)) == wanted
    stream = StreamUsage()
    stream.feed(b"data: " + json.dumps(body).encode() + b"\n\n")
    assert amounts(stream.usage) == wanted


@pytest.mark.parametrize("stream", [False, True])
def test_a_price_function_that_fails_costs_no_answer(world, stream):
    """The answer has been paid for, and is handed over."""
    world.serve(EVENTS if stream else REPLY)
    budget = BudgetWindow(tokens_per_minute=10_000, usd_per_minute=1)

    def no_price(_model, _usage):
        raise KeyError

    answer = world.post(stream=stream, budget=budget, price=no_price)
    assert not isinstance(answer, Exception)
    assert budget.snapshot()["tokens"] == 47


def test_a_stream_whose_first_byte_is_late_is_slow(world):
    """However short the rest."""

    class Late(list):
        def __iter__(late):
            world.clock.now += 10
            return super().__iter__()

    world.serve(Late(EVENTS))
    world.post(
        stream=True,
        breaker=lambda host: CircuitBreaker(
            name=host, slow_first_item=5, minimum_calls=1, clock=world.clock
        ),
    )
    assert world.guarded.breakers()["api.test"].state == "open"
