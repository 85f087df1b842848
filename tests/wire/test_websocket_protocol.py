"""The protocol of a WebSocket: handshakes, frames, fragments, goodbyes."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Ping, TextMessage

from chaoskit.journal import Requested
from websocket_clients import ASK, CLOSE, PONG, Client, events, offer, parsed, talked


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


@pytest.mark.slow
@given(st.text(max_size=40) | st.integers(0, 70_000).map("x".__mul__))
def test_frames_are_those_of_the_library(wire, text):
    """What is written by hand is what wsproto writes, byte for byte."""
    from chaoskit.sockets import framed

    assert framed(text) == Connection(ConnectionType.SERVER).send(TextMessage(text))
