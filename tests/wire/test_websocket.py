"""A WebSocket as a raw socket sees it: its bytes, its pauses, how it ends; and whatever arrives."""

import asyncio
import base64
import contextlib
import itertools
import json
import logging
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from chaoskit.faults import (
    BrokenCompression,
    ConnectError,
    CutStream,
    Dribble,
    ErrorMidStream,
    Hang,
    IllegalChunk,
    RateLimited,
    ServerError,
    Slow,
    Stall,
    WrongLength,
    WrongMediaType,
)
from chaoskit.journal import Delivered, Refused, Requested, Struck
from chaoskit.plan import Rule, When

ASK = {"type": "response.create", "model": "gpt-4o-mini", "input": "Why?"}
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
UPGRADE = When(operation="upgrade")
FIRST = When(calls=1)


def offer(path="/v1/responses", **headers):
    """The bytes of a request for a WebSocket."""
    told = {
        "host": "x",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": base64.b64encode(b"0123456789abcdef").decode(),
        "authorization": "Bearer any",
        **headers,
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items() if v is not None)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class Client:
    """A socket that went on as a WebSocket, and all that came back with its times."""

    def __init__(self, provider, reader, writer):
        self.provider, self.reader, self.writer = provider, reader, writer
        self.frames = Connection(ConnectionType.CLIENT)
        self.pieces, self.end = [], ""

    @classmethod
    async def open(cls, provider, early=b"", **how):
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
        writer.write(offer(**how) + early)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return cls(provider, reader, writer)

    def say(self, *events):
        for event in events:
            made = event if not isinstance(event, dict) else TextMessage(json.dumps(event))
            self.writer.write(self.frames.send(made))

    async def read(self, until=None, patience=7_200):
        """Read until a frame has these words, or until the end."""
        try:
            while until is None or until not in self.raw:
                piece = await asyncio.wait_for(self.reader.read(65_536), patience)
                if not piece:
                    self.end = "closed"
                    break
                self.pieces.append((self.provider.clock.now(), piece))
        except ConnectionResetError:
            self.end = "reset"
        except TimeoutError:
            self.end = "silence"
        return self

    @property
    def raw(self):
        return b"".join(piece for _, piece in self.pieces)

    def close(self):
        self.writer.close()


def parsed(raw):
    """The whole frames in some bytes, and what is left that is none."""
    found = []
    while len(raw) >= 2:
        size, at = raw[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(raw[2:at], "big")
        if raw[0] & 0x70 or size > 2**40 or len(raw) < at + size:
            break
        found.append((raw[0] & 15, raw[at : at + size]))
        raw = raw[at + size :]
    return found, raw


def events(raw):
    """The events in some bytes."""
    return [json.loads(data) for kind, data in parsed(raw)[0] if kind == TEXT]


def dateless(text):
    """Without the seconds of the day: each run has one of its own."""
    return re.sub(r'"(created|completed)_at":\d+', "", text)


def talked(wire, *rules, said=(ASK,), until=None, patience=7_200):
    """Say something on a new WebSocket; return the client, and how the exchanges ended."""

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        await client.read(until, patience)
        client.close()
        await asyncio.sleep(0.1)
        journal = provider.journal
        return client, [event.how for event in journal.of(Delivered)], journal

    return wire.living(talk, *rules)


@pytest.fixture(autouse=True)
def _no_bug(caplog):
    """Nothing that the server did not expect is logged, and no callback of the loop fails."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [record.getMessage() for record in caplog.records]


@pytest.mark.slow
def test_messages_are_the_events_of_the_stream(wire):
    """One text frame each, with the same data, and nothing after the last."""
    body = {name: value for name, value in ASK.items() if name != "type"} | {"stream": True}

    async def post(provider):
        return await wire.exchanged(provider, wire.request(body, "/v1/responses"))

    _, streamed = wire.parted(wire.living(post)[0])
    told = re.findall(r"^data: (.*)$", streamed.decode(), re.MULTILINE)
    client, ended, _ = talked(wire, until=b"response.completed")
    found, rest = parsed(client.raw)
    assert [dateless(data.decode()) for _, data in found] == [dateless(one) for one in told]
    assert {kind for kind, _ in found} == {TEXT}
    assert (rest, ended) == (b"", ["complete"])


def test_one_message_is_one_call(wire):
    """The upgrade is none, and three messages are three."""
    said = (ASK, ASK | {"input": "And now?"}, {"type": "nothing"})

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        while client.raw.count(b'"response.completed"') < 2:
            await client.read(patience=1)
        client.close()
        return provider.journal

    asked = wire.living(talk).of(Requested)
    assert [one.operation for one in asked] == ["generate", "generate", "unknown"]
    assert [one.stream for one in asked] == [True, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True])
@given(after=st.integers(0, 5))
def test_cut_is_between_two_frames(wire, reset, after):
    """A FIN or an RST, and no frame that says goodbye."""
    fault = CutStream(after=after, reset=reset)
    client, ended, _ = talked(wire, Rule(fault=fault, when=FIRST))
    found, rest = parsed(client.raw)
    assert rest == b""
    assert CLOSE not in [kind for kind, _ in found]
    assert sum(b"output_text.delta" in data for _, data in found) == after
    assert (client.end, ended) == (("reset", ["reset"]) if reset else ("closed", ["closed"]))


def test_half_closed_websocket_hears_what_nobody_answers(wire):
    """The client may still write: its messages arrive, and no reset comes back."""

    async def talk(provider):
        client = await Client.open(provider)
        client.say(ASK)
        await client.read()
        for _ in range(20):
            client.say(ASK)
            await client.writer.drain()
            await asyncio.sleep(0.01)
        lives = not client.writer.is_closing() and client.reader.exception() is None
        client.close()
        await asyncio.sleep(0.1)
        return client.end, lives, [event.how for event in provider.journal.of(Delivered)]

    fault = CutStream(after=2, half_close=True)
    assert wire.living(talk, Rule(fault=fault, when=FIRST)) == ("closed", True, ["closed"])


@given(after=st.integers(0, 3))
def test_cut_is_in_the_middle_of_a_frame(wire, after):
    """Half of its bytes: the head promises more."""
    fault = CutStream(after=after, within=True)
    client, ended, _ = talked(wire, Rule(fault=fault, when=FIRST))
    whole, _, _ = talked(wire, until=b"response.completed")
    found, rest = parsed(client.raw)
    deltas = [data for _, data in parsed(whole.raw)[0] if b"output_text.delta" in data]
    size = len(deltas[after]) + (2 if len(deltas[after]) < 126 else 4)
    assert len(rest) == size // 2
    assert sum(b"output_text.delta" in data for _, data in found) == after
    assert (client.end, ended) == ("closed", ["closed"])


def test_stall_is_silence_between_frames(wire):
    """And pings are answered meanwhile."""
    rule = Rule(fault=Stall(after=1, seconds=300), when=FIRST)

    async def talk(provider):
        client = await Client.open(provider)
        client.say(ASK)
        await client.read(until=b"output_text.delta")
        client.say(Ping(b"there?"))
        await client.read(until=b"there?")
        pong = provider.clock.now()
        await client.read(until=b"response.completed")
        client.close()
        return client, pong

    client, pong = wire.living(talk, rule)
    assert pong == pytest.approx(client.pieces[0][0], abs=1)
    assert client.pieces[-1][0] == pytest.approx(client.pieces[0][0] + 300, abs=1)
    kinds = [kind for kind, _ in parsed(client.raw)[0]]
    assert (kinds.count(PONG), parsed(client.raw)[1]) == (1, b"")


def test_pieces_keep_their_pace(wire):
    """Two seconds before each."""
    client, _, _ = talked(
        wire, Rule(fault=Slow(before=5, between=2), when=FIRST), until=b"response.completed"
    )
    at = [when for when, piece in client.pieces if b"output_text.delta" in piece]
    steps = [later - sooner for sooner, later in itertools.pairwise(at)]
    assert steps == pytest.approx([2] * len(steps), abs=0.1)
    assert client.pieces[0][0] == pytest.approx(5, abs=0.1)


def test_dribble_waits_within_frames_and_breaks_none(wire):
    """The other lane, pings and errors wait for the end of a frame."""
    rule = Rule(fault=Dribble(size=40, pause=0.5), when=FIRST)

    async def talk(provider):
        client = await Client.open(provider)
        client.say(ASK | {"stream_id": "slow"}, Ping(b"there?"), {"type": "nothing"})
        await client.read(until=b"response.created")
        client.say(ASK | {"stream_id": "fast"}, Ping(b"again?"))
        while client.raw.count(b'"type":"response.completed"') < 2:
            await client.read(patience=20)
        client.close()
        return client

    client = wire.living(talk, rule)
    found, rest = parsed(client.raw)
    lanes = [event.get("stream_id") for event in events(client.raw)]
    assert rest == b""
    assert [data for kind, data in found if kind == PONG] == [b"there?", b"again?"]
    assert lanes.index("fast") < len(lanes) - 1 - lanes[::-1].index("slow")
    for lane in ("slow", "fast"):
        own = [event for event in events(client.raw) if event.get("stream_id") == lane]
        assert [event["sequence_number"] for event in own] == list(range(len(own)))
    assert sum(len(piece) <= 40 for _, piece in client.pieces) > 10


def test_illegal_bytes_stand_where_a_frame_belongs(wire):
    """After whole frames."""
    client, ended, _ = talked(wire, Rule(fault=IllegalChunk(after=2), when=FIRST))
    found, rest = parsed(client.raw)
    assert sum(b"output_text.delta" in data for _, data in found) == 2
    assert (rest, client.end, ended) == (b"no length\r\n", "closed", ["closed"])


@pytest.mark.parametrize("fault", [BrokenCompression(), WrongLength(), WrongMediaType()])
def test_damage_to_a_head_does_not_strike(wire, fault):
    """There is none, so the rule stays idle, which is no pass."""
    client, ended, journal = talked(
        wire, Rule(fault=fault, when=FIRST), until=b"response.completed"
    )
    assert parsed(client.raw)[1] == b""
    assert (ended, journal.of(Struck)) == (["complete"], [])


def test_hang_is_silence_on_a_connection_that_lives(wire):
    """Until the connection is too old."""
    client, ended, _ = talked(wire, Rule(fault=Hang(), when=FIRST), patience=3_000)
    assert (client.raw, client.end, ended) == (b"", "silence", ["abandoned"])


@pytest.mark.parametrize(("accept", "end"), [(True, "closed"), (False, "reset")])
def test_connection_breaks_instead_of_an_answer(wire, accept, end):
    """Without a frame."""
    client, _, _ = talked(wire, Rule(fault=ConnectError(accept=accept), when=FIRST))
    assert (client.raw, client.end) == (b"", end)


def test_error_in_a_stream_is_an_event_like_any_other(wire):
    """The connection is good for the next message."""
    rule = Rule(fault=ErrorMidStream(after=1, kind="overloaded"), when=FIRST)
    client, ended, journal = talked(wire, rule, said=(ASK, ASK), until=b"response.completed")
    (error,) = [event for event in events(client.raw) if event["type"] == "error"]
    assert set(error) == {"type", "error", "sequence_number"}
    assert error["error"]["code"] == "server_is_overloaded"
    assert error["sequence_number"] == 5
    assert ended == ["unfinished", "complete"]
    assert [event.error_frame for event in journal.of(Delivered)] == [True, False]


def test_refusal_is_an_error_event(wire):
    """With the status and the headers that an HTTP answer would have."""
    rule = Rule(fault=RateLimited(retry_after=7), when=FIRST)
    client, _, journal = talked(wire, rule, said=(ASK,), until=b"}}")
    (error,) = events(client.raw)
    assert (error["type"], error["status"]) == ("error", 429)
    assert error["error"]["headers"]["retry-after"] == "7"
    assert error["error"]["code"] == "rate_limit_exceeded"
    assert [one.status for one in journal.of(Refused)] == [429]


def test_page_of_a_proxy_becomes_an_error_event(wire):
    """A message is no place for HTML."""
    rule = Rule(fault=ServerError(status=502, html=True), when=FIRST)
    client, _, _ = talked(wire, rule, until=b"}}")
    (error,) = events(client.raw)
    assert (error["status"], error["error"]["message"]) == (502, "Bad Gateway.")


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (ServerError(status=503), 503, b'"type":"server_error"'),
        (ServerError(status=502, html=True), 502, b"<html"),
        (RateLimited(retry_after=3), 429, b"rate_limit_exceeded"),
    ],
)
def test_upgrade_is_refused_by_http(wire, fault, status, words):
    """A rule on it leaves messages alone; a refused one is a call."""

    async def ask(provider):
        return (await wire.exchanged(provider, offer()), provider.journal)

    (pieces, end), journal = wire.living(ask, Rule(fault=fault, when=UPGRADE))
    head, body = wire.parted(pieces)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert words in body
    assert end == "closed"
    assert [one.operation for one in journal.of(Requested)] == ["upgrade"]
    assert [one.injected for one in journal.of(Refused)] == [True]


def test_rule_without_numbers_strikes_the_upgrade_as_well(wire):
    """It is about every call to the provider, as an outage is."""

    async def ask(provider):
        return await wire.exchanged(provider, offer())

    head, _ = wire.parted(wire.living(ask, Rule(fault=ServerError(status=500)))[0])
    assert head.startswith("HTTP/1.1 500 ")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": None}, 401),
        ({"sec-websocket-version": "8"}, 426),
        ({"sec-websocket-version": None}, 400),
        ({"sec-websocket-key": None}, 400),
        ({"upgrade": "websocket, h2c"}, 400),
        ({"upgrade": "h2c"}, 405),
        ({"connection": "Upgrade, \xff"}, 400),
    ],
)
def test_bad_handshake_is_refused_by_http(wire, headers, status):
    """And nothing is left behind."""

    async def ask(provider):
        return await wire.exchanged(provider, offer(**headers))

    pieces, end = wire.living(ask)
    assert wire.parted(pieces)[0].startswith(f"HTTP/1.1 {status} ")
    assert end == "closed"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses",
        "/responses",
        "/openai/v1/responses/",
        "/openai/responses?api-version=preview",
        "/proxy/of/ours/v1/responses",
    ],
)
def test_any_base_url_will_do(wire, path):
    """As for requests by HTTP; a key may stand in Azure's header."""

    async def talk(provider):
        how = {"authorization": None, "api-key": "any"}
        client = await Client.open(provider, path=path, **how)
        client.say(ASK)
        await client.read(until=b"response.completed")
        client.close()
        return client

    assert events(wire.living(talk).raw)[-1]["type"] == "response.completed"


def test_message_may_come_with_the_offer(wire):
    """A client that does not wait for the answer to the handshake."""
    early = Connection(ConnectionType.CLIENT).send(TextMessage(json.dumps(ASK)))

    async def talk(provider):
        client = await Client.open(provider, early=early)
        await client.read(until=b"response.completed")
        client.close()
        return client

    assert events(wire.living(talk).raw)[-1]["type"] == "response.completed"


def test_fragments_are_one_message(wire):
    """With a ping between them."""
    text = json.dumps(ASK)
    said = (
        TextMessage(text[:9], message_finished=False),
        Ping(b"between"),
        TextMessage(text[9:], message_finished=True),
    )
    client, _, journal = talked(wire, said=said, until=b"response.completed")
    assert parsed(client.raw)[0][0] == (PONG, b"between")
    assert len(journal.of(Requested)) == 1


@pytest.mark.parametrize(("code", "answered"), [(1000, 1000), (4001, 4001), (None, 1000)])
def test_goodbye_is_returned(wire, code, answered):
    """And the connection is closed."""
    said = (CloseConnection(code),) if code else (b"",)

    async def talk(provider):
        client = await Client.open(provider)
        if code:
            client.say(*said)
        else:
            client.writer.write(b"\x88\x80abcd")
        await client.read()
        client.close()
        return client

    client = wire.living(talk)
    assert parsed(client.raw)[0] == [(CLOSE, answered.to_bytes(2, "big"))]
    assert client.end == "closed"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x02hi", 1002),  # without a mask
        (b"\xf1\x80abcd", 1002),  # reserved bits
        (b"\x83\x80abcd", 1002),  # an opcode that there is not
        (b"\x81\x82\0\0\0\0\xc3\x28", 1007),  # no UTF-8
        (b"\x80\x80abcd", 1002),  # the end of nothing
        (b"\x89\xfe\x00\x80" + b"a" * 132, 1002),  # a ping that is too large
    ],
)
def test_broken_frames_end_the_connection_with_a_reason(wire, sent, code):
    """Of the protocol."""

    async def talk(provider):
        client = await Client.open(provider)
        client.writer.write(sent)
        await client.read()
        client.close()
        return client

    client = wire.living(talk)
    ((kind, data),) = parsed(client.raw)[0]
    assert (kind, int.from_bytes(data[:2], "big"), client.end) == (CLOSE, code, "closed")


@pytest.mark.slow
def test_message_that_is_too_large_ends_the_connection(wire):
    """Before all of it is in memory."""

    async def talk(provider):
        client = await Client.open(provider)
        piece = "x" * (4 * 1024 * 1024)
        with contextlib.suppress(OSError):
            for _ in range(9):
                client.say(TextMessage(piece, message_finished=False))
                await client.writer.drain()
        await client.read()
        client.close()
        return client

    client = wire.living(talk)
    found = parsed(client.raw)[0]
    assert found == [] or int.from_bytes(found[0][1][:2], "big") == 1009
    assert client.end in ("closed", "reset")


def test_connection_ends_after_an_hour(wire):
    """With an event that says so, whatever is being answered, and a goodbye."""
    rule = Rule(fault=Stall(after=1), when=FIRST)
    client, ended, _ = talked(wire, rule)
    found, rest = parsed(client.raw)
    assert client.pieces[-1][0] == pytest.approx(3_600, abs=1)
    assert json.loads(found[-2][1])["error"]["code"] == "websocket_connection_limit_reached"
    assert found[-1][0] == CLOSE
    assert int.from_bytes(found[-1][1][:2], "big") == 1001
    assert (rest, client.end, ended) == (b"", "closed", ["closed"])


def test_connection_within_a_frame_ends_without_a_word(wire):
    """There is no place for one."""
    rule = Rule(fault=Dribble(size=9, pause=700), when=FIRST)
    client, ended, _ = talked(wire, rule)
    found, rest = parsed(client.raw)
    assert found == []
    assert len(rest) == 9 * 6
    assert (client.end, ended) == ("closed", ["closed"])


@pytest.mark.slow
def test_many_messages_are_answered_in_their_order(wire):
    """More than wait at once: the rest waits on its way."""
    said = [ASK | {"input": f"Question {number}?", "metadata": {"n": str(number)}}
            for number in range(200)]  # fmt: skip

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        while client.raw.count(b'"type":"response.completed"') < len(said):
            await client.read(patience=5)
        client.close()
        return client

    done = [e for e in events(wire.living(talk).raw) if e["type"] == "response.completed"]
    assert [int(event["response"]["metadata"]["n"]) for event in done] == list(range(200))


def test_lanes_take_turns_and_a_lane_does_not_overlap(wire):
    """Sixteen at a time; the messages of one lane come one after the other."""
    rule = Rule(fault=Slow(between=1))
    said = [ASK | {"stream_id": f"lane-{number % 20}"} for number in range(40)]

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        while client.raw.count(b'"type":"response.completed"') < len(said):
            await client.read(patience=60)
        client.close()
        return client

    client = wire.living(talk, rule)
    running, most = set(), 0
    for event in events(client.raw):
        if event["type"] == "response.created":
            assert event["stream_id"] not in running
            running.add(event["stream_id"])
        elif event["type"] == "response.completed":
            running.remove(event["stream_id"])
        most = max(most, len(running))
    assert (most, running) == (16, set())


@pytest.mark.slow
def test_client_that_does_not_read_holds_up_nobody(wire):
    """Whoever writes and never reads fills its own connection, and no memory."""
    said = [ASK | {"metadata": {"n": "x" * 500}}] * 400

    async def talk(provider):
        deaf = await Client.open(provider)
        deaf.say(*said)
        await asyncio.sleep(10)
        (connection,) = provider.server._connections
        held = connection._transport.get_write_buffer_size()
        other = await Client.open(provider)
        other.say(ASK)
        await other.read(until=b"response.completed")
        other.close()
        deaf.writer.transport.abort()
        await asyncio.sleep(1)
        return held, other

    held, other = wire.living(talk)
    assert held < 1_000_000
    assert events(other.raw)[-1]["type"] == "response.completed"


def test_end_of_the_run_is_told(wire):
    """By the code for a service that cannot go on."""

    async def talk(provider):
        provider.world.bound(calls=1, usd=1)
        client = await Client.open(provider)
        client.say(ASK, ASK)
        await client.read()
        client.close()
        return client

    client = wire.living(talk)
    kind, data = parsed(client.raw)[0][-1]
    assert (kind, int.from_bytes(data[:2], "big")) == (CLOSE, 1011)
    assert b"the run was ended" in data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("type", "model", "input", "stream", "stream_id", "generate", "background", "store"),
        *("previous_response_id", "tools", "tool_choice", "metadata", "instructions", "prompt"),
        *("prompt_cache_options", "include", "text", "reasoning", "stream_options"),
    ]
)
MESSAGES = st.one_of(
    st.dictionaries(FIELDS, JSON, max_size=5).map(lambda changes: json.dumps(ASK | changes)),
    st.dictionaries(FIELDS, JSON, max_size=3).map(
        lambda changes: json.dumps({"type": "response.steer", "input": "x"} | changes)
    ),
    JSON.map(json.dumps),
    st.text(max_size=40),
).map(TextMessage) | st.binary(max_size=40).map(BytesMessage)


# No constants, which Hypothesis might think of as well.
END = bytes([254, 255] * 4)
LAST = str(3**50)


def told_as_the_vendor(found):
    """Whether frames are what the vendor might send."""
    for kind, data in found:
        assert kind in (TEXT, PONG, CLOSE)
        if kind != TEXT:
            continue
        event = json.loads(data)
        if event["type"] != "error":
            assert event["type"].startswith("response.")
        elif "sequence_number" not in event:
            assert 400 <= event["status"] < 500
            assert {"message", "type", "param", "code"} <= set(event["error"])
    return True


@pytest.mark.slow
@given(st.lists(MESSAGES, min_size=1, max_size=8))
@settings(max_examples=200)
def test_any_message_gets_an_answer_of_the_vendor(wire, said):
    """And the connection is good for the next."""

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        client.say(Ping(END))
        await client.read(until=END)
        client.say(ASK | {"metadata": {"last": LAST}})
        await client.read(until=LAST.encode())
        await client.read(patience=5)
        client.close()
        return client, provider.journal

    client, journal = wire.living(talk)
    found, rest = parsed(client.raw)
    assert told_as_the_vendor(found)
    assert (rest, client.end) == (b"", "silence")
    assert len(journal.of(Requested)) == len(said) + 1


@pytest.mark.slow
@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5), st.booleans())
@settings(max_examples=200)
def test_any_bytes_after_the_handshake_leave_the_server_as_it_was(wire, noises, asks):
    """Whole and in pieces; the next client is served as if nothing had been."""

    async def talk(provider):
        client = await Client.open(provider)
        if asks:
            client.say(ASK)
        with contextlib.suppress(OSError):
            for noise in noises:
                client.writer.write(noise)
                await client.writer.drain()
        await client.read(patience=5)
        client.close()
        other = await Client.open(provider)
        other.say(ASK)
        await other.read(until=b"response.completed")
        other.close()
        return client, other

    client, other = wire.living(talk)
    found, rest = parsed(client.raw)
    assert told_as_the_vendor(found)
    assert rest == b""
    assert events(other.raw)[-1]["type"] == "response.completed"


@pytest.mark.slow
@given(st.text(max_size=40) | st.integers(0, 70_000).map("x".__mul__))
def test_frames_are_those_of_the_library(wire, text):
    """What is written by hand is what wsproto writes, byte for byte."""
    from chaoskit.sockets import framed

    assert framed(text) == Connection(ConnectionType.SERVER).send(TextMessage(text))


@pytest.mark.slow
def test_server_without_websockets_does_not_load_what_they_need():
    """Its start stays as cheap as it was."""
    code = (
        "import sys, urllib.request\n"
        "from chaoskit.serving import serving\n"
        "with serving() as server:\n"
        "    urllib.request.urlopen(f'{server.url}/_chaos/journal').read()\n"
        "sys.stderr.write(' '.join({'wsproto', 'h11', 'websockets'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
