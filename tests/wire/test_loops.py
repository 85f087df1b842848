"""The loop under the server is somebody else's choice: on each, the bytes and ends are the same."""

import asyncio
import json
import re
import socket

import pytest

from chaoskit.clocks.real import RealClock
from chaoskit.players import loopback
from chaoskit.serving import serving

uvloop = pytest.importorskip("uvloop", reason="an extra: there is one loop only")

STREAM = {
    "model": "gpt-4o-mini",
    "stream": True,
    "messages": [{"role": "user", "content": "Why did the deploy fail?"}],
}
PLAIN = {**STREAM, "stream": False}
OF_THE_CLOCK = re.compile(rb"(?<=\r\n)x-ratelimit-(?:reset|remaining)[^\r]+\r\n")


def requested(body, *, last):
    """A request; after the last one the connection is over."""
    data = json.dumps(body).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\n"
    end = "connection: close\r\n" if last else ""
    return f"{head}{end}content-length: {len(data)}\r\n\r\n".encode() + data


def exchanged(port, bodies):
    """What comes back for requests on one connection, and how it ends."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), 20) as sock:
        sock.sendall(b"".join(requested(body, last=body is bodies[-1]) for body in bodies))
        try:
            while piece := sock.recv(65_536):
                got += piece
        except ConnectionResetError:
            return got, "reset"
    return got, "closed"


def lived(new_loop, monkeypatch, verb, settings, bodies):
    """The exchange with a server on a loop, and how its journal says that it ended."""
    monkeypatch.setattr(loopback, "_new_loop", new_loop)
    monkeypatch.setattr(RealClock, "wall", lambda _: 1.7e9)
    with serving(seed=7) as server:
        session = server.session()
        if verb:
            session.fault(verb, **settings)
        got, end = exchanged(server.loopback.port, bodies)
        ways = [event.how for event in session.journal if type(event).__name__ == "Delivered"]
    return OF_THE_CLOCK.sub(b"", got), end, ways


@pytest.mark.parametrize(
    ("verb", "settings"),
    [
        ("", {}),
        ("cut_stream", {"after": 2}),
        ("cut_stream", {"after": 2, "reset": True}),
        ("cut_stream", {"after": 2, "half_close": True}),
        ("connect_error", {}),
        ("connect_error", {"accept": True}),
        ("unfinished_stream", {}),
        ("error_mid_stream", {}),
        ("illegal_chunk", {}),
        ("wrong_length", {}),
        ("broken_compression", {}),
        ("dribble", {"size": 200, "pause": 0.001}),
        ("server_error", {"status": 502, "html": True}),
    ],
)
@pytest.mark.parametrize("bodies", [[STREAM], [PLAIN], [STREAM, PLAIN]])
def test_both_loops_write_the_same_bytes(monkeypatch, verb, settings, bodies):
    """Whole and broken answers, one at a time and one behind the other."""
    usual = lived(asyncio.new_event_loop, monkeypatch, verb, settings, bodies)
    fast = lived(uvloop.new_event_loop, monkeypatch, verb, settings, bodies)
    assert fast == usual


def test_uvloop_is_taken_where_it_is():
    """Without being asked for."""
    with serving() as server:
        assert isinstance(server.loopback._loop, uvloop.Loop)
