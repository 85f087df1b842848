"""What goes wrong on the way to a tool, in it, and on the way back, as HTTP clients see it."""

import textwrap
import tomllib

import pytest

from chaoskit.faults import FAULTS
from chaoskit.journal import RanTool, Served, Struck

NARROWED = ['{ tool = "order", calls = 1 }', '{ dialect = "http_tool", calls = 1 }']
ASK = ("GET", "/orders/A-1")


def fault(name, when, **settings):
    """The table of a fault, as a scenario writes it."""
    lines = [f'fault = "{name}"', f"when = {when}"]
    lines += [f"{key} = {value}" for key, value in settings.items()]
    return "\n[[faults]]\n" + "\n".join(lines) + "\n"


REFUSED = [
    ("unauthorised", {}, 401, {"www-authenticate": "Bearer"}),
    ("unauthorised", {"status": 403}, 403, {}),
    ("rate_limited", {"retry_after": '"7s"'}, 429, {"retry-after": "7"}),
    ("overloaded", {"retry_after": '"7s"'}, 503, {"retry-after": "7"}),
    ("server_error", {}, 500, {}),
    ("server_error", {"status": 503, "retry_after": '"9s"'}, 503, {"retry-after": "9"}),
]


@pytest.mark.parametrize("when", NARROWED)
@pytest.mark.parametrize(("name", "settings", "status", "headers"), REFUSED)
def test_refusal_is_a_status_with_json(shop, name, settings, status, headers, when):
    """The tool did not run."""
    opened = shop(fault(name, when, **settings))
    reply = opened.ask(*ASK)
    assert reply.status_code == status
    assert headers.items() <= reply.headers.items()
    assert set(reply.json()["error"]) == {"code", "message"}
    assert opened.journal.of(RanTool) == []
    (served,) = opened.journal.of(Served)
    assert (served.status, served.injected) == (status, True)


@pytest.mark.parametrize("when", NARROWED)
def test_page_of_a_gateway_is_no_json(shop, when):
    """An HTML page, as proxies have it."""
    opened = shop(fault("server_error", when, status=502, html="true"))
    reply = opened.ask(*ASK)
    assert reply.status_code == 502
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.text.startswith("<")


def test_early_client_is_refused_again(in_process):
    """Retry-After is meant."""
    opened = in_process(fault("rate_limited", NARROWED[0], retry_after='"7s"'))
    assert [opened.ask(*ASK).status_code for _ in range(2)] == [429, 429]
    opened.world.clock.sleep(7)
    assert opened.ask(*ASK).status_code == 200


BROKEN = [
    ("hang", {}, "ReadTimeout"),
    ("connect_error", {}, "ConnectError"),
    ("wrong_length", {}, "RemoteProtocolError"),
    ("cut_stream", {}, "RemoteProtocolError"),
    ("cut_stream", {"reset": "true"}, "ReadError"),
    ("broken_compression", {}, "DecodingError"),
    ("timeout_after_effect", {}, "ReadTimeout"),
]


@pytest.mark.parametrize("when", NARROWED)
@pytest.mark.parametrize(("name", "settings", "raised"), BROKEN)
def test_broken_connection_raises_what_the_client_always_raises(
    in_process, library, name, settings, raised, when
):
    """The next request is answered."""
    opened = in_process(fault(name, when, **settings))
    with pytest.raises(getattr(library, raised)):
        opened.ask(*ASK)
    assert opened.ask(*ASK).status_code == 200


@pytest.mark.parametrize(("name", "raised"), [("cut_stream", "RemoteProtocolError"),
                                              ("wrong_length", "RemoteProtocolError"),
                                              ("broken_compression", "DecodingError")])  # fmt: skip
def test_connection_breaks_on_the_port_too(on_a_port, library, name, raised):
    """With bytes instead of exceptions."""
    opened = on_a_port(fault(name, NARROWED[0]))
    with pytest.raises(getattr(library, raised)):
        opened.ask(*ASK)


def test_hanging_tool_ends_by_the_timeout_of_the_client(on_a_port, library):
    """A server that never answers."""
    opened = on_a_port(fault("timeout_after_effect", '{ tool = "forget_order" }'))
    opened.client.timeout = library.Timeout(0.2)
    with pytest.raises(library.ReadTimeout):
        opened.ask("DELETE", "/orders/A-1")
    assert opened.client.get(f"{opened.api}/orders/A-1").status_code == 404


@pytest.mark.parametrize(
    ("name", "settings", "seconds"),
    [
        ("slow", {"before": '"3s"'}, 3),
        ("slow_result", {"seconds": '"4s"'}, 4),
        ("dribble", {"pause": '"1s"', "size": 10}, None),
    ],
)
def test_slow_tools_take_virtual_time(in_process, name, settings, seconds):
    """The answer is whole, and late."""
    opened = in_process(fault(name, NARROWED[0], **settings))
    before = opened.world.clock.now()
    assert opened.ask(*ASK).json()["id"] == "A-1"
    took = opened.world.clock.now() - before
    assert took > 1 if seconds is None else took == pytest.approx(seconds)


def test_effect_happened_although_the_answer_got_lost(in_process, library):
    """A blind retry makes a second refund; one with a key does not."""
    opened = in_process(fault("timeout_after_effect", '{ tool = "refund_order", calls = "1,3" }'))
    ask = ("POST", "/orders/A-1/refunds")
    with pytest.raises(library.ReadTimeout):
        opened.ask(*ask, json={"amount": 1})
    assert len(opened.records("refunds")) == 1
    assert opened.ask(*ask, json={"amount": 1}).status_code == 201
    assert len(opened.records("refunds")) == 2
    with pytest.raises(library.ReadTimeout):
        opened.ask(*ask, json={"amount": 2}, headers={"idempotency-key": "k"})
    again = opened.ask(*ask, json={"amount": 2}, headers={"idempotency-key": "k"})
    assert again.json() == opened.records("refunds")[2]
    assert len(opened.records("refunds")) == 3


def test_failing_tool_is_a_500(shop):
    """Whether a fault or the scenario lets it fail."""
    opened = shop(fault("error_result", NARROWED[0], error='"no space left"'))
    reply = opened.ask(*ASK)
    assert reply.status_code == 500
    assert reply.json()["error"]["message"] == "no space left"


def test_truncated_result_is_no_json(shop):
    """The body ends in the middle, and says what it is all the same."""
    opened = shop(fault("truncated_result", NARROWED[0]))
    reply = opened.ask(*ASK)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert '{"id": "A-1", "total": 80.0, "status": "paid"}'.startswith(reply.text)
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        reply.json()


def test_tool_that_vanished_is_neither_listed_nor_there(shop):
    """The document says what is offered now."""
    opened = shop('\n[[faults]]\nfault = "tool_vanished"\ntool = "order"\n')
    assert opened.ask(*ASK).status_code == 404
    document = opened.ask("GET", "/openapi.json").json()
    assert "/orders/{id}" not in document["paths"] or "get" not in document["paths"]["/orders/{id}"]
    assert "order" not in [tool["name"] for tool in opened.ask("GET", "/tools").json()["tools"]]


def test_drifted_schema_is_in_the_document_and_in_force(shop):
    """Who reads the document again can call it."""
    opened = shop(
        '\n[[faults]]\nfault = "schema_drift"\ntool = "quotas"\nrequire = { team = "string" }\n'
    )
    assert opened.ask("POST", "/tools/quotas", json={}).status_code == 422
    document = opened.ask("GET", "/openapi.json").json()
    assert document["components"]["schemas"]["quotas.input"]["required"] == ["team"]
    assert opened.ask("POST", "/tools/quotas", json={"team": "x"}).status_code == 200


def test_faults_of_other_protocols_do_not_strike(in_process):
    """JSON-RPC has no place here."""
    opened = in_process(
        fault("json_rpc_error", NARROWED[1]) + fault("session_expired", NARROWED[1])
    )
    assert opened.ask(*ASK).status_code == 200
    assert opened.journal.of(Struck) == []


def settings_of(name):
    """The settings of a fault as its documentation has them."""
    first = textwrap.dedent(FAULTS[name].example).split("\n# or\n")[0]
    table = tomllib.loads(first)["faults"][0]
    return {k: v for k, v in table.items() if k not in ("fault", "when", "optional", "sticky")}


SEQUENCE = [
    ("GET", "/orders/A-1", {}),
    ("POST", "/orders/A-1/refunds", {"json": {"amount": 5}}),
    ("POST", "/orders/A-1/refunds", {"json": {"amount": "x"}}),
    ("DELETE", "/orders/A-2", {}),
    ("GET", "/orders/A-2", {}),
    ("GET", "/tools", {}),
    ("GET", "/openapi.json", {}),
    ("POST", "/tools/quotas", {}),
    ("POST", "/tools/quotas", {}),
]


def exchanged(opened):
    """Everything that a client sees, byte by byte."""
    replies = (opened.ask(method, path, **how) for method, path, how in SEQUENCE)
    return [(one.status_code, list(one.headers.items()), one.content) for one in replies]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_fault_that_does_not_strike_changes_nothing(living, name):
    """Not a byte, whatever the fault."""
    with living() as calm:
        expected = exchanged(calm)
    with living() as opened:
        opened.world.fault(name, start="1h", **settings_of(name))
        assert expected == exchanged(opened)
        assert opened.journal.of(Struck) == []
