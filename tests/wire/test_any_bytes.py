"""Whatever arrives, the server answers as a provider does, or waits; it never breaks."""

import asyncio
import contextlib
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.faults.slow import Slow
from chaoskit.plan import Rule

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
TEXT = st.text(st.characters(), max_size=12)  # halves of surrogate pairs included
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
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


@pytest.mark.parametrize("path", ROUTES)
def test_hostile_json_gets_an_answer_of_the_vendor(wire, path):
    """Too deep, too long, in another encoding, or with what only Python takes for JSON."""
    body = wire.CLAUDE if path.startswith("/v1/messages") else wire.CHAT | {"input": "Why?"}
    whole = json.dumps(body)
    deep = [b"[" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000]
    hostile = [
        *deep,
        *(whole[:-1].encode() + b',"metadata":' + inner + b"}" for inner in deep),
        whole[:-1].encode() + b',"tools":[' + b'{"type":"object","properties":{"a":' * 400,
        *(f'{whole[:-1]}, "{name}": {value}}}'.encode()
          for name in ("max_tokens", "temperature", "n", "dimensions")
          for value in ("9" * 5_000, "9" * 4_000, "-1e999", "NaN", "Infinity")),
        whole.replace("Why?", "\\ud800 \\u0000").encode(),
        whole.replace(body["model"], "\\udfff").encode(),
        whole.encode("utf-16"),
        b"\xef\xbb\xbf" + whole.encode(),
        whole.replace("Why?", "\xff").encode("latin-1"),
        gzip.compress(whole.encode()),
    ]  # fmt: skip
    sent = [wire.request(one, path) for one in hostile]
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


MEGA = 1024 * 1024
FORM = b'--b\r\ncontent-disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'


def form(data):
    """A file in a form, and what it is for."""
    file = FORM % (b"file", b'; filename="a.txt"', data)
    return file + FORM % (b"purpose", b"", b"user_data") + b"--b--\r\n"


def chunked(sent):
    """The same request, with a body in chunks of a length that nobody announces."""
    head, _, body = sent.partition(b"\r\n\r\n")
    head = b"\r\n".join(line for line in head.split(b"\r\n") if b"content-length" not in line)
    parts = [body[at : at + 3 * MEGA] for at in range(0, len(body), 3 * MEGA)]
    sizes = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + sizes + b"0\r\n\r\n"


def padded(body):
    """JSON that is a little longer than 32 MB, which the limits of most servers have in common."""
    return json.dumps(body).encode() + b" " * (32 * MEGA)


@pytest.mark.parametrize("how", [bytes, chunked])
def test_body_beyond_what_the_vendor_takes_is_refused(wire, how):
    """Messages end at 32 MB, whether the length is announced or not."""
    sent = how(wire.request(padded(wire.CLAUDE), "/v1/messages"))
    ((head, answer, end),) = answered(wire, [sent])
    assert head.startswith("HTTP/1.1 413 ")
    assert json.loads(answer)["error"]["type"] == "request_too_large"
    assert "anthropic-organization-id" not in head
    assert end == "closed"


@pytest.mark.parametrize("how", [bytes, chunked])
@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (
            "/v1/messages/batches",
            padded({"requests": [{"custom_id": "a", "params": {"model": "m", "messages": []}}]}),
            {"type": "message_batch"},
        ),
        ("/v1/files", form(b"x" * 33 * MEGA), {"bytes": 33 * MEGA}),
        ("/v1/chat/completions", padded(CHAT := {"model": "gpt-4o-mini", "messages": [{
            "role": "user", "content": "Why?"}]}), {"object": "chat.completion"}),
    ],
    ids=["batches", "files", "chat"],
)  # fmt: skip
def test_body_that_the_vendor_takes_is_taken_whole(wire, how, path, body, told):
    """Batches, files, and what OpenAI takes in one piece; a client may ask before it sends."""
    kind = {"content-type": "multipart/form-data; boundary=b"} if path == "/v1/files" else {}
    sent = how(wire.request(body, path, expect="100-continue", **kind))
    ((head, answer, _),) = answered(wire, [sent])
    assert head == "HTTP/1.1 100 Continue"
    head, _, answer = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert told.items() <= json.loads(answer).items()


@pytest.mark.parametrize("status", ["GET", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"])
def test_any_method_is_answered(wire, status):
    """As a vendor, or as nobody."""
    sent = [wire.request({}, path).replace(b"POST", status.encode(), 1) for path in ROUTES]
    for head, _, end in answered(wire, sent):
        assert head.startswith("HTTP/1.1 ")
        assert int(head.split(" ")[1]) < 500
        assert end == "closed"


@pytest.mark.parametrize("pace", ["at once", "paced"])
def test_client_without_chunks_gets_a_stream_that_ends_with_the_connection(wire, pace):
    """HTTP/1.0, as proxies still speak it; the body is the same."""
    sent = wire.request({**wire.CHAT, "stream": True})
    slow = [Rule(fault=Slow(between=0.2))] if pace == "paced" else []

    async def asked(provider, data):
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
        writer.write(data)
        got = await reader.read()
        writer.close()
        return got

    old = wire.living(
        lambda provider: asked(provider, sent.replace(b"HTTP/1.1", b"HTTP/1.0")), *slow
    )
    new = wire.living(lambda provider: asked(provider, sent), *slow)
    head, _, body = old.partition(b"\r\n\r\n")
    chunks = new.partition(b"\r\n\r\n")[2]
    assert b"chunked" not in head
    assert b"connection: close" in head
    assert ended(body) == ended(unchunked(chunks))


def unchunked(data):
    """The body in chunks."""
    whole = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        whole, data = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return whole


def ended(body):
    """What the events say, without ids and seconds of the day."""
    assert body.endswith(b"data: [DONE]\n\n")
    events = [json.loads(one[6:]) for one in body.split(b"\n\n")[:-2]]
    return [event["choices"] for event in events]
