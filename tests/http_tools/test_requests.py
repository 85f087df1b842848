"""Requests and what becomes of them: the same by either library, in process and over a port."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from chaoskit.journal import RanTool, Served

A1 = {"id": "A-1", "total": 80.0, "status": "paid"}
A2 = {"id": "A-2", "total": 5, "status": "open"}


def error(code):
    """Tells whether a body reports an error of a kind."""
    return lambda body: body["error"]["code"] == code and bool(body["error"]["message"])


TABLE = [
    ("GET", "/orders/A-1", {}, 200, A1),
    ("GET", "/orders/A-9", {}, 404, error("not_found")),
    ("GET", "/orders", {}, 200, [A1, A2]),
    ("GET", "/orders", {"params": {"status": "open"}}, 200, [A2]),
    ("GET", "/orders", {"params": {"total": "80"}}, 200, [A1]),
    ("GET", "/orders", {"params": {"total": "dear"}}, 422, error("invalid_request")),
    ("POST", "/orders/A-1/refunds", {"json": {"amount": 5}}, 201,
     {"refund": "refund-1-1", "order_id": "A-1", "amount": 5}),
    ("POST", "/orders/A-1/refunds", {"data": {"amount": "5.5", "note": "5"}}, 201,
     {"refund": "refund-1-1", "order_id": "A-1", "amount": 5.5, "note": "5"}),
    ("POST", "/orders/A-1/refunds", {"params": {"amount": 5}, "json": {"note": "x"}}, 201,
     {"refund": "refund-1-1", "order_id": "A-1", "amount": 5, "note": "x"}),
    ("POST", "/orders/A-1/refunds", {"json": {"amount": 5, "order_id": "A-2"}}, 201,
     {"refund": "refund-1-1", "order_id": "A-1", "amount": 5}),
    ("POST", "/orders/A-9/refunds", {"json": {"amount": 5}}, 404, error("not_found")),
    ("POST", "/orders/A-1/refunds", {"json": {"amount": "5"}}, 422, error("invalid_request")),
    ("POST", "/orders/A-1/refunds", {"json": {}}, 422, error("invalid_request")),
    ("POST", "/orders/A-1/refunds", {"json": [5]}, 422, error("invalid_request")),
    ("POST", "/orders/A-1/refunds", {"content": b'{"amount": '}, 400, error("invalid_request")),
    ("POST", "/orders/A-1/refunds", {"content": b'{"amount": NaN}'}, 400,
     error("invalid_request")),
    ("POST", "/orders/A-1/refunds", {"files": {"amount": b"5"}}, 415, error("invalid_request")),
    ("PUT", "/orders/A-3", {"json": {"total": 1, "status": "new"}}, 201,
     {"id": "A-3", "total": 1, "status": "new"}),
    ("PUT", "/orders/A-1", {"json": {"total": 1, "status": "new"}}, 409, error("conflict")),
    ("DELETE", "/orders/A-1", {}, 200, A1),
    ("PATCH", "/orders/A-1", {"json": {}}, 405, error("invalid_request")),
    ("POST", "/tools/refund_order", {"json": {"order_id": "A-1", "amount": 5}}, 200,
     {"refund": "refund-1-1", "order_id": "A-1", "amount": 5}),
    ("POST", "/tools/quotas", {}, 200, {"left": 3}),
    ("POST", "/tools/greet", {"json": {}}, 200, "grüße"),
    ("POST", "/tools/broken", {"json": {}}, 500, error("server_error")),
    ("POST", "/tools/gone", {"json": {}}, 404, error("unknown_tool")),
    ("GET", "/tools/greet", {}, 405, error("invalid_request")),
    ("DELETE", "/tools", {}, 405, error("invalid_request")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "how", "status", "body"), TABLE, ids=[f"{r[3]} {r[0]} {r[1]}" for r in TABLE]
)
def test_request_is_answered_as_an_api_would(shop, method, path, how, status, body):
    """Path, query, form and JSON are arguments; failures are statuses, with JSON in them."""
    reply = shop().ask(method, path, **how)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    assert body(reply.json()) if callable(body) else body == reply.json()


def test_what_the_api_changes_remains(shop):
    """The records are those that every other way to the tools sees."""
    opened = shop()
    opened.ask("POST", "/orders/A-2/refunds", json={"amount": 5})
    opened.ask("DELETE", "/orders/A-1")
    assert opened.records("orders") == [{"id": "A-2", "total": 5, "status": "refunded"}]
    ran = opened.journal.of(RanTool)
    assert [(run.tool, run.outcome, run.valid) for run in ran] == [
        ("refund_order", "result", True),
        ("forget_order", "result", True),
    ]
    served = opened.journal.of(Served)
    assert [(one.dialect, one.operation, one.status) for one in served] == [
        ("http_tool", "run_tool", 201),
        ("http_tool", "run_tool", 200),
    ]


def test_idempotency_key_brings_the_first_answer_again(shop):
    """One refund for one key; another one without."""
    opened = shop()
    ask = {"json": {"amount": 5}, "headers": {"Idempotency-Key": "k-1"}}
    first, again = (opened.ask("POST", "/orders/A-1/refunds", **ask) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert len(opened.records("refunds")) == 1
    assert [run.recognised for run in opened.journal.of(RanTool)] == [True, True]
    opened.ask("POST", "/orders/A-1/refunds", json={"amount": 5})
    assert len(opened.records("refunds")) == 2
    assert not opened.journal.of(RanTool)[-1].recognised


def test_key_is_no_field_and_no_argument(shop):
    """It came beside them."""
    opened = shop()
    opened.ask("POST", "/orders/A-1/refunds", json={"amount": 5}, headers={"idempotency-key": "k"})
    (record,) = opened.records("refunds")
    assert sorted(record) == ["amount", "order_id", "refund"]


def test_limit_of_a_tool_is_a_429_that_says_when_to_come_back(shop):
    """In a header, as APIs do."""
    opened = shop()
    assert opened.ask("POST", "/tools/quotas").status_code == 200
    refused = opened.ask("POST", "/tools/quotas")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "quotas" in refused.json()["error"]["message"]
    assert opened.journal.of(Served)[-1].retry_after == pytest.approx(60, abs=10)


def test_list_says_what_there_is(shop):
    """Names, schemas and routes."""
    listed = shop().ask("GET", "/tools").json()["tools"]
    assert [tool["name"] for tool in listed][:2] == ["refund_order", "order"]
    assert listed[1]["output"]["required"] == ["id", "total", "status"]
    assert listed[1]["http"] == "GET https://shop.internal/orders/{id}"


def test_openapi_document_is_valid_and_complete(shop):
    """One operation for each tool, found by a program that knows nothing of the scenario."""
    document = shop().ask("GET", "/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    operations = {
        made["operationId"]: (method, path)
        for path, methods in document["paths"].items()
        for method, made in methods.items()
    }
    assert operations["refund_order"] == ("post", "/orders/{order_id}/refunds")
    assert operations["quotas"] == ("post", "/tools/quotas")
    assert len(operations) == 8
    refund = document["paths"]["/orders/{order_id}/refunds"]["post"]
    assert [(one["name"], one["in"]) for one in refund["parameters"]] == [
        ("order_id", "path"),
        ("idempotency-key", "header"),
    ]
    assert list(document["components"]["schemas"]["refund_order.input"]["properties"]) == [
        "amount",
        "note",
    ]
    find = document["paths"]["/orders"]["get"]
    assert [(one["name"], one["in"], one["required"]) for one in find["parameters"]] == [
        ("status", "query", False),
        ("total", "query", False),
    ]
    assert {"201", "400", "404", "409", "422", "429", "500"} == set(refund["responses"])


def test_openapi_document_leads_back_to_where_it_was_read(on_a_port):
    """In a session, paths begin with the session's."""
    opened = on_a_port()
    document = opened.ask("GET", "/openapi.json").json()
    assert document["servers"] == [{"url": "/~shop"}]
    assert not any("servers" in made for one in document["paths"].values() for made in one.values())


def test_openapi_document_names_the_api_where_requests_are_intercepted(in_process):
    """There a client must say the host."""
    document = in_process().ask("GET", "/openapi.json").json()
    assert document["paths"]["/orders"]["get"]["servers"] == [{"url": "https://shop.internal"}]


def test_all_of_a_declared_host_is_simulated(in_process):
    """A path that nobody declared is a 404, not an attempt to reach the network."""
    reply = in_process().ask("GET", "/customers/7")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


def test_host_that_nobody_declared_is_refused(in_process):
    """Nothing leaves the machine."""
    opened = in_process()
    with pytest.raises(Exception, match="while a chaos run is active"):
        opened.client.get("https://elsewhere.internal/orders/A-1")


def test_async_clients_are_answered(in_process, library):
    """At the same virtual time, by tasks side by side."""
    in_process()

    async def ask():
        async with library.AsyncClient() as client:
            urls = [f"https://shop.internal/orders/A-{n}" for n in (1, 2, 3)]
            replies = await asyncio.gather(*(client.get(url) for url in urls))
            return [reply.status_code for reply in replies]

    assert asyncio.run(ask()) == [200, 200, 404]


def test_sessions_have_worlds_of_their_own(on_a_port):
    """What one forgets is there in the other."""
    opened = on_a_port()
    opened.ask("DELETE", "/orders/A-1")
    other = opened.api.replace("/~shop", "/~other")
    assert opened.client.get(f"{other}/orders/A-1").json() == A1
    header = {"x-chaos-session": "other"}
    root = opened.api.replace("/~shop", "")
    assert opened.client.get(f"{root}/orders/A-1", headers=header).json() == A1


def test_clients_of_other_libraries_reach_the_port(on_a_port):
    """requests, and the standard library."""
    url = on_a_port().api
    reply = requests.post(f"{url}/orders/A-1/refunds", json={"amount": 5}, timeout=5)
    assert (reply.status_code, reply.json()["amount"]) == (201, 5)
    with urllib.request.urlopen(f"{url}/orders/A-1", timeout=5) as answer:
        assert json.load(answer)["status"] == "refunded"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/orders/A-9", timeout=5)
