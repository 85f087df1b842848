"""Requests with a known head are the requests that the parser would have found."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.exchange import HttpReply
from chaoskit.players.connection import Connection
from chaoskit.players.heads import Heads
from chaoskit.players.outbox import Outbox

OK = HttpReply(status=200, headers={"content-length": "0"}, body=b"")


class Client:
    """The transport of a connection, which keeps what is written to it."""

    def __init__(self):
        self.written = bytearray()
        self.closed = False

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    abort = close

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


def found_in(pieces, heads):
    """What the pieces of one connection are as requests, and what was answered."""

    async def main():
        requests = []

        def answer(request):
            requests.append(request)
            return OK

        connection = Connection(
            answer=answer,
            largest=lambda _: 10**9,
            heads=heads,
            outbox=Outbox(),
            opened=bool,
            closed=bool,
        )
        client = Client()
        connection.connection_made(client)
        for piece in pieces:
            if client.closed:
                break
            connection.data_received(piece)
            await asyncio.sleep(0)
        return requests, bytes(client.written), client.closed

    return asyncio.run(main())


class Forgetful(Heads):
    """Knows no head, so that everything is parsed."""

    def request(self, data):
        return None


def post(body, *headers, path="/v1/messages?a=b", length=None, version="1.1"):
    size = len(body) if length is None else length
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {size}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


REQUESTS = st.one_of(
    st.builds(
        post,
        st.sampled_from([b"", b"{}", b'{"a":1}', b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]),
        st.sampled_from(["X-A: b", "x-a: c", "X-A: b\r\nX-A: c", "Connection: close", "X: é"]),
        path=st.sampled_from(["/v1/messages", "/%7Eshop/v1?x#y", "http://h/v1"]),
        version=st.sampled_from(["1.1", "1.1", "1.0"]),
    ),
    st.sampled_from(
        [
            b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /v1/models HTTP/1.1\nHost: x\n\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc",
            b"nonsense\r\n\r\n",
        ]
    ),
)


@st.composite
def connections(draw):
    """Some connections: whole requests a piece, requests together, and requests cut anywhere."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        wholes = draw(st.lists(REQUESTS, min_size=1, max_size=4))
        data = b"".join(wholes)
        cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
        bounds = [0, *cuts, len(data)]
        torn = [data[a:b] for a, b in pairwise(bounds) if a < b]
        made.append(wholes if draw(st.booleans()) else torn)
    return made


@given(connections())
def test_known_heads_change_nothing(drawn):
    """Whatever was seen before, requests, answers and ends are those of a server that parses."""
    heads = Heads()
    for pieces in [*drawn, *drawn]:
        assert found_in(pieces, heads) == found_in(pieces, Forgetful())


def test_equal_heads_are_told_by_the_same_object():
    """Bodies may differ, of the same length; another head is another object."""
    pieces = [post(b"{}"), post(b"[]"), post(b"12"), post(b"{}", "X-A: b"), post(b"{}", "X-A: b")]
    (first, second, third, other, again), _, _ = found_in(pieces, Heads())
    assert first.alike is None
    assert second.alike is third.alike is not None
    assert other.alike is None
    assert again.alike not in (None, second.alike)
    assert [one.body for one in (first, second, third)] == [b"{}", b"[]", b"12"]
    assert replace(second, body=b"{}") == first


@pytest.mark.parametrize("number", [255, 600])
def test_no_more_heads_are_kept_than_are_useful(number):
    """Clients that put a new id in each head have no end of them."""
    heads = Heads()
    found_in([post(b"{}", f"X-Request: {one}") for one in range(number)], heads)
    assert len(heads) == min(number, 256)


def test_long_heads_are_not_kept():
    """They are few, and large."""
    heads = Heads()
    found_in([post(b"{}", f"X-A: {'a' * 5_000}")], heads)
    assert len(heads) == 0
