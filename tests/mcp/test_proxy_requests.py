"""What the proxy reads from a connection, and where it stops."""

import asyncio
import json

import pytest

from chaoskit.exchange import HttpReply
from chaoskit.player import LARGEST, LARGEST_HEAD
from chaoskit.proxies.requests import Requests

ASK = b"POST /mcp HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


def read(*pieces):
    """All that comes of the pieces of a connection."""

    async def main():
        stream = asyncio.StreamReader()
        requests = Requests(stream)
        reading = asyncio.ensure_future(requests.read())
        for piece in pieces:
            stream.feed_data(piece)
            await asyncio.sleep(0)
        stream.feed_eof()
        found = []
        while (one := await requests.next()) is not None:
            found.append(one.status if isinstance(one, HttpReply) else one.body)
        await reading
        return found

    return asyncio.run(main())


def of_size(size, body=b""):
    """A request that says how large its body is."""
    return b"POST /mcp HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + body


def test_requests_come_in_order_however_they_are_cut():
    """Byte by byte, or many in a piece."""
    assert read(ASK * 200) == [b"{}"] * 200
    assert read(*[bytes([byte]) for byte in ASK * 2]) == [b"{}"] * 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([b"SSH-2.0-x\r\n"], 400),
        ([b"GET /mcp HTTP/1.1\r\n", *[b"a: b\r\n"] * 40_000], 431),
        ([b"GET /mcp HTTP/1.1\r\nx: ", *[b"a" * 1000] * 100], 431),
        ([b"GET /" + b"a" * 2 * LARGEST_HEAD + b" HTTP/1.1\r\n\r\n"], 431),
        ([of_size(LARGEST + 1), *[b"x" * 65_536] * (LARGEST // 65_536), b"x"], 413),
    ],
)
def test_what_no_server_takes_is_refused_after_what_came_before(sent, status):
    """Once, whatever follows."""
    assert read(ASK, *sent, ASK) == [b"{}", status]


def test_largest_body_is_taken():
    """As by the server of the simulated tools."""
    body = b"x" * LARGEST
    assert [len(one) for one in read(of_size(LARGEST, body), ASK)] == [LARGEST, 2]


def test_client_that_reads_no_answers_is_not_read_on():
    """What it sends stays in its own socket."""

    async def main():
        stream = asyncio.StreamReader()
        requests = Requests(stream)
        reading = asyncio.ensure_future(requests.read())
        for _ in range(10):
            stream.feed_data(ASK * 1_000)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        waiting = requests._waiting.qsize()
        for _ in range(10_000):
            assert (await requests.next()).body == b"{}"
        reading.cancel()
        return waiting

    assert asyncio.run(main()) < 3_000


def test_offer_of_another_protocol_is_passed_by():
    """Nobody has to take it."""
    offer = b"GET /mcp HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    assert read(offer, ASK) == [b""]


def test_message_that_is_nested_too_deep_is_no_crash():
    """It is passed on, for the real server to refuse."""
    from chaoskit.proxies import http, lines

    for proxy in (http, lines):
        assert proxy._message(b"[" * 100_000) is None
        assert proxy._message(json.dumps({"id": 1}).encode()) == {"id": 1}
