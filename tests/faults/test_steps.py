import zlib

import pytest
from pydantic import ValidationError

from chaoskit.faults import (
    BrokenCompression,
    CutStream,
    Dribble,
    IllegalChunk,
    Slow,
    Stall,
    ToolInputBursts,
    WrongLength,
)
from chaoskit.steps import Close, Finish, Head, Raw, Refuse, Reset, Send, Wait

HEAD = Head(200, {}, chunked=True)
A, B, PING, END = Send(b"aaaa", True), Send(b"bbbb", True), Send(b"p"), Send(b"end")
STREAM = (HEAD, PING, A, Wait(0.5), PING, B, END, Finish())
PLAIN_HEAD = Head(200, {"content-length": "9"})
PLAIN = (Wait(1.0), PLAIN_HEAD, Send(b"012345678", True), Finish())
FOREVER = float("inf")


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, (HEAD, PING)),
        (1, (HEAD, PING, A)),
        (2, (HEAD, PING, A, Wait(0.5), PING, B)),
        (9, (HEAD, PING, A, Wait(0.5), PING, B)),
    ],
)
def test_cut_stream_breaks_after_so_many_pieces(strike, after, expected):
    """Pings do not count, and the terminator never arrives."""
    assert (*expected, Close()) == CutStream(after=after).steps(STREAM, strike())


def test_cut_stream_can_reset(strike):
    """RST is not FIN."""
    assert CutStream(reset=True).steps(STREAM, strike())[-1] == Reset()


def test_cut_stream_can_leave_the_side_of_the_client_open(strike):
    """A FIN of one side is not one of both, and a reset is neither."""
    assert CutStream(half_close=True).steps(STREAM, strike())[-1] == Close(half=True)
    with pytest.raises(ValidationError, match="a connection is reset, or half of it is closed"):
        CutStream(half_close=True, reset=True)


def test_cut_stream_breaks_an_unstreamed_body_half_way(strike):
    """The client sees fewer bytes than the header promised."""
    cut = CutStream().steps(PLAIN, strike())
    assert (Wait(1.0), PLAIN_HEAD, Send(b"0123", True), Close()) == cut


def test_cut_stream_counts_bytes_over_several_sends(strike):
    """Half of the body, wherever its pieces end."""
    steps = (PLAIN_HEAD, Send(b"0123"), Wait(1), Send(b"45678"), Finish())
    assert CutStream().steps(steps, strike()) == (PLAIN_HEAD, Send(b"0123"), Wait(1), Close())


def test_cut_stream_breaks_an_empty_body_after_its_head(strike):
    """There is no half of nothing."""
    assert CutStream().steps((PLAIN_HEAD, Finish()), strike()) == (PLAIN_HEAD, Close())


@pytest.mark.parametrize(
    "fault",
    [
        *(CutStream(), Stall(), Dribble(), Slow(before=1)),
        *(WrongLength(), IllegalChunk(), BrokenCompression()),
    ],
    ids=repr,
)
def test_a_refused_connection_has_nothing_to_damage(fault, strike):
    """The same tuple tells that nothing was struck."""
    refused = (Refuse(),)
    assert fault.steps(refused, strike()) is refused


def test_stall_waits_for_ever_in_the_middle(strike):
    """Everything before the stall arrives, and the rest would follow it."""
    assert (*STREAM[:3], Wait(FOREVER), *STREAM[3:]) == Stall(after=1).steps(STREAM, strike())


def test_stall_can_end(strike):
    """A stall shorter than the client's timeout is only a delay."""
    stalled = Stall(seconds="2m").steps(PLAIN, strike())
    expected = (*PLAIN[:2], Send(b"0123", True), Wait(120.0), Send(b"45678", True), Finish())
    assert expected == stalled


def test_stall_of_no_time_is_none(strike):
    """Zero seconds do no damage."""
    assert Stall(seconds=0).steps(STREAM, strike()) is STREAM


def test_slow_delays_the_first_byte(strike):
    """The wait comes before the head."""
    assert (Wait(3.0), *STREAM) == Slow(before=3).steps(STREAM, strike())


def test_slow_delays_every_piece(strike):
    """Pings come in time, the answer does not."""
    late = (HEAD, PING, Wait(2.0), A, Wait(0.5), PING, Wait(2.0), B, END, Finish())
    assert late == Slow(between=2).steps(STREAM, strike())


def test_slow_stretches_what_latency_there_is(strike):
    """Only waits change."""
    assert (*STREAM[:3], Wait(5.0), *STREAM[4:]) == Slow(factor=10).steps(STREAM, strike())


def test_slow_without_any_wait_to_stretch_does_nothing(strike):
    """The same tuple tells that nothing was struck."""
    fast = (HEAD, A, Finish())
    assert Slow(factor=10).steps(fast, strike()) is fast


def test_slow_must_be_told_how_slow():
    """A fault that does nothing is a mistake in the scenario."""
    with pytest.raises(ValidationError, match="set how slow"):
        Slow()


def test_dribble_keeps_every_byte(strike):
    """The same body in drops."""
    steps = Dribble(size=2, pause="1s").steps((HEAD, A, Finish()), strike())
    assert (HEAD, Send(b"aa", True), Wait(1.0), Send(b"aa", True), Finish()) == steps


def test_dribble_leaves_small_pieces_alone(strike):
    """The same tuple tells that nothing was struck."""
    assert Dribble(size=100).steps(STREAM, strike()) is STREAM


def test_wrong_length_promises_what_never_comes(strike):
    """Every byte of the body arrives; the client waits for more until the connection ends."""
    head = Head(200, {"content-length": "12"})
    assert WrongLength(missing=3).steps(PLAIN, strike()) == (Wait(1.0), head, PLAIN[2], Close())


def test_wrong_length_needs_a_promise(strike):
    """A chunked answer has no length, and a broken one no end."""
    assert WrongLength().steps(STREAM, strike()) is STREAM
    broken = (*PLAIN[:-1], Close())
    assert WrongLength().steps(broken, strike()) is broken


def test_illegal_chunk_follows_so_many_pieces(strike):
    """What comes then is no length of a chunk."""
    *before, raw, end = IllegalChunk(after=1).steps(STREAM, strike())
    assert (tuple(before), end) == (STREAM[:3], Close())
    assert isinstance(raw, Raw)
    assert not raw.data.strip().isalnum()


def test_illegal_chunk_needs_chunks(strike):
    """An unstreamed answer has a length instead."""
    assert IllegalChunk().steps(PLAIN, strike()) is PLAIN


@pytest.mark.parametrize("steps", [PLAIN, STREAM])
def test_broken_compression_breaks_while_it_is_read(steps, strike):
    """The header of gzip is fine, and the answer takes as long as before."""
    damaged = BrokenCompression().steps(steps, strike())
    head = next(step for step in damaged if isinstance(step, Head))
    body = next(step.data for step in damaged if isinstance(step, Send))
    assert head.headers["content-encoding"] == "gzip"
    assert head.headers.get("content-length", str(len(body))) == str(len(body))
    assert [s for s in damaged if isinstance(s, Wait)] == [s for s in steps if isinstance(s, Wait)]
    with pytest.raises(zlib.error):
        zlib.decompress(body, wbits=31)


def test_tool_input_comes_in_bursts(strike):
    """The time between held pieces is not lost; text and whatever else comes as ever."""
    one, two, three = (Send(bytes([at]), content=True, tool=True) for at in range(3))
    steps = (HEAD, A, Wait(0.5), one, Wait(0.5), two, Wait(0.5), three, END, B, Finish())
    burst = ToolInputBursts(pieces=2, pause=4).steps(steps, strike())
    assert burst == (
        *(HEAD, A, Wait(0.5)),
        *(Wait(4.5), one, two),
        *(Wait(0.5), Wait(4.0), three),
        *(END, B, Finish()),
    )
    assert sum(step.seconds for step in burst if isinstance(step, Wait)) == 2 * 4 + 1.5
    assert ToolInputBursts().steps(STREAM, strike()) is STREAM
