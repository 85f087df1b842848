"""What the real SDKs and HTTP libraries see of performed steps, in process."""

import asyncio
import contextlib
import json
import random
import socket
import threading
import time

import anthropic
import httpx
import httpx2
import openai
import pytest
import respx

from chaoskit.clocks.virtual import VirtualClock
from chaoskit.errors import NetworkRefused
from chaoskit.player import Exchange
from chaoskit.players.ban import banned
from chaoskit.players.intercept import intercepted
from chaoskit.steps import Close, Finish, Head, Refuse, Reset, Send, Wait

KEY = "dummy"
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
WHOLE = (Wait(2.0), Head(200, JSON), Send(json.dumps(MESSAGE).encode(), content=True), Finish())
EVENT = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":"he"}}\n\n'
)
START = b"event: message_start\ndata: " + json.dumps(
    {"type": "message_start", "message": MESSAGE | {"content": [], "stop_reason": None}}
).encode() + b"\n\n"  # fmt: skip
BLOCK = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":""}}\n\n'
)
BEGUN = (Head(200, SSE, chunked=True), Send(START), Send(BLOCK), Send(EVENT, content=True))


class Stage:
    """A host that answers every call for `provider.test` and the vendors with the same steps."""

    def __init__(self, clock, steps, whole=True):
        self.clock, self.steps, self.whole = clock, steps, whole
        self.requests, self.endings, self.refused = [], [], []

    def claims(self, request):
        return request.host in ("provider.test", "api.anthropic.com", "api.openai.com")

    def exchange(self, request):
        self.requests.append(request)
        return Exchange(
            call=len(self.requests), user="", turn=0, began=self.clock.now(), steps=self.steps,
            whole=self.whole,
        )  # fmt: skip

    def delivered(self, exchange, how, *, sent_content):
        self.endings.append((how, sent_content))

    def blocked(self, host, caller):
        self.refused.append((host, caller))


@contextlib.contextmanager
def playing(*steps, whole=True):
    """Be inside a run whose provider answers everything with these steps."""
    clock = VirtualClock(real_limit=20)
    with clock.running(random.Random(1)):
        stage = Stage(clock, steps, whole)
        with banned(stage, allow=("allowed.test",)), intercepted(stage, clock):
            yield stage


def ask(**settings):
    """One message through the real sync SDK, without retries."""
    client = anthropic.Anthropic(api_key=KEY, max_retries=0, **settings)
    return client.messages.create(
        model="m", max_tokens=5, messages=[{"role": "user", "content": "x"}]
    )


def read_stream():
    """The text deltas of one stream through the real sync SDK."""
    client = anthropic.Anthropic(api_key=KEY, max_retries=0, timeout=20)
    with client.messages.stream(
        model="m", max_tokens=5, messages=[{"role": "user", "content": "x"}]
    ) as stream:
        return list(stream.text_stream)


def test_a_whole_answer_arrives_after_its_time():
    """Body, status and virtual latency reach the sync SDK."""
    with playing(*WHOLE) as stage:
        message = ask()

        assert message.content[0].text == "hello"
        assert stage.clock.now() == 2.0
        assert stage.endings == [("complete", True)]
        assert json.loads(stage.requests[0].body)["max_tokens"] == 5


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_both_http_libraries_are_answered_sync_and_async(library):
    """Clients of httpx and httpx2, any base URL, sync and async."""
    with playing(*WHOLE) as stage:
        with library.Client() as client:
            plain = client.post("https://provider.test/v1/messages", json={})

        async def main():
            async with library.AsyncClient() as client:
                return await client.post("https://provider.test/v1/messages", json={})

        assert plain.json() == asyncio.run(main()).json() == MESSAGE
        assert stage.clock.now() == 4.0


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_streamed_request_arrives_whole(library):
    """A body that is not at hand is read before the request is answered."""

    async def pieces():
        yield b"{"
        yield b"}"

    with playing(*WHOLE) as stage:
        with library.Client() as client:
            client.post("https://provider.test/v1/messages", content=iter((b"{", b"}")))

        async def main():
            async with library.AsyncClient() as client:
                await client.post("https://provider.test/v1/messages", content=pieces())

        asyncio.run(main())

        assert [request.body for request in stage.requests] == [b"{}", b"{}"]


@pytest.mark.parametrize(
    ("steps", "cause", "ending"),
    [
        ((Refuse(),), "ConnectError", "refused"),
        ((Close(),), "RemoteProtocolError", "closed"),
        ((Reset(),), "ReadError", "reset"),
        ((Wait(float("inf")),), "ReadTimeout", "timeout"),
        ((Head(200, JSON), Send(b'{"id"'), Close()), "RemoteProtocolError", "closed"),
    ],
)
def test_broken_connections_raise_what_the_real_transport_raises(steps, cause, ending):
    """Each broken step list ends in the exception of the same name, of the client's own library."""
    with playing(*steps) as stage:
        with pytest.raises(anthropic.APIConnectionError) as caught:
            ask(timeout=20)
        with pytest.raises(getattr(httpx, cause)):
            httpx.post("https://provider.test/", timeout=20)
        with pytest.raises(openai.APIConnectionError):
            openai.OpenAI(api_key=KEY, max_retries=0, timeout=20).models.list()

    assert type(caught.value.__cause__) is getattr(httpx2, cause)
    assert [how for how, _ in stage.endings] == [ending] * 3


def test_a_hang_ends_at_the_clients_own_timeout():
    """A read timeout of twenty seconds is raised after twenty virtual seconds."""
    with playing(Wait(float("inf"))) as stage:
        with pytest.raises(anthropic.APITimeoutError):
            ask(timeout=20)

        assert stage.clock.now() == 20.0


def test_silence_counts_from_the_last_byte():
    """Bytes every fifteen seconds never exceed a read timeout of twenty; one longer gap does."""
    slow = (Head(200, JSON), Wait(15), Send(b" "), Wait(15), Send(b" "))
    with playing(*slow, Wait(15), Send(json.dumps(MESSAGE).encode()), Finish()) as stage:
        ask(timeout=20)
        assert stage.clock.now() == 45.0
    with playing(*slow, Wait(25), Send(b"{}"), Finish()) as stage:
        with pytest.raises(anthropic.APITimeoutError):
            ask(timeout=20)
        assert stage.clock.now() == 50.0


@pytest.mark.parametrize(
    ("rest", "error"),
    [
        ((Close(),), httpx2.RemoteProtocolError),
        ((Reset(),), httpx2.ReadError),
        ((Wait(float("inf")),), httpx2.ReadTimeout),
    ],
)
def test_a_stream_that_breaks_half_way_breaks_half_way(rest, error):
    """What arrived before the break was delivered; the SDK raises the raw transport error."""
    with playing(*BEGUN, *rest) as stage, pytest.raises(error):
        read_stream()

    assert stage.endings[0][1] is True


def test_a_clean_early_end_raises_nothing():
    """A stream without its terminator is told to the host as unfinished, to the client not at all."""
    with playing(*BEGUN, Finish(), whole=False) as stage:
        assert read_stream() == ["he"]

    assert stage.endings == [("unfinished", True)]


def test_a_client_that_stops_reading_is_noticed():
    """Leaving a stream after its first event counts as abandoned."""
    with playing(*BEGUN, Wait(5), Send(EVENT, content=True), Finish()) as stage:
        client = anthropic.Anthropic(api_key=KEY)
        with client.messages.create(
            model="m", max_tokens=5, messages=[{"role": "user", "content": "x"}], stream=True
        ) as stream:
            next(iter(stream))

    assert stage.endings[0][0] == "abandoned"


def test_an_async_stream_leaves_the_loop_free():
    """While one stream waits for its next event, other tasks go on."""
    with playing(*BEGUN, Wait(30), Send(EVENT, content=True), Finish(), whole=False) as stage:
        log = []

        async def other():
            await asyncio.sleep(10)
            log.append(("other", stage.clock.now()))

        async def main():
            client = anthropic.AsyncAnthropic(api_key=KEY)
            task = asyncio.create_task(other())
            async with client.messages.stream(
                model="m", max_tokens=5, messages=[{"role": "user", "content": "x"}]
            ) as stream:
                async for text in stream.text_stream:
                    log.append((text, stage.clock.now()))  # noqa: PERF401 - the time of each
            await task

        asyncio.run(main())

    assert log == [("he", 0.0), ("other", 10.0), ("he", 30.0)]


def test_other_hosts_are_refused_and_the_caller_named():
    """A request elsewhere fails as an unreachable network does, saying who tried."""
    with playing(*WHOLE) as stage:
        with pytest.raises(httpx.ConnectError, match=r"test_intercept.py:\d+ tried to reach"):
            httpx.get("http://elsewhere.test/")
        with pytest.raises(NetworkRefused):
            socket.create_connection(("93.184.216.34", 80), timeout=1)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
            pytest.raises(NetworkRefused),
        ):
            sender.sendto(b"x", ("93.184.216.34", 53))

    assert [host for host, _ in stage.refused] == ["elsewhere.test", *["93.184.216.34"] * 2]
    assert all(caller.startswith("test_intercept.py:") for _, caller in stage.refused)


def test_mocks_of_other_hosts_keep_working_inside_a_run():
    """A respx route for a host of the test's own is still asked."""
    with playing(*WHOLE), respx.mock:
        respx.get("https://weather.test/").respond(json={"sky": "blue"})

        assert httpx.get("https://weather.test/").json() == {"sky": "blue"}
        assert ask().content[0].text == "hello"


def test_pytest_httpx_keeps_working_inside_a_run(httpx_mock):
    """Responses registered with pytest-httpx for the test's own hosts are still given."""
    httpx_mock.add_response(url="https://weather.test/", json={"sky": "grey"})
    with playing(*WHOLE):
        assert httpx.get("https://weather.test/").json() == {"sky": "grey"}
        assert httpx.post("https://provider.test/v1/messages").json() == MESSAGE


def test_loopback_stays_open():
    """Servers of the test on this machine can be reached."""
    with playing(*WHOLE) as stage, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()

    assert stage.refused == []


def test_twenty_threads_wait_side_by_side():
    """Latencies of concurrent sync calls overlap."""
    with playing(*WHOLE) as stage:
        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert stage.clock.now() == 2.0
        assert len(stage.endings) == 20


def test_nothing_stays_patched():
    """After a run transports and sockets are what they were."""
    before = httpx.HTTPTransport.handle_request, socket.getaddrinfo, socket.socket.connect
    with playing(*WHOLE):
        time.sleep(1)

    after = httpx.HTTPTransport.handle_request, socket.getaddrinfo, socket.socket.connect
    assert before == after
