"""Whatever arrives, the server answers as a provider does, or waits; it never breaks."""

import asyncio
import contextlib
import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow
ROUTES = (
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/messages/batches",
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/files",
    "/v1/models",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "model",
        "messages",
        "input",
        "max_tokens",
        "stream",
        "tools",
        "tool_choice",
        "system",
        "temperature",
        "n",
        "stop",
        "response_format",
        "metadata",
        "thinking",
        "instructions",
        "store",
        "dimensions",
        "encoding_format",
    ]
)
TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
VALUES = st.binary(max_size=30).map(lambda raw: raw.translate(None, b"\r\n\0").decode("latin-1"))
NOISE = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [
                *(b"POST ", b"GET ", b"/v1/messages", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b":"),
                *(b"content-length: 5", b"transfer-encoding: chunked", b"5\r\n", b"{}", b"\0"),
                *(
                    b"connection: close",
                    b"expect: 100-continue",
                    b"\xff\xfe",
                    b"content-length: -1",
                ),
            ]
        ),
        max_size=20,
    ).map(b"".join),
)


@pytest.fixture(autouse=True)
def _no_bug(caplog):
    """Nothing that the server did not expect is logged, and no callback of the loop fails."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [record.getMessage() for record in caplog.records]


def answered(wire, sent):
    """The answer to each of several requests, on connections of their own."""

    async def ask(provider):
        return [await wire.exchanged(provider, one) for one in sent]

    return [(*wire.parted(pieces), end) for pieces, end in wire.living(ask)]


def told_as_a_provider(head, body, path):
    """Whether an answer is one that the vendor of the path might give."""
    status = int(head.split(" ")[1])
    assert status < 500
    if "text/event-stream" in head:
        return True
    said = json.loads(body)
    if status < 400:
        return True
    assert isinstance(said["error"]["message"], str)
    if path.startswith("/v1/messages"):
        assert (said["type"], "request-id:" in head) == ("error", True)
        assert isinstance(said["error"]["type"], str)
    else:
        assert set(said["error"]) == {"message", "type", "param", "code"}
        assert "x-request-id:" in head
    return True


@given(st.lists(st.tuples(st.sampled_from(ROUTES), JSON), min_size=1, max_size=8))
def test_any_json_gets_an_answer_of_the_vendor(wire, asked):
    """An object, a list, a number; deep or not."""
    sent = [wire.request(json.dumps(body).encode(), path) for path, body in asked]
    for (path, _), (head, body, end) in zip(asked, answered(wire, sent), strict=True):
        assert end == "closed"
        assert told_as_a_provider(head, body, path)


@given(st.sampled_from(ROUTES), st.lists(st.tuples(FIELDS, JSON), min_size=1, max_size=6))
def test_any_value_of_any_field_gets_an_answer_of_the_vendor(wire, path, changes):
    """A valid request, and then one field after the other."""
    body = wire.CLAUDE if path.startswith("/v1/messages") else wire.CHAT | {"input": "Why?"}
    sent = [
        wire.request(json.dumps({**body, name: value}).encode(), path) for name, value in changes
    ]
    for head, answer, end in answered(wire, sent):
        assert end == "closed"
        assert told_as_a_provider(head, answer, path)


@given(st.sampled_from(ROUTES), st.binary(max_size=200))
def test_any_body_gets_an_answer_of_the_vendor(wire, path, body):
    """What is no JSON, and what is no text."""
    ((head, answer, end),) = answered(wire, [wire.request(body, path)])
    assert end == "closed"
    assert told_as_a_provider(head, answer, path)


@given(st.sampled_from(ROUTES), st.dictionaries(TOKENS, VALUES, max_size=5))
def test_any_header_gets_an_answer(wire, path, headers):
    """Of whatever name; those of the framing may be refused by the parser itself."""
    ((head, answer, _),) = answered(wire, [wire.request({}, path, **headers)])
    assert head.startswith("HTTP/1.1 ")
    if "text/plain" not in head:
        assert told_as_a_provider(head, answer, path)


@given(st.lists(NOISE, min_size=1, max_size=6))
@settings(max_examples=150)
def test_any_bytes_leave_the_server_as_it_was(wire, noises):
    """Whole, in pieces, and cut off; the next client is served as if nothing had been."""

    async def ask(provider):
        for noise in noises:
            reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
            for part in (noise[: len(noise) // 2], noise[len(noise) // 2 :]):
                writer.write(part)
                await asyncio.sleep(0.01)
            with contextlib.suppress(OSError):  # the server was quicker to hang up
                writer.write_eof()
            try:
                got = await asyncio.wait_for(reader.read(), 60)
            except ConnectionResetError:
                got = b""
            assert got == b"" or got.startswith(b"HTTP/1.1 ")
            assert b"Traceback" not in got
            writer.close()
        return await wire.exchanged(provider, wire.request())

    pieces, end = wire.living(ask)
    head, body = wire.parted(pieces)
    assert head.startswith("HTTP/1.1 200 OK")
    assert json.loads(body)["choices"]
    assert end == "closed"


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/messages", "request_too_large"), ("/v1/chat/completions", None)]
)
def test_body_beyond_what_the_vendor_takes_is_refused_and_not_kept(wire, path, kind):
    """32 MB and a little, of which no more than that is in memory."""
    body = b'{"model":"' + b"x" * (32 * 1024 * 1024) + b'"}'
    ((head, answer, _),) = answered(wire, [wire.request(body, path)])
    if kind:
        assert head.startswith("HTTP/1.1 413 ")
        assert json.loads(answer)["error"]["type"] == kind
    else:
        assert head.split(" ")[1] in ("400", "413")
        assert json.loads(answer)["error"]["message"]


@pytest.mark.parametrize("status", ["GET", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"])
def test_any_method_is_answered(wire, status):
    """As a vendor, or as nobody."""
    sent = [wire.request({}, path).replace(b"POST", status.encode(), 1) for path in ROUTES]
    for head, _, end in answered(wire, sent):
        assert head.startswith("HTTP/1.1 ")
        assert int(head.split(" ")[1]) < 500
        assert end == "closed"
