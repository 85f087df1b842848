"""What the real SDKs make of each fault: bytes of the real dialects, damaged, by both players."""

import asyncio
import contextlib
import functools
import json
import random

import anthropic
import httpx2
import openai
import pytest

from chaoskit.clocks.virtual import VirtualClock
from chaoskit.dialect import Envelope, ModelFacts
from chaoskit.dialects import DIALECTS
from chaoskit.exchange import Refusal, Reply, Text, ToolCall
from chaoskit.fault import Strike, stage_of
from chaoskit.faults import (
    BrokenCompression,
    BrokenEvent,
    ConnectError,
    CutStream,
    DuplicatedEvent,
    ErrorMidStream,
    Hang,
    IllegalChunk,
    MalformedArguments,
    Overloaded,
    RateLimited,
    ServerError,
    Slow,
    Stall,
    Unauthorised,
    UnfinishedStream,
    WrongLength,
)
from chaoskit.hosts import Hosts
from chaoskit.player import Exchange
from chaoskit.players.intercept import intercepted
from chaoskit.players.loopback import Loopback
from chaoskit.seed import derive
from chaoskit.steps import Finish, Head, Send

KEY = "dummy"
WORDS = "one two three four five six seven eight nine ten eleven twelve"
ARGUMENTS = {"query": "deploy errors", "page": {"size": 10}}
SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "page": {"type": "object"}},
    "required": ["query"],
}
REPLY = Reply(content=(Text(WORDS),))
TOOL_REPLY = Reply(
    content=(ToolCall(id="call_1", name="search", arguments=json.dumps(ARGUMENTS)),),
    stop="tool_use",
)


class AnyModel:
    """Knows every model."""

    def find(self, name, provider):
        return ModelFacts(name=name, provider=provider, window=200_000, max_output=64_000)

    def all(self, provider):
        return ()


class Host:
    """Answers every request with one reply, damaged by one fault."""

    def __init__(self, clock, fault, reply):
        self.clock, self.fault, self.reply = clock, fault, reply
        self.envelope = Envelope(ids=random.Random(1), wall=clock.wall())
        self.calls = []

    def claims(self, request):
        return True

    def exchange(self, request):
        self.calls.append(self.clock.now())
        number = len(self.calls)
        dialect = next(dialect for dialect in DIALECTS if dialect.claims(request))
        steps = self.steps(dialect, dialect.decode(request, AnyModel()), number)
        return Exchange(call=number, user="", turn=0, began=self.clock.now(), steps=steps)

    def steps(self, dialect, call, number):
        strike = Strike(rng=derive(number), now=0.0, user="", count=0, canary=str)
        reply, stage = self.reply, stage_of(self.fault)
        if stage == "admit":
            outcome = self.fault.admit(call, strike)
            if not isinstance(outcome, Refusal):
                return outcome
            http = dialect.refuse(outcome, call, self.envelope)
            return (Head(http.status, http.headers), Send(http.body), Finish())
        if stage == "reply":
            reply = self.fault.reply(reply, call, strike)
        if call.stream:
            headers, frames = dialect.stream(reply, call, self.envelope)
            if stage == "frames":
                maker = _Maker(dialect, self.envelope)
                frames = self.fault.frames(frames, maker, strike)
            sends = [Send(f.encode(), f.kind in ("content", "tool")) for f in frames]
            steps = (Head(200, headers, chunked=True), *sends, Finish())
        else:
            http = dialect.plain(reply, call, self.envelope)
            steps = (Head(200, http.headers), Send(http.body, content=True), Finish())
        return self.fault.steps(steps, strike) if stage == "steps" else steps

    def delivered(self, exchange, how, *, sent_content):
        pass

    def blocked(self, host, caller):
        pass


class _Maker:
    def __init__(self, dialect, envelope):
        self.dialect, self.envelope = dialect, envelope

    def error(self, refusal):
        return self.dialect.error_frame(refusal, self.envelope)


@contextlib.contextmanager
def damaged_by(fault, reply=REPLY):
    """Be inside a run whose provider suffers from the fault."""
    clock = VirtualClock(real_limit=20)
    with clock.running(random.Random(1)):
        host = Host(clock, fault, reply)
        with intercepted(host, clock):
            yield host


ASK = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


@functools.cache
def client_of(sdk):
    """One client for all tests: making one costs a tenth of a second."""
    return sdk(api_key=KEY, max_retries=0, timeout=20)


def ask_anthropic(*, retries=0, **more):
    client = client_of(anthropic.Anthropic).with_options(max_retries=retries)
    return client.messages.create(max_tokens=50, **ASK, **more)


def ask_openai(*, retries=0, **more):
    client = client_of(openai.OpenAI).with_options(max_retries=retries)
    return client.chat.completions.create(**ASK, **more)


def anthropic_text():
    """The deltas of one stream, joined."""
    with ask_anthropic(stream=True) as stream:
        return "".join(
            event.delta.text
            for event in stream
            if event.type == "content_block_delta" and event.delta.type == "text_delta"
        )


def openai_text():
    with ask_openai(stream=True) as stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def async_client(vendor, base_url):
    """A client that asks the server at the URL; to be closed by `async with`."""
    if vendor == "anthropic":
        sdk, url = anthropic.AsyncAnthropic, base_url
    else:
        sdk, url = openai.AsyncOpenAI, f"{base_url}/v1"
    return sdk(api_key=KEY, max_retries=0, timeout=20, base_url=url)


async def plain(client):
    """One unstreamed answer."""
    if isinstance(client, anthropic.AsyncAnthropic):
        return await client.messages.create(max_tokens=50, **ASK)
    return await client.chat.completions.create(**ASK)


async def streamed(client):
    """The text of one stream."""
    if isinstance(client, anthropic.AsyncAnthropic):
        async with await client.messages.create(max_tokens=50, stream=True, **ASK) as events:
            deltas = [e.delta async for e in events if e.type == "content_block_delta"]
        return "".join(delta.text for delta in deltas if delta.type == "text_delta")
    async with await client.chat.completions.create(stream=True, **ASK) as chunks:
        return "".join([c.choices[0].delta.content or "" async for c in chunks if c.choices])


def on_the_wire(ask, vendor, fault, reply=REPLY):
    """Ask through a real socket of this machine, under virtual time."""
    clock = VirtualClock(real_limit=20)

    async def main():
        host = Host(clock, fault, reply)
        server = Loopback(Hosts(host).of, aside=None, identify=lambda _: ("", 0))
        async with server, async_client(vendor, server.url) as client:
            return await ask(client)

    with clock.running(random.Random(1)):
        loop = asyncio.SelectorEventLoop()
        try:
            return loop.run_until_complete(main())
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


PLAIN = [
    (RateLimited(), "RateLimitError", "RateLimitError"),
    (RateLimited(limit="spend"), "EnforcedSpendLimitReachedError", "RateLimitError"),
    (RateLimited(limit="acceleration"), "RampLimitExceededError", "RateLimitError"),
    (Overloaded(), "OverloadedError", "InternalServerError"),
    (ServerError(), "InternalServerError", "InternalServerError"),
    (ServerError(status=502, html=True), "InternalServerError", "InternalServerError"),
    (ServerError(status=503), "ServiceUnavailableError", "InternalServerError"),
    (ServerError(status=504), "GatewayTimeoutError", "InternalServerError"),
    (Unauthorised(), "AuthenticationError", "AuthenticationError"),
    (Unauthorised(status=403), "PermissionDeniedError", "PermissionDeniedError"),
    (ConnectError(), "APIConnectionError", "APIConnectionError"),
    (Hang(), "APITimeoutError", "APITimeoutError"),
    (CutStream(), "APIConnectionError", "APIConnectionError"),
    (CutStream(reset=True), "APIConnectionError", "APIConnectionError"),
    (CutStream(half_close=True), "APIConnectionError", "APIConnectionError"),
    (WrongLength(), "APIConnectionError", "APIConnectionError"),
    (BrokenCompression(), "APIConnectionError", "APIConnectionError"),
    (Stall(), "APITimeoutError", "APITimeoutError"),
    (Slow(before=21), "APITimeoutError", "APITimeoutError"),
]
STREAMED = [
    (ErrorMidStream(after=2), anthropic.APIStatusError, openai.APIError),
    (BrokenEvent(after=2), json.JSONDecodeError, json.JSONDecodeError),
    (CutStream(after=2), httpx2.RemoteProtocolError, openai.APIConnectionError),
    (CutStream(after=2, reset=True), httpx2.ReadError, openai.APIConnectionError),
    (CutStream(after=2, half_close=True), httpx2.RemoteProtocolError, openai.APIConnectionError),
    (IllegalChunk(after=2), httpx2.RemoteProtocolError, openai.APIConnectionError),
    (BrokenCompression(), httpx2.DecodingError, openai.APIConnectionError),
    (Stall(after=2), httpx2.ReadTimeout, openai.APITimeoutError),
]


@pytest.mark.wire("sdk.faults.unstreamed_fault_is_the_exception_of_production")
@pytest.mark.parametrize(("fault", "of_anthropic", "of_openai"), PLAIN, ids=repr)
def test_unstreamed_fault_is_the_exception_of_production(fault, of_anthropic, of_openai):
    """Handlers by class see what they will see in production."""
    with damaged_by(fault):
        with pytest.raises(anthropic.APIError) as told:
            ask_anthropic()
        assert type(told.value).__name__ == of_anthropic
        with pytest.raises(openai.OpenAIError) as told:
            ask_openai()
        assert type(told.value).__name__ == of_openai


@pytest.mark.wire("sdk.faults.fault_in_a_stream_is_the_exception_of_production")
@pytest.mark.parametrize(("fault", "of_anthropic", "of_openai"), STREAMED, ids=repr)
def test_fault_in_a_stream_is_the_exception_of_production(fault, of_anthropic, of_openai):
    """Some are not errors of the SDK at all."""
    with damaged_by(fault):
        with pytest.raises(of_anthropic):
            anthropic_text()
        with pytest.raises(of_openai):
            openai_text()


@pytest.mark.wire("sdk.faults.unstreamed_fault_is_the_same_on_the_wire")
@pytest.mark.parametrize(("fault", "of_anthropic", "of_openai"), PLAIN, ids=repr)
def test_unstreamed_fault_is_the_same_on_the_wire(fault, of_anthropic, of_openai):
    """A real socket gives the very exceptions that the player in process gives."""
    for vendor, name in (("anthropic", of_anthropic), ("openai", of_openai)):
        with pytest.raises((anthropic.APIError, openai.OpenAIError)) as told:
            on_the_wire(plain, vendor, fault)
        assert type(told.value).__name__ == name


@pytest.mark.wire("sdk.faults.fault_in_a_stream_is_the_same_on_the_wire")
@pytest.mark.parametrize(("fault", "of_anthropic", "of_openai"), STREAMED, ids=repr)
def test_fault_in_a_stream_is_the_same_on_the_wire(fault, of_anthropic, of_openai):
    """Also where the error is one of the HTTP library."""
    for vendor, kind in (("anthropic", of_anthropic), ("openai", of_openai)):
        with pytest.raises(kind):
            on_the_wire(streamed, vendor, fault)


@pytest.mark.wire("sdk.faults.half_close_is_to_a_client_what_a_close_is")
@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
@pytest.mark.parametrize(("ask", "after"), [(plain, 1), (streamed, 0), (streamed, 2)])
def test_half_close_is_to_a_client_what_a_close_is(vendor, ask, after):
    """Neither SDK has anything more to send; whether it could have makes no difference to it."""
    told = []
    for half in (False, True):
        with pytest.raises((httpx2.HTTPError, openai.OpenAIError, anthropic.APIError)) as error:
            on_the_wire(ask, vendor, CutStream(after=after, half_close=half))
        cause = error.value.__cause__ or error.value
        told.append((type(error.value), str(error.value), type(cause), str(cause)))
    assert told[0] == told[1]


@pytest.mark.wire("sdk.faults.silent_faults_are_as_silent_on_the_wire")
@pytest.mark.parametrize("vendor", ["anthropic", "openai"])
def test_silent_faults_are_as_silent_on_the_wire(vendor):
    """The same text is missing, the same is there twice."""
    assert on_the_wire(streamed, vendor, Slow(between=1.0)) == WORDS
    missing = on_the_wire(streamed, vendor, UnfinishedStream(after=1))
    assert 0 < len(missing) < len(WORDS)
    assert WORDS.startswith(missing)
    assert len(on_the_wire(streamed, vendor, DuplicatedEvent(after=1))) > len(WORDS)


@pytest.mark.wire("sdk.faults.error_event_is_no_overloaded_error")
def test_error_event_is_no_overloaded_error():
    """After HTTP 200 the class tells nothing; the status is that of the stream."""
    with damaged_by(ErrorMidStream()), pytest.raises(anthropic.APIStatusError) as told:
        anthropic_text()
    assert (type(told.value), told.value.status_code) == (anthropic.APIStatusError, 200)


@pytest.mark.wire("sdk.faults.unfinished_stream_raises_nothing_and_lacks_text")
@pytest.mark.parametrize("read", [anthropic_text, openai_text])
def test_unfinished_stream_raises_nothing_and_lacks_text(read):
    """The trap: no SDK complains about the missing terminator."""
    with damaged_by(UnfinishedStream(after=1)):
        text = read()
    assert WORDS.startswith(text)
    assert 0 < len(text) < len(WORDS)


@pytest.mark.wire("sdk.faults.duplicated_event_doubles_text_without_an_error")
@pytest.mark.parametrize("read", [anthropic_text, openai_text])
def test_duplicated_event_doubles_text_without_an_error(read):
    """Nobody numbers the events."""
    with damaged_by(DuplicatedEvent(after=1)):
        text = read()
    assert len(text) > len(WORDS)


@pytest.mark.wire("sdk.faults.sdks_wait_as_long_as_the_rate_limit_asks")
@pytest.mark.parametrize("form", ["seconds", "ms", "date"])
@pytest.mark.parametrize("ask", [ask_anthropic, ask_openai])
def test_sdks_wait_as_long_as_the_rate_limit_asks(ask, form):
    """However the wait is written; a date has whole seconds only."""
    refused = pytest.raises((anthropic.RateLimitError, openai.RateLimitError))
    with damaged_by(RateLimited(retry_after=7, header=form)) as host, refused:
        ask(retries=1)
    first, second = host.calls
    assert 7 <= second - first <= 8.1


@pytest.mark.wire("sdk.faults.malformed_arguments_reach_the_agent_malformed")
@pytest.mark.parametrize(
    "kind", ["wrong_type", "stringified", "truncated", "not_an_object", "null"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_malformed_arguments_reach_the_agent_malformed(kind, stream):
    """An SDK that repaired them, or an encoder that lost them, would make the fault vacuous."""
    tool = {"name": "search", "description": "", "input_schema": SCHEMA}
    function = {"name": "search", "parameters": SCHEMA}
    with damaged_by(MalformedArguments(kind=kind), TOOL_REPLY):
        if not stream:
            (block,) = ask_anthropic(tools=[tool]).content
            assert block.input != ARGUMENTS
            assert kind in ("wrong_type", "stringified") or not isinstance(block.input, dict)
        answer = ask_openai(tools=[{"type": "function", "function": function}], stream=stream)
        if stream:
            calls = [c for chunk in answer for c in chunk.choices[0].delta.tool_calls or ()]
            text = "".join(call.function.arguments or "" for call in calls)
        else:
            text = answer.choices[0].message.tool_calls[0].function.arguments
        assert text != json.dumps(ARGUMENTS)
        if kind == "truncated":
            assert json.dumps(ARGUMENTS).startswith(text)
