"""What is on the wire when the loopback server performs steps: every byte, and how it ends."""

import asyncio
import gc
import json
import random
import weakref

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clocks.real import RealClock
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.errors import RunStopped, UsageError
from chaoskit.exchange import HttpReply
from chaoskit.hosts import Hosts
from chaoskit.player import LARGEST, Exchange
from chaoskit.players.connection import Connection
from chaoskit.players.heads import Heads
from chaoskit.players.loopback import Loopback, served
from chaoskit.players.outbox import Outbox
from chaoskit.players.performance import Performance
from chaoskit.steps import Close, Finish, Head, Refuse, Reset, Send, Wait
from chaoskit.who import who

BODY = json.dumps({"text": "grüße"}).encode()
JSON = {"content-type": "application/json", "content-length": str(len(BODY))}
SSE = {"content-type": "text/event-stream"}
WHOLE = (Head(200, JSON), Send(BODY, content=True), Finish())
ASK = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
LOST = (httpx.TransportError, httpx2.TransportError)


class Stage:
    """A host that answers every request below `/v1/` with the same steps."""

    def __init__(self, clock, steps=WHOLE, whole=True):
        self.clock, self.steps, self.whole = clock, steps, whole
        self.requests, self.endings, self.askers = [], [], []

    def claims(self, request):
        return request.path.startswith("/v1/")

    def exchange(self, request):
        self.requests.append(request)
        self.askers.append(who())
        if isinstance(self.steps, BaseException):
            raise self.steps
        return Exchange(
            call=len(self.requests), user="", turn=0, began=self.clock.now(), steps=self.steps,
            whole=self.whole,
        )  # fmt: skip

    def delivered(self, exchange, how, *, sent_content):
        self.endings.append((how, sent_content))

    def blocked(self, host, caller):
        raise AssertionError(f"{caller} was blocked")


def aside(request):
    body = f"nothing at {request.path}".encode()
    return HttpReply(status=404, headers={"content-length": str(len(body))}, body=body)


def server_of(stage, **more):
    return Loopback(
        Hosts(stage).of,
        aside=aside,
        identify=lambda request: (request.headers.get("x-user", ""), 1),
        **more,
    )


def living(steps, body, *, whole=True, kind=Stage):
    """Run `body(server, stage)` beside a server that answers with the steps, in virtual time."""
    clock = VirtualClock(real_limit=20)
    stage = kind(clock, steps, whole)

    async def main():
        async with server_of(stage) as server:
            return await body(server, stage)

    with clock.running(random.Random(1)):
        loop = asyncio.SelectorEventLoop()
        try:
            result = loop.run_until_complete(main())
        finally:
            loop.close()
    return result, stage


async def exchanged(server, sent=ASK, *, until_end=True):
    """Send bytes on a raw socket; return what comes back, and how it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    await writer.drain()
    got = b""
    try:
        while piece := await reader.read(65_536 if until_end else 1):
            got += piece
    except ConnectionResetError:
        return got, "reset"
    finally:
        writer.close()
    return got, "closed"


def raw(steps, sent=ASK + b"", **more):
    """What comes back over a raw socket, head and body apart, and how the connection ends."""
    (got, end), stage = living(steps, lambda server, _: exchanged(server, sent), **more)
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body, end, stage


HANG_UP = ASK.replace(b"host: x", b"host: x\r\nconnection: close")


def test_answer_is_the_head_and_the_bytes_of_the_body():
    """Nothing is added but what HTTP needs."""
    head, body, end, stage = raw(WHOLE, HANG_UP)
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert set(lines[1:]) == {
        b"content-type: application/json",
        b"content-length: %d" % len(BODY),
        b"connection: close",
    }
    assert (body, end, stage.endings) == (BODY, "closed", [("complete", True)])


def test_chunked_answer_ends_with_its_last_chunk():
    """Each send is a chunk, so that boundaries are where the steps have them."""
    steps = (Head(200, SSE, chunked=True), Send(b"one"), Send(b""), Send(b"twelve bytes"), Finish())
    _, body, end, _ = raw(steps, HANG_UP)
    assert (body, end) == (b"3\r\none\r\nc\r\ntwelve bytes\r\n0\r\n\r\n", "closed")


@given(st.integers(0, len(BODY)))
def test_cut_is_at_exactly_its_byte(at):
    """The client has every byte before the cut and none after; the length promises more."""
    steps = (Head(200, JSON), Send(BODY[:at], content=True), Close())
    head, body, end, stage = raw(steps)
    assert b"content-length: %d" % len(BODY) in head
    assert (body, end, stage.endings) == (BODY[:at], "closed", [("closed", True)])


@given(st.integers(0, len(BODY)))
def test_reset_does_not_overtake_the_bytes_before_it(at):
    """An RST, after what was sent."""
    steps = (Head(200, SSE, chunked=True), Send(BODY[:at], content=True), Reset())
    _, body, end, stage = raw(steps)
    sent = b"%x\r\n%b\r\n" % (at, BODY[:at]) if at else b""
    assert (body, end, stage.endings) == (sent, "reset", [("reset", True)])


def test_refused_connection_gives_no_byte():
    """The port listens, since others use it; the connection is reset before it says anything."""
    head, body, end, stage = raw((Refuse(),))
    assert (head, body, end, stage.endings) == (b"", b"", "reset", [("refused", False)])


@given(
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=8),
    st.lists(st.floats(0, 90), min_size=8, max_size=8),
)
def test_pauses_are_kept_and_nothing_is_lost_between_them(pieces, pauses):
    """The time of the answer is the sum of its pauses, the body the sum of its pieces."""
    steps = [Head(200, SSE, chunked=True)]
    for piece, pause in zip(pieces, pauses, strict=False):
        steps += [Wait(pause), Send(piece)]

    async def body(server, stage):
        began = stage.clock.now()
        async with httpx2.AsyncClient() as client:
            answer = await client.post(f"{server.url}/v1/messages", json={}, timeout=None)
        return answer.content, stage.clock.now() - began

    (got, took), _ = living((*steps, Finish()), body)
    assert got == b"".join(pieces)
    assert took == pytest.approx(sum(pauses[: len(pieces)]), abs=0.01)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_hang_lasts_until_the_client_gives_up(library):
    """And the host hears that the client left."""

    async def body(server, stage):
        async with library.AsyncClient() as client:
            began = stage.clock.now()
            with pytest.raises(library.ReadTimeout):
                await client.post(f"{server.url}/v1/messages", json={}, timeout=2_700)
            waited = stage.clock.now() - began
        await asyncio.sleep(1)
        return waited

    waited, stage = living((Head(200, SSE, chunked=True), Wait(float("inf"))), body)
    assert waited == pytest.approx(2_700, abs=1)
    assert stage.endings == [("unfinished", False)] or stage.endings == [("complete", False)]


def test_connection_is_kept_for_the_next_request():
    """However long the client takes for it: pools of clients keep theirs for minutes."""

    async def body(server, stage):
        async with httpx2.AsyncClient() as client:
            first = await client.post(f"{server.url}/v1/messages", json={})
            port = first.extensions["network_stream"].get_extra_info("client_addr")[1]
            await asyncio.sleep(4)
            second = await client.post(f"{server.url}/v1/messages", json={"n": 2})
            return port, second.extensions["network_stream"].get_extra_info("client_addr")[1]

    (first, second), stage = living(WHOLE, body)
    assert first == second
    assert [json.loads(request.body) for request in stage.requests] == [{}, {"n": 2}]


def test_pipelined_requests_are_answered_in_order():
    """A client may send the next before it has read the first, slow as that may be."""
    steps = (Wait(3.0), *WHOLE)
    _, _, _, stage = raw(steps, ASK * 3 + HANG_UP)
    assert len(stage.requests) == 4
    assert stage.endings == [("complete", True)] * 4


def test_many_pipelined_requests_are_no_head_without_end():
    """They come in pieces that end somewhere in a head."""
    _, _, _, stage = raw(WHOLE, ASK * 12_000 + HANG_UP)
    assert stage.endings == [("complete", True)] * 12_001


def test_connection_that_ended_is_forgotten_with_all_that_it_held():
    """Half of a body, for one; nothing of it waits for the collector of garbage."""

    async def body(server, stage):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(ASK.replace(b"content-length: 2", b"content-length: 900000")[:-2])
        writer.write(b"x" * 400_000)
        await asyncio.sleep(1)
        (connection,) = server._connections
        held, connection = sum(map(len, connection._body)), weakref.ref(connection)
        writer.transport.abort()
        await asyncio.sleep(1)
        return held, connection()

    gc.disable()
    try:
        assert living(WHOLE, body)[0] == (400_000, None)
    finally:
        gc.enable()


def test_split_request_is_put_together():
    """A byte at a time, headers in any case, the body in chunks."""
    sent = (
        b"POST /prefix/v1/messages?beta=true HTTP/1.1\r\nHOST: x\r\nX-User: ann\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )

    async def body(server, stage):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for byte in sent:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.001)
        got = await reader.read()
        writer.close()
        return got

    got, stage = living(WHOLE, body)
    assert got.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert got.endswith(b"nothing at /prefix/v1/messages")
    assert stage.requests == []


def sending(pieces, pauses, *, steps=WHOLE):
    """Send pieces with pauses before them; return what comes back, and when that ended."""

    async def body(server, stage):
        began = stage.clock.now()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

        async def send():
            for piece, pause in zip(pieces, pauses, strict=True):
                await asyncio.sleep(pause)
                writer.write(piece)

        sent = asyncio.ensure_future(send())
        got = await reader.read()
        ended = stage.clock.now() - began
        sent.cancel()
        writer.close()
        return got, ended

    (got, ended), stage = living(steps, body)
    return got, ended, stage


@pytest.mark.parametrize(
    "sent", [b"P", b"POST /v1/messages HTTP/1.1\r\nhost: ", HANG_UP[:-2], HANG_UP[:-1]]
)
def test_request_that_comes_no_further_is_given_up(sent):
    """After a minute, as at real servers; no call was made."""
    got, ended, stage = sending([sent], [0])
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"connection: close" in head
    assert body == b"the request did not go on for 60 seconds\n"
    assert (round(ended), stage.requests) == (60, [])


def test_slow_body_is_waited_for_and_a_slow_head_is_not():
    """Who sends on is alive; nobody has so much to say in a head."""
    big = HANG_UP.replace(b"content-length: 2", b"content-length: 12")[:-2]
    got, _, stage = sending([big, *[b"ab"] * 6], [0, *[50] * 6])
    assert got.startswith(b"HTTP/1.1 200 OK")
    assert [one.body for one in stage.requests] == [b"ab" * 6]
    got, *_ = sending([HANG_UP[:9], HANG_UP[9:-2], b"{}"], [0, 50, 50])
    assert got.startswith(b"HTTP/1.1 200 OK")
    got, ended, _ = sending([bytes([byte]) for byte in HANG_UP], [10] * len(HANG_UP))
    assert got.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert round(ended) == 70


def test_time_begins_with_each_request():
    """The one before it may have come late, and its answer may take long."""
    first, second = ASK, HANG_UP
    got, *_ = sending([first[:-1], first[-1:] + second[:9], second[9:]], [0, 50, 50])
    assert got.count(b"HTTP/1.1 200 OK") == 2
    steps = (Wait(500), *WHOLE)
    got, ended, _ = sending([first + second[:9]], [0], steps=steps)
    assert got.count(b"HTTP/1.1 200 OK") == 1
    assert b"408 Request Timeout" in got
    assert 500 < ended <= 560


def test_connection_without_a_request_is_kept():
    """For hours: pools of clients keep theirs."""
    got, *_ = sending([ASK, HANG_UP], [9_000, 9_000])
    assert got.count(b"HTTP/1.1 200 OK") == 2


def test_request_arrives_with_everything_that_it_says():
    """Method, path, query, headers, body, and whose it is."""
    sent = ASK.replace(b"/v1/messages", b"/v1/a%20b?beta=true").replace(
        b"host: x", b"host: x\r\nx-user: ann\r\nconnection: close"
    )
    _, _, _, stage = raw(WHOLE, sent)
    (request,) = stage.requests
    assert (request.method, request.path, request.query) == ("POST", "/v1/a b", "beta=true")
    assert (request.host, request.headers["x-user"], request.body) == ("x", "ann", b"{}")
    assert stage.askers == [("ann", 1)]


@pytest.mark.parametrize("over", [0, 1, 5_000_000])
def test_no_more_of_a_body_is_kept_than_the_host_takes(over):
    """One byte beyond tells the host that it is too much; the connection is not kept after it."""
    most = LARGEST + 4_000_000

    class Roomy(Stage):
        def largest(self, request):
            assert (request.method, request.path, request.body) == ("POST", "/v1/files", b"")
            return most

    async def body(server, stage):
        head = b"POST /v1/files HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (most + over)
        got, _ = await exchanged(server, head + bytes(most + over) + HANG_UP)
        return got.count(b"HTTP/1.1 200 OK"), got.count(b"connection: close")

    (answers, last), stage = living(WHOLE, body, kind=Roomy)
    assert len(stage.requests[0].body) == most + min(over, 1)
    assert (answers, last) == ((1, 1) if over else (2, 1))


def test_head_gets_no_body():
    """As HTTP has it."""
    head, body, _, _ = raw(WHOLE, HANG_UP.replace(b"POST", b"HEAD"))
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b""


def test_expecting_client_is_told_to_go_on():
    """curl asks first when its body is large."""
    sent = HANG_UP.replace(b"host: x", b"host: x\r\nexpect: 100-continue")
    head, body, _, _ = raw(WHOLE, sent)
    assert head == b"HTTP/1.1 100 Continue"
    assert body.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"400"),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: many\r\n\r\n", b"400"),
        (b"GET /v1/ HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n", b"431"),
    ],
)
def test_what_is_no_request_gets_one_answer_and_the_end(sent, status):
    """TLS on the wrong port, a broken head, one without end."""
    head, _, end, _ = raw(WHOLE, sent)
    assert head.split(b" ")[1] == status
    assert end == "closed"


def test_offer_of_another_protocol_is_passed_by():
    """curl offers HTTP/2; the answer is HTTP/1.1, and the last."""
    offer = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk"
    head, body, end, _ = raw(WHOLE, ASK.replace(b"host: x", offer))
    assert b"connection: close" in head
    assert (body, end) == (BODY, "closed")


def test_tunnel_is_refused_and_nothing_is_read_from_it():
    """What follows would be TLS; a client that was told no has nothing more to say."""
    sent = b"CONNECT api.openai.com:443 HTTP/1.1\r\nhost: api.openai.com:443\r\n\r\n"
    head, _, end, _ = raw(WHOLE, sent + ASK)
    assert b"connection: close" in head
    assert end == "closed"


@given(st.binary(max_size=400))
def test_any_bytes_end_or_wait_and_never_break_the_server(noise):
    """The next client is served as if nothing had been."""

    async def body(server, stage):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(noise)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return await exchanged(server, HANG_UP)

    ((got, end), _) = living(WHOLE, body)
    assert (got[:15], end) == (b"HTTP/1.1 200 OK", "closed")


def test_bug_of_ours_is_an_answer_and_is_logged(caplog):
    """A client never waits for what will not come."""
    head, _, _, _ = raw(RuntimeError("broken"), HANG_UP)
    assert head.startswith(b"HTTP/1.1 500 ")
    assert "a bug of chaoskit" in caplog.text


def test_run_that_is_over_says_so():
    """Instead of hanging up without a word."""
    head, body, _, _ = raw(RunStopped("calls: more than 3"), HANG_UP)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"the run was ended: calls: more than 3" in body


def test_client_that_does_not_read_stops_the_writing():
    """What is not read is not made: memory for a connection is bounded."""
    piece = b"x" * 1_000_000

    async def body(server, stage):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_000)
        writer.write(HANG_UP)
        await asyncio.sleep(5)
        (connection,) = server._connections
        waiting = connection._transport.get_write_buffer_size()
        got = len(await reader.read(-1))
        writer.close()
        return waiting, got

    steps = [Head(200, SSE, chunked=True)]
    for _ in range(50):
        steps += [Wait(0.01), Send(piece)]
    (waiting, got), stage = living((*steps, Finish()), body)
    assert waiting < 10 * len(piece)
    assert got > 50 * len(piece)
    assert stage.endings == [("complete", False)]


def test_nothing_is_written_to_a_client_that_is_gone():
    """The first write tells; that the connection is lost is heard of in the next turn only."""

    class Gone:
        def __init__(self):
            self.written = 0

        def write(self, data):
            self.written += 1

        def is_closing(self):
            return self.written > 0

    async def main():
        stage = Stage(
            RealClock(), (Head(200, SSE, chunked=True), *[Send(b"x" * 300_000)] * 9, Finish())
        )
        connection = Connection(
            answer=lambda request: Performance(stage.exchange(request), stage, read=None),
            largest=None,
            heads=Heads(),
            outbox=Outbox(),
            opened=bool,
            closed=bool,
        )
        transport = Gone()
        connection.connection_made(transport)
        connection.data_received(ASK)
        return transport.written

    assert asyncio.run(main()) == 1


def test_port_that_is_taken_is_told():
    """Not a traceback."""
    clock = RealClock()
    with (
        served(server_of(Stage(clock))) as first,
        pytest.raises(UsageError, match="cannot listen on"),
        served(server_of(Stage(clock), port=first.port)),
    ):
        pass


def test_server_on_a_thread_serves_blocking_clients_and_ends():
    """Real time, for callers without a loop; afterwards nobody listens."""
    clock = RealClock(scale=100)
    stage = Stage(clock, (Wait(0.1), *WHOLE))
    with served(server_of(stage, scale=100)) as server, httpx2.Client() as client:
        answer = client.post(f"{server.url}/v1/messages", json={})
        assert answer.content == BODY
    with pytest.raises(httpx2.ConnectError):
        httpx2.post(f"{server.url}/v1/messages", json={})
    assert not server.open_to_others
