"""Each fault of a connection as a raw socket sees it: its bytes, its pauses, and its end."""

import asyncio
import json
import re
import socket
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.faults import (
    BrokenCompression,
    ConnectError,
    CutStream,
    Dribble,
    Hang,
    IllegalChunk,
    ServerError,
    Slow,
    Stall,
    UnfinishedStream,
    WrongLength,
)
from chaoskit.journal import Delivered, Requested
from chaoskit.plan import Rule

STREAM = {"stream": True}


@pytest.fixture(scope="session")
def struck(wire):
    """What comes back when a fault strikes, and how the provider says that it ended."""

    def strike(fault, more=(), path="/v1/chat/completions", **how):
        body = (wire.CLAUDE if "messages" in path else wire.CHAT) | dict(more)

        async def asked(provider):
            pieces, end = await wire.exchanged(provider, wire.request(body, path), **how)
            return pieces, end, [event.how for event in provider.journal.of(Delivered)]

        return wire.living(asked, Rule(fault=fault))

    return strike


def chunks(body):
    """The chunks of a chunked body, and what is left that is none."""
    found = []
    while True:
        length, mark, rest = body.partition(b"\r\n")
        if not mark or not length.isalnum():
            return found, body
        size = int(length, 16)
        if len(rest) < size + 2:
            return found, body
        found.append(rest[:size])
        body = rest[size + 2 :]


def dateless(body):
    """A body without the seconds of its day: each run has a day of its own."""
    return re.sub(rb'"created":\d+', b"", body)


def test_refused_connection_says_nothing(struck):
    """The port listens, so it is a reset before the first byte."""
    pieces, end, ended = struck(ConnectError())
    assert (pieces, end, ended) == ([], "reset", ["refused"])


def test_connection_is_closed_before_an_answer(struck):
    """A FIN instead of a status line."""
    pieces, end, ended = struck(ConnectError(accept=True))
    assert (pieces, end, ended) == ([], "closed", ["closed"])


def test_hang_is_silence_for_as_long_as_the_client_waits(struck):
    """The request was accepted; nothing comes, and the connection stays."""
    pieces, end, _ = struck(Hang())
    assert (pieces, end) == ([], "silence")


def test_slow_headers_are_late_and_whole(struck, wire):
    """Nothing before their time."""
    pieces, end, ended = struck(Slow(before=90.0))
    head, body = wire.parted(pieces)
    assert pieces[0][0] == pytest.approx(90, abs=0.1)
    assert head.startswith("HTTP/1.1 200 OK")
    assert json.loads(body)["choices"][0]["message"]["content"] == wire.SAID
    assert (end, ended) == ("closed", ["complete"])


@pytest.mark.parametrize("reset", [False, True])
@given(after=st.integers(0, 4))
def test_cut_stream_has_exactly_the_pieces_before_the_cut(struck, wire, reset, after):
    """And then a FIN or an RST, without a last chunk."""
    pieces, end, ended = struck(CutStream(after=after, reset=reset), STREAM)
    whole, _, _ = struck(Slow(before=0.001), STREAM)
    _, body = wire.parted(pieces)
    got, rest = chunks(body)
    sent = b"".join(chunks(wire.parted(whole)[1])[0])
    assert rest == b""
    assert dateless(sent).startswith(dateless(b"".join(got)))
    assert sum(b'"content":"' in piece for piece in got[1:]) == after
    assert (end, ended) == ("reset", ["reset"]) if reset else ("closed", ["closed"])


@given(after=st.integers(0, 4), more=st.lists(st.binary(min_size=1, max_size=2_000), max_size=4))
def test_half_closed_connection_takes_what_the_client_still_sends(struck, wire, after, more):
    """The same bytes as a FIN of both sides, then the end; writes go on without an RST."""
    sent = wire.request({**wire.CHAT, "stream": True})

    async def asked(provider):
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
        writer.write(sent)
        got = await reader.read()
        for piece in more:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(1)
        error = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        again = await reader.read()
        held = len(provider.server._connections)
        writer.close()
        await asyncio.sleep(1)
        kept = len(provider.server._connections)
        ended = [event.how for event in provider.journal.of(Delivered)]
        return got, again, error, held, kept, ended

    cut = Rule(fault=CutStream(after=after, half_close=True))
    got, again, error, held, kept, ended = wire.living(asked, cut)
    closed, _, _ = struck(CutStream(after=after), STREAM)
    _, _, body = got.partition(b"\r\n\r\n")
    assert dateless(body) == dateless(wire.parted(closed)[1])
    assert (again, error, held, kept, ended) == (b"", 0, 1, 0, ["closed"])


def test_half_closed_connection_is_not_kept_for_ever(wire):
    """A client that never ends its side is hung up on after a minute."""

    async def asked(provider):
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
        writer.write(wire.request())
        await reader.read()
        began, held = provider.clock.now(), []
        for _ in range(8):
            held.append(len(provider.server._connections))
            await asyncio.sleep(10)
        writer.close()
        return held, provider.clock.now() - began

    held, _ = wire.living(asked, Rule(fault=CutStream(half_close=True)))
    assert held == [1, 1, 1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("more", [1, 100])
@pytest.mark.parametrize(
    "fault", [CutStream(half_close=True), CutStream(), CutStream(reset=True)], ids=repr
)
def test_requests_behind_the_one_that_breaks_are_answered_by_nobody(wire, fault, more, caplog):
    """They were sent at once, so that they lie in the same buffer; one asks before its body."""
    keeping = wire.request().replace(b"connection: close\r\n", b"")
    asking = keeping.replace(b"host: x", b"host: x\r\nexpect: 100-continue")

    async def asked(provider):
        pieces, end = await wire.exchanged(provider, keeping + more * asking)
        return pieces, end, len(provider.journal.of(Requested))

    pieces, end, requested = wire.living(asked, Rule(fault=fault))
    assert b"".join(piece for _, piece in pieces).count(b"HTTP/1.1") == 1
    assert (end, requested) == ("reset" if fault.reset else "closed", 1)
    assert not caplog.records


def test_cut_plain_answer_is_shorter_than_it_promised(struck, wire):
    """Half of the body, and the whole length in the header."""
    pieces, end, _ = struck(CutStream())
    head, body = wire.parted(pieces)
    promised = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    assert 0 < len(body) < promised
    assert end == "closed"


def test_wrong_length_promises_what_never_comes(struck, wire):
    """By exactly so many bytes."""
    pieces, end, ended = struck(WrongLength(missing=17))
    head, body = wire.parted(pieces)
    assert f"content-length: {len(body) + 17}" in head
    assert json.loads(body)
    assert (end, ended) == ("closed", ["closed"])


def test_illegal_chunk_stands_where_a_length_belongs(struck, wire):
    """After whole chunks."""
    pieces, end, _ = struck(IllegalChunk(after=2), STREAM)
    got, rest = chunks(wire.parted(pieces)[1])
    assert len(got) >= 2
    assert (rest, end) == (b"no length\r\n", "closed")


def test_broken_compression_says_gzip_and_is_none(struck, wire):
    """It fails while it is decompressed."""
    pieces, end, _ = struck(BrokenCompression())
    head, body = wire.parted(pieces)
    assert "content-encoding: gzip" in head
    assert f"content-length: {len(body)}" in head
    with pytest.raises(zlib.error):
        zlib.decompress(body, wbits=31)
    assert end == "closed"


def test_dribble_cuts_characters_and_events(struck, wire):
    """A byte at a time, so that half of an umlaut is alone on its way."""
    pieces, end, ended = struck(Dribble(size=1, pause=0.5), STREAM)
    got, rest = chunks(wire.parted(pieces)[1])
    assert {len(piece) for piece in got[:-1]} == {1}
    assert any(piece == "ü".encode()[:1] for piece in got)
    assert (rest, end, ended) == (b"", "closed", ["complete"])
    times = [at for at, _ in pieces]
    assert times[-1] - times[0] == pytest.approx((len(times) - 1) * 0.5, rel=0.05)


def test_stall_is_a_pause_in_the_middle(struck):
    """The connection stays open, and the rest comes after it."""
    pieces, end, ended = struck(Stall(after=1, seconds=600.0), STREAM)
    assert len(pieces) == 2
    assert pieces[1][0] - pieces[0][0] == pytest.approx(600, abs=0.1)
    assert (end, ended) == ("closed", ["complete"])
    assert struck(Stall(after=1), STREAM, patience=900)[1] == "silence"


@pytest.mark.parametrize("status", [502, 503, 504])
def test_page_of_a_proxy_is_no_json(struck, wire, status):
    """HTML, of another server than the provider."""
    pieces, _, _ = struck(ServerError(status=status, html=True))
    head, body = wire.parted(pieces)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "content-type: text/html" in head
    assert "x-request-id" not in head
    assert body.lstrip().startswith(b"<")


def test_unfinished_stream_ends_well_for_http_alone(struck, wire):
    """With the last chunk, and without the terminator of the dialect."""
    pieces, end, ended = struck(UnfinishedStream(after=2), STREAM, "/v1/messages")
    got, rest = chunks(wire.parted(pieces)[1])
    assert got[-1] == b""
    assert b"message_stop" not in b"".join(got)
    assert (rest, end, ended) == (b"", "closed", ["unfinished"])


def test_client_that_ends_its_side_gets_its_answer_and_the_end(wire):
    """It could ask nothing more, so the connection is not kept, though it is kept alive."""
    sent = wire.request().replace(b"connection: close\r\n", b"")

    async def asked(provider):
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
        writer.write(sent)
        writer.write_eof()
        got = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        return got

    got = wire.living(asked, Rule(fault=Slow(before=5.0)))
    assert got.startswith(b"HTTP/1.1 200 OK")
