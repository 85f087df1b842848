"""Watching requests to hosts that are not simulated."""

import asyncio
import base64
import http.client
import io
import json
import urllib.error
import urllib.request

import httpx
import httpx2
import pytest
import requests

from chaoskit.canary import Canaries
from chaoskit.watch import Watch
from chaoskit.who import running_tool

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
NOBODY = "http://127.0.0.1:9"


class World:
    """A watch with what it tells."""

    def __init__(self):
        self.canaries, self.events, self.user = Canaries(7), [], "ann"
        self.secret = self.canaries.make("tool-argument/ann")
        self.watch = Watch(self.canaries, self.events.append, lambda: (self.user, 1), lambda: 2.5)

    def seen(self):
        return [(event.channel, event.where) for event in self.events]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def answered(monkeypatch):
    """Let the transports of both libraries answer by themselves."""

    async def answer(transport, request):
        return httpx.Response(200) if isinstance(request, httpx.Request) else httpx2.Response(200)

    def answer_now(transport, request):
        return httpx.Response(200) if isinstance(request, httpx.Request) else httpx2.Response(200)

    for library in (httpx, httpx2):
        monkeypatch.setattr(library.HTTPTransport, "handle_request", answer_now)
        monkeypatch.setattr(library.AsyncHTTPTransport, "handle_async_request", answer)


PARTS = {
    "url": lambda secret: {"params": {"key": secret}},
    "header authorization": lambda secret: {"headers": {"Authorization": f"Bearer {secret}"}},
    "body": lambda secret: {"json": {"blocks": [json.dumps({"text": secret})]}},
}


@LIBRARIES
@pytest.mark.parametrize("part", PARTS)
def test_a_secret_is_found_in_each_part_of_a_request(world, answered, library, part):
    """By plain clients and by asynchronous ones."""

    async def post():
        async with library.AsyncClient() as client:
            await client.post("https://hooks.test/in", **PARTS[part](world.secret))

    with world.watch:
        assert library.post("https://hooks.test/in", **PARTS[part](world.secret)).is_success
    assert world.seen() == [("request", f"hooks.test, {part}")]
    with world.watch:
        world.user = "bob"
        asyncio.run(post())
    assert [("ann", "request"), ("bob", "request")] == [
        (event.user, event.channel) for event in world.events
    ]


@LIBRARIES
def test_basic_authentication_is_read(world, answered, library):
    """It is base64 of user and password."""
    with world.watch:
        library.get("https://api.test", auth=("deploy", world.secret))
    assert world.seen() == [("request", "api.test, header authorization")]
    assert world.events[0].encoding == "base64"


@LIBRARIES
def test_a_tool_may_use_the_key_that_it_was_given_and_no_other(world, answered, library):
    """It is given the key in order to use it; another user's it cannot have been given."""
    with world.watch, running_tool():
        library.get("https://api.test", headers={"x-api-key": world.secret})
        assert world.events == []
        world.user = "bob"
        library.get("https://api.test", headers={"x-api-key": world.secret})
    assert world.seen() == [("request", "api.test, header x-api-key")]


@LIBRARIES
def test_a_body_that_is_made_while_it_is_sent_is_left_alone(world, answered, library):
    """It can be read once."""

    def body():
        yield world.secret.encode()

    with world.watch:
        library.post("https://hooks.test", content=body())
    assert world.events == []


SENDERS = {
    "requests": lambda secret: requests.post(NOBODY, json={"key": secret}, timeout=1),
    "urllib": lambda secret: urllib.request.urlopen(NOBODY, json.dumps({"k": secret}).encode()),
    "http.client": lambda secret: http.client.HTTPConnection("127.0.0.1", 9).request(
        "POST", "/", secret, {"x": "y"}
    ),
}


@pytest.mark.parametrize("sender", SENDERS)
def test_what_stands_on_the_standard_library_is_seen_though_nobody_listens(world, sender):
    """In production somebody would."""
    with world.watch, pytest.raises(OSError):
        SENDERS[sender](world.secret)
    assert world.seen() == [("request", "127.0.0.1, body")]


GETTERS = {
    "requests": lambda path, headers: requests.get(NOBODY + path, headers=headers, timeout=1),
    "http.client": lambda path, headers: http.client.HTTPConnection("127.0.0.1", 9).request(
        "GET", path, None, headers
    ),
}


@pytest.mark.parametrize("sender", GETTERS)
def test_urls_and_headers_are_seen_there_too(world, sender):
    """Form-encoded in the one, plain or base64 in the other."""
    token = base64.b64encode(f"deploy:{world.secret}".encode())
    with world.watch:
        for path, headers in ((f"/?key={world.secret}", {}), ("/", {"Authorization": token})):
            with pytest.raises(OSError):
                GETTERS[sender](path, headers)
    assert world.seen() == [
        ("request", "127.0.0.1, url"),
        ("request", "127.0.0.1, header authorization"),
    ]


def test_a_mock_above_the_connection_hides_nothing(world, monkeypatch):
    """`responses` and `requests-mock` answer in place of the adapter."""
    monkeypatch.setattr(
        requests.adapters.HTTPAdapter, "send", lambda *args, **kwargs: answered_by_a_mock()
    )
    with world.watch:
        requests.post("https://hooks.test/in", data={"key": world.secret}, timeout=1)
    assert world.seen() == [("request", "hooks.test, body")]


def answered_by_a_mock():
    """Return a response of nobody."""
    response = requests.Response()
    response.status_code, response.raw = 200, io.BytesIO()
    return response


def test_nothing_is_seen_without_a_secret_and_after_the_watch(world, answered):
    """Requests pass unchanged."""
    with world.watch:
        assert httpx.post("https://hooks.test", json={"text": "hello"}).is_success
    assert httpx.post("https://hooks.test", json={"text": world.secret}).is_success
    assert world.events == []
