"""A WebSocket as a raw socket sees it: its bytes, its pauses, how it ends."""

import asyncio
import itertools
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.events import Ping

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
from websocket_clients import ASK, CLOSE, PONG, TEXT, Client, events, offer, parsed, talked

UPGRADE = When(operation="upgrade")
FIRST = When(calls=1)


def dateless(text):
    """Without the seconds of the day: each run has one of its own."""
    return re.sub(r'"(created|completed)_at":\d+', "", text)


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
