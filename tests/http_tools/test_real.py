"""A real API behind the simulation: its answers pass through the faults, and else as they came."""

import asyncio
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaoskit.chaos import Chaos
from chaoskit.errors import ScenarioError
from chaoskit.journal import RanTool, Served, Struck
from chaoskit.scenario import parse

A1 = {"id": "A-1", "total": 80.0, "lines": ["a", "b"]}


class Api(BaseHTTPRequestHandler):
    """A shop's real API; it counts."""

    protocol_version = "HTTP/1.1"
    seen = None

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("set-cookie", "a=1")
        self.send_header("set-cookie", "b=2")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.seen.append(("GET", self.path, dict(self.headers), b""))
        if self.path == "/orders/A-1":
            packed = gzip.compress(json.dumps(A1).encode(), mtime=0)
            self.answer(200, packed, content_type="application/json", content_encoding="gzip")
        elif self.path == "/page":
            self.answer(200, b"<p>hello</p>", content_type="text/html")
        else:
            self.answer(404, b'{"detail": "nothing here"}', content_type="application/json")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(("POST", self.path, dict(self.headers), body))
        self.answer(201, b'{"made": %d}' % len(self.seen), content_type="application/json")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def api():
    """URL of the real API, and what it has seen."""
    handler = type("Seen", (Api,), {"seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.seen
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def chaos(api):
    """A world in front of it."""
    url, _ = api
    with Chaos(judged=False, silent=True, unstruck=True) as world:
        world.tool("order", http=f"GET {url}/orders/{{id}}", real=True)
        world.tool("page", http=f"GET {url}/page", real=True)
        world.tool("pay", http=f"POST {url}/orders/{{id}}/payments", real=True)
        yield world


def test_answer_that_nothing_strikes_passes_as_it_came(api, chaos, library):
    """Every header, every byte, compressed as it was."""
    url, seen = api
    with library.Client() as client:
        with client.stream("GET", f"{url}/orders/A-1", headers={"x-own": "1"}) as reply:
            raw = b"".join(reply.iter_raw())
        assert gzip.decompress(raw) == json.dumps(A1).encode()
        assert reply.headers["content-encoding"] == "gzip"
        assert reply.headers.get_list("set-cookie") == ["a=1", "b=2"]
        assert client.get(f"{url}/orders/A-1").json() == A1
        assert client.get(f"{url}/orders/A-9").json() == {"detail": "nothing here"}
        assert client.get(f"{url}/page").text == "<p>hello</p>"
        assert client.post(f"{url}/orders/A-1/payments", json={"amount": 5}).status_code == 201
    assert seen[0][2]["x-own"] == "1"
    assert seen[-1][3] in (b'{"amount":5}', b'{"amount": 5}')
    ran = chaos.journal.of(RanTool)
    assert [(run.tool, run.outcome, run.simulated) for run in ran] == [
        ("order", "result", False),
        ("order", "result", False),
        ("order", "error", False),
        ("page", "result", False),
        ("pay", "result", False),
    ]
    assert json.loads(ran[-1].arguments) == {"id": "A-1", "amount": 5}
    assert [one.status for one in chaos.journal.of(Served)] == [200, 200, 404, 200, 201]


def test_request_for_anything_else_goes_its_own_way(api, chaos, library):
    """Neither answered nor looked at."""
    url, seen = api
    with library.Client() as client:
        assert client.get(f"{url}/elsewhere").status_code == 404
        assert client.post(f"{url}/orders/A-1", json={}).status_code == 201
    assert len(seen) == 2
    assert chaos.journal.of(Served) == []


def test_result_is_damaged_on_its_way_back(api, chaos, library):
    """The API did its work."""
    url, seen = api
    chaos.fault("empty_result", tool="order")
    chaos.fault("truncated_result", tool="page", keep=0.5)
    with library.Client() as client:
        assert client.get(f"{url}/orders/A-1").json() == {**A1, "lines": []}
        page = client.get(f"{url}/page")
        assert (page.text, page.headers["content-type"]) == ("<p>hel", "text/html")
    assert len(seen) == 2
    assert [one.fault for one in chaos.journal.of(Struck)] == ["EmptyResult", "TruncatedResult"]
    assert [run.simulated for run in chaos.journal.of(RanTool)] == [True, True]


def test_answer_gets_lost_after_the_effect(api, chaos, library):
    """The client times out in virtual time; the payment was made."""
    url, seen = api
    chaos.fault("timeout_after_effect", tool="pay", calls=1)
    with library.Client(timeout=30) as client:
        before = chaos.clock.now()
        with pytest.raises(library.ReadTimeout):
            client.post(f"{url}/orders/A-1/payments", json={})
        assert chaos.clock.now() - before == pytest.approx(30, abs=1)
        assert client.post(f"{url}/orders/A-1/payments", json={}).json() == {"made": 2}
    assert len(seen) == 2


def test_request_is_delivered_twice(api, chaos, library):
    """The last answer counts."""
    url, seen = api
    chaos.fault("duplicate_delivery", tool="pay")
    with library.Client() as client:
        reply = client.post(f"{url}/orders/A-1/payments", json={"amount": 5})
    assert reply.json() == {"made": 2}
    assert [one[3] for one in seen] == [seen[0][3]] * 2


def test_what_is_refused_never_arrives(api, chaos, library):
    """Whatever stands in its way."""
    url, seen = api
    chaos.fault("rate_limited", tool="pay", calls=1, retry_after=7)
    chaos.fault("hang", tool="order")
    with library.Client(timeout=3) as client:
        refused = client.post(f"{url}/orders/A-1/payments", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
        with pytest.raises(library.ReadTimeout):
            client.get(f"{url}/orders/A-1")
    assert seen == []


def test_failing_tool_is_an_error_of_the_api(api, chaos, library):
    """Although the API was fine."""
    url, seen = api
    chaos.fault("error_result", tool="order", error="no space left")
    chaos.fault("partial_write", tool="pay")
    with library.Client() as client:
        reply = client.get(f"{url}/orders/A-1")
        assert (reply.status_code, reply.json()["error"]["message"]) == (500, "no space left")
        assert client.post(f"{url}/orders/A-1/payments", json={}).status_code == 500
    assert len(seen) == 2


def test_bytes_are_damaged_as_well(api, chaos, library):
    """Faults of the connection know nothing of who answered."""
    url, _ = api
    chaos.fault("wrong_length", tool="page")
    with library.Client() as client, pytest.raises(library.RemoteProtocolError):
        client.get(f"{url}/page")


def test_error_of_the_network_reaches_the_client_as_it_is(library):
    """A refused connection of the real transport, observed."""
    with Chaos(judged=False, silent=True, unstruck=True) as world:
        world.tool("order", http="GET http://127.0.0.1:9/orders", real=True)
        with library.Client() as client, pytest.raises(library.ConnectError):
            client.get("http://127.0.0.1:9/orders")
        (ran,) = world.journal.of(RanTool)
        assert (ran.outcome, ran.simulated) == ("raised", False)


def test_async_clients_pass_too(api, chaos, library):
    """On an event loop in virtual time."""
    url, seen = api
    chaos.fault("empty_result", tool="order", calls=1)

    async def ask():
        async with library.AsyncClient() as client:
            first = await client.get(f"{url}/orders/A-1")
            second = await client.get(f"{url}/orders/A-1")
            return first.json(), second.json()

    assert asyncio.run(ask()) == ({**A1, "lines": []}, A1)
    assert len(seen) == 2


REAL = """
title = "t"
[workload]
prompt = "-"
[[tools]]
name = "order"
http = "GET https://shop.internal/orders/{id}"
real = true
[[promises]]
check = "every_user_answered"
"""


def test_real_host_must_be_allowed():
    """Nothing leaves the machine by surprise."""
    with pytest.raises(ScenarioError) as caught:
        parse(REAL, "real.chaos.toml")
    (problem,) = caught.value.problems
    assert (problem.where, problem.key) == ("real.chaos.toml:7", "tools[0].http")
    assert problem.message == "the real shop.internal is out of reach"
    assert problem.advice == 'allow it: [network] allow = ["shop.internal"]'
    allowed = REAL.replace("[[tools]]", '[network]\nallow = ["shop.internal"]\n[[tools]]')
    assert parse(allowed, "real.chaos.toml").tools[0].real
