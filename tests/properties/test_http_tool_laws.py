"""Laws of tools over plain HTTP: arguments and results survive, and nothing breaks the server."""

import json
import random
from dataclasses import replace
from urllib.parse import quote, urlencode

from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from chaoskit.dialects import HttpToolDialect
from chaoskit.dialects.http_tool.openapi import document
from chaoskit.exchange import HttpRequest
from chaoskit.fault import Offered, Result
from chaoskit.mcp import McpSettings
from chaoskit.provider.shelf import Shelf
from chaoskit.route import Route
from chaoskit.scenario import parse
from chaoskit.serving import Session
from chaoskit.steps import Finish, Head, Send
from chaoskit.tool_dialect import Desk, Ran, Site

DIALECT = HttpToolDialect()
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1)


def desk(*tools):
    site = Site(tools=tools, own=True)
    return Desk(ids=random.Random(1), wall=0.0, shelf=Shelf(), settings=McpSettings(), site=site)


def asked(tool, method, path, **more):
    request = HttpRequest(method=method, host="127.0.0.1:1", path=path, **more)
    assert DIALECT.claims(request, desk(tool).site)
    return DIALECT.decode(request, desk(tool))


def sent(result, tool):
    """Status, headers and body of an answer to a run."""
    one = asked(tool, "POST", f"/tools/{tool.name}")
    ran = Ran(tool=tool, result=result)
    refusal = DIALECT.failure(ran)
    if refusal is None:
        steps = DIALECT.steps(one, DIALECT.frames(one, ran, desk(tool)), 0.0, desk(tool))
    else:
        steps = DIALECT.refuse(refusal, one, desk(tool))
    head, body, end = steps
    assert isinstance(head, Head)
    assert isinstance(end, Finish)
    assert isinstance(body, Send)
    assert int(head.headers["content-length"]) == len(body.data)
    return head, body.data


@given(arguments=st.dictionaries(st.text(), VALUES))
def test_json_arguments_arrive_as_they_were_sent(arguments):
    """In whatever shape."""
    one = asked(Offered(name="t"), "POST", "/tools/t", body=json.dumps(arguments).encode())
    assert (one.refusal, one.arguments) == (None, arguments)


@given(value=VALUES)
def test_results_come_back_as_json(value):
    """Texts among them; surrogates excepted, which no text on a wire has."""
    head, body = sent(Result(value=value), Offered(name="t"))
    assert head.status == 200
    assert json.loads(body) == value


@given(text=st.text(), kind=st.sampled_from(["not_found", "conflict", "server_error", "timeout"]))
def test_failures_come_back_with_their_text(text, kind):
    """And with a status of their own."""
    head, body = sent(Result(error=text, kind=kind), Offered(name="t"))
    assert head.status in (404, 409, 500, 504)
    told = json.loads(body)["error"]
    assert (told["code"], told["message"]) == (kind, text or kind.replace("_", " "))


TYPED = {
    "s": {"type": "string"},
    "i": {"type": "integer"},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "l": {"type": "array", "items": {"type": "integer"}},
}
TOOL = Offered(
    name="t",
    schema={"type": "object", "properties": TYPED},
    route=Route.parse("POST https://api.internal/v1/{s}/x/{i}"),
)
SOME = st.fixed_dictionaries(
    {},
    optional={
        "n": NUMBERS,
        "b": st.booleans(),
        "l": st.lists(st.integers(-(10**9), 10**9), min_size=1),
        "more": st.text(st.characters(codec="utf-8")),
    },
)


def as_text(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


@given(
    place=st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1),
    number=st.integers(-(10**9), 10**9),
    given_=SOME,
    form=st.booleans(),
)
def test_arguments_are_typed_wherever_they_stand(place, number, given_, form):
    """In the path, in the query, and in a form."""
    flat = {
        name: value if isinstance(value, str) else
        [as_text(one) for one in value] if isinstance(value, list) else as_text(value)
        for name, value in given_.items()
    }  # fmt: skip
    text = urlencode(flat, doseq=True)
    where = (
        {
            "body": text.encode(),
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        }
        if form
        else {"query": text}
    )
    one = asked(TOOL, "POST", f"/v1/{place}/x/{number}", **where)
    assert one.arguments == {"s": place, "i": number, **given_}


@given(path=st.text(), quoted=st.booleans())
def test_route_finds_what_it_was_filled_with(path, quoted):
    """And nothing else: a slash ends a place."""
    value = quote(path, safe="") if quoted else path
    found = TOOL.route.values(f"/v1/{value}/x/7")
    whole = bool(value) and "/" not in value
    assert found == ({"s": value, "i": "7"} if whole else None)


SHOP = """
title = "t"
[workload]
prompt = "-"
[records.orders]
rows = [{ id = "A-1", total = 80.0 }]
[[tools]]
name = "refund"
input = { id = "string", amount = "number" }
does = { update = "orders" }
http = "POST https://shop.internal/orders/{id}"
[[promises]]
check = "every_user_answered"
"""
SESSION = Session(parse(SHOP, "shop.chaos.toml"))
WHOLE = json.dumps({"amount": 5, "note": "grüße", "deep": [{"a": [1, 2]}]}).encode()


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"]),
    path=st.sampled_from(["/orders/A-1", "/tools/refund", "/tools", "/openapi.json"])
    | st.text().map(lambda text: f"/tools/{text}"),
    query=st.text(),
    media=st.sampled_from(
        ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "\0"]
    ),
    body=st.binary() | st.integers(0, len(WHOLE)).map(lambda size: WHOLE[:size]),
)
def test_no_request_breaks_the_server(method, path, query, media, body):
    """Whatever is sent gets a whole answer in JSON with a status below 500."""
    request = HttpRequest(
        method=method,
        host="shop.internal",
        path=path,
        query=query,
        headers={"content-type": media},
        body=body,
    )
    assert SESSION.tools.claims(request)
    exchange = SESSION.tools.exchange(request)
    head, sent_, end = exchange.steps
    assert 200 <= head.status < 500
    assert isinstance(end, Finish)
    json.loads(sent_.data)


SCHEMAS = st.dictionaries(
    NAMES,
    st.sampled_from(
        [{"type": "string"}, {"type": "integer"}, {"$ref": "#/$defs/deep"}, {"enum": [1, None]}]
    ),
).map(
    lambda properties: {
        "type": "object",
        "properties": properties,
        "required": sorted(properties)[:2],
        "$defs": {"deep": {"type": "array", "items": {"$ref": "#/$defs/deep"}}},
    }
)


@given(
    tools=st.lists(
        st.builds(
            Offered,
            name=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)
            | st.sampled_from(["a.b", "a b", "a_b"]),
            title=st.text(max_size=5),
            description=st.text(max_size=5),
            schema=SCHEMAS,
            output=SCHEMAS | st.just({}),
            creates=st.booleans(),
            key_header=st.sampled_from(["", "idempotency-key"]),
        ),
        max_size=4,
        unique_by=lambda tool: tool.name,
    ),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    own=st.booleans(),
)
def test_document_is_valid_whatever_is_offered(tools, method, own):
    """Every reference leads somewhere, and each tool is one operation."""
    routed = [
        replace(tool, route=Route.parse(f"{method} https://api.internal/v{index}"))
        if index % 2
        else tool
        for index, tool in enumerate(tools)
    ]
    made = document(tuple(routed), own=own)
    OpenAPIV31SpecValidator(made).validate()
    assert sorted(one["operationId"] for path in made["paths"].values() for one in path.values()) \
        == sorted(tool.name for tool in tools)  # fmt: skip
    assert "#/$defs" not in json.dumps(made)
