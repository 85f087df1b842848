"""Schemas that clients send: followed, refused as the vendor does, or answered with words."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit.check import Verdict
from chaoskit.scenario import parse
from chaoskit.serving import serving

ASK = {"messages": [{"role": "user", "content": "Why did the deploy fail?"}]}
HEADERS = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}
CLAUDE = ASK | {"model": "claude-sonnet-4-6", "max_tokens": 99}
CHAT = ASK | {"model": "gpt-5-mini"}
RESPONSES = {"model": "gpt-5-mini", "input": "Why did the deploy fail?"}
NOWHERE = {
    "type": "object",
    "properties": {
        "gone": {"$ref": "#/$defs/absent"},
        "far": {"$ref": "https://example.invalid/schema.json"},
        "foreign": {"type": "string", "pattern": r"^(?<first>\p{Lu})"},
    },
    "required": ["gone", "far", "foreign"],
}
IMPOSSIBLE = {"type": "object", "properties": {"never": False}, "required": ["never"]}


def requests(schema):
    """Requests in which a schema can stand, with the path of each."""
    tool = {"name": "look", "parameters": schema}
    form = {"name": "form", "schema": schema}
    wanted = {"type": "json_schema"}
    return {
        "claude tool": (
            "messages",
            CLAUDE | {"tools": [{"name": "look", "input_schema": schema}]},
        ),
        "claude output": (
            "messages",
            CLAUDE | {"output_config": {"format": wanted | {"schema": schema}}},
        ),
        "chat tool": (
            "chat/completions",
            CHAT | {"tools": [{"type": "function", "function": tool}]},
        ),
        "chat strict tool": (
            "chat/completions",
            CHAT | {"tools": [{"type": "function", "function": tool | {"strict": True}}]},
        ),
        "chat output": (
            "chat/completions",
            CHAT | {"response_format": wanted | {"json_schema": form}},
        ),
        "responses tool": ("responses", RESPONSES | {"tools": [tool | {"type": "function"}]}),
        "responses output": ("responses", RESPONSES | {"text": {"format": wanted | form}}),
    }


UNLIMITED = parse(
    'title = "-"\nworkload.prompt = "-"\npromises = [{ check = "no_crash" }]\n'
    "[provider]\nlatency = { first_token = 0, tokens_per_second = 1_000_000_000 }\nlimits = { requests_per_minute = 1_000_000 }\n",
    "unlimited.chaos.toml",
)
WAYS = tuple(requests({}))
LOOSE = tuple(way for way in WAYS if way not in ("chat strict tool", "claude output"))


@pytest.fixture(scope="module")
def server():
    """A server for all tests of the module."""
    with serving(UNLIMITED) as running:
        yield running


def send(http, session, way, schema):
    """Send a request in which a schema stands."""
    path, body = requests(schema)[way]
    headers = HEADERS if path == "messages" else {"authorization": "Bearer k"}
    return http.post(f"{session.url}/v1/{path}", content=json.dumps(body), headers=headers)


@pytest.mark.wire("engine.schemas.nowhere")
@pytest.mark.parametrize("way", LOOSE)
def test_what_leads_nowhere_is_filled_in_as_the_model_likes(server, http, way):
    """Every name that is required is there, whatever stands behind it."""
    session = server.begin(f"nowhere {way}")
    answer = send(http, session, way, NOWHERE)
    assert answer.status_code == 200, answer.text
    assert all(name in answer.text for name in NOWHERE["required"])
    session.verify()


@pytest.mark.wire("engine.schemas.unsatisfiable")
@pytest.mark.parametrize("way", LOOSE)
def test_what_nothing_satisfies_is_answered_and_tells_why_nothing_is_known(server, http, way):
    """With the advice; what comes next is answered as if nothing had been."""
    session = server.begin(f"impossible {way}")
    assert send(http, session, way, IMPOSSIBLE).status_code == 200
    assert send(http, session, way, NOWHERE).status_code == 200
    (unknown,) = (one for one in session.judge() if one.judgement.verdict is Verdict.UNKNOWN)
    assert unknown.name == "simulated"
    assert "give its properties `examples`" in unknown.judgement.reason


PIECES = st.recursive(
    st.booleans()
    | st.sampled_from(
        [
            {"$ref": "#"},
            {"$ref": "#/properties/a"},
            {"$ref": "#/$defs/absent"},
            {"type": "integer", "minimum": 5, "maximum": 3},
            {"type": "string", "pattern": "("},
            {"type": "string", "pattern": "^(?=b)a$"},
            {"type": "array", "minItems": 10**9},
            {"enum": [1, "a", None]},
            {"not": {}},
            {"type": "strng"},
            {"$schema": "http://json-schema.org/draft-04/schema#", "required": []},
            {"const": "\ud800"},
        ]
    ),
    lambda inner: (
        st.builds(lambda a, b: {"allOf": [a, b]}, inner, inner)
        | st.builds(lambda a: {"anyOf": [a, a]}, inner)
        | st.builds(lambda a: {"type": "array", "items": a, "minItems": 1}, inner)
        | st.builds(lambda a: {"type": "object", "properties": {"b": a}, "required": ["b"]}, inner)
        | st.builds(lambda a: {"patternProperties": {"(": a}, "$id": "http://[bad"}, inner)
    ),
    max_leaves=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "$ref", "anyOf", "properties", "a"]), inner)
    ),
    max_leaves=8,
)
ANY = JSON | st.builds(
    lambda a, more: {"type": "object", "properties": {"a": a}, "required": ["a"]} | more,
    PIECES,
    st.sampled_from([{}, {"additionalProperties": False}, {"$defs": {"b": {"$ref": "#/$defs/b"}}}]),
)


@pytest.mark.wire("engine.schemas.any")
@given(way=st.sampled_from(WAYS), schema=ANY)
@settings(deadline=None)
def test_any_schema_gets_an_answer_of_the_vendor_and_ends_nothing(server, http, way, schema):
    """Never one of ours, and never the last."""
    session = server.session("any schema")
    answer = send(http, session, way, schema)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]["type"] == "invalid_request_error"
    assert not session.clock.stopped
