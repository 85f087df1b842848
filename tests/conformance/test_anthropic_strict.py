"""Schemas to which a Claude model is held: what the vendor's client sends, and how much of it."""

import datetime as dt
import decimal
import enum
import ipaddress
import json
import uuid
from typing import Annotated, Literal

import pytest
from anthropic import transform_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, Field, create_model

from chaoskit.dialects import DIALECTS
from chaoskit.exchange import Call, HttpRequest
from chaoskit.provider.catalogue import Catalogue

USUAL = {
    "model": "claude-haiku-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}
TEXT = {"type": "string"}


def decoded(path="/v1/messages", without="", **more):
    """What is understood of the usual request with more fields and without one."""
    body = {key: value for key, value in (USUAL | more).items() if key != without}
    request = HttpRequest(
        method="POST",
        host="api.anthropic.com",
        path=path,
        headers={"authorization": "Bearer test", "anthropic-version": "2023-06-01"},
        body=json.dumps(body).encode(),
    )
    dialect = next(dialect for dialect in DIALECTS if dialect.claims(request))
    return dialect.decode(request, Catalogue())


def refused(**more):
    """The text of the refusal, empty when there is none."""
    return getattr(decoded(**more), "message", "")


def output(schema):
    """The field that holds the answer to a schema."""
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def closed(properties, required=None):
    """A schema of an object, every property of which is required unless something else is."""
    names = list(properties) if required is None else required
    return {
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": False,
    }


def tools(*schemas, strict=True):
    """A tool for each schema."""
    return [
        {"name": f"t{at}", "strict": strict, "input_schema": schema}
        for at, schema in enumerate(schemas)
    ]


class Colour(enum.Enum):
    """An enumeration of values of several types."""

    RED = "red"
    TWO = 2


PLAIN = st.sampled_from(
    [
        str,
        int,
        float,
        bool,
        bytes,
        type(None),
        decimal.Decimal,
        dt.date,
        dt.datetime,
        dt.time,
        dt.timedelta,
        uuid.UUID,
        ipaddress.IPv4Address,
        ipaddress.IPv6Network,
        AnyUrl,
        Colour,
        Literal["a", "b"],
        Literal["a", 1],
        Annotated[int, Field(ge=1, lt=9, multiple_of=2)],
        Annotated[float, Field(gt=0.5, description="A share.")],
        Annotated[str, Field(min_length=1, max_length=9, pattern=r"^\w+\b")],
        Annotated[str, Field(json_schema_extra={"format": "phone"}, examples=["1"])],
        Annotated[list[int], Field(min_length=2, max_length=5)],
        Annotated[list[int], Field(min_length=1)],
        tuple[int, str],
        set[str],
        list[Literal["a"]],
    ]
)


def model(fields, *, optional):
    """A class of models with the fields, which have defaults if they are optional."""
    made = {
        name: (kind | None if optional else kind, None if optional else ...)
        for name, kind in fields.items()
    }
    return create_model("Made", **made)


def tagged(fields):
    """A class of models that is told from others by its tag, and a union of it and another."""
    first = create_model("First", tag=(Literal["first"], ...), **{n: (k, ...) for n, k in fields})
    second = create_model("Second", tag=(Literal["second"], ...))
    return Annotated[first | second, Field(discriminator="tag")]


TYPES = st.recursive(
    PLAIN,
    lambda inner: (
        st.builds(lambda kind: list[kind], inner)
        | st.builds(lambda kind: dict[str, kind], inner)
        | st.builds(lambda kind: kind | None, inner)
        | st.builds(lambda one, two: one | list[two], inner, inner)
        | st.builds(
            lambda fields, optional: model(fields, optional=optional),
            st.dictionaries(st.sampled_from(["a", "b", "properties"]), inner, max_size=3),
            st.booleans(),
        )
        | st.builds(tagged, st.lists(st.tuples(st.sampled_from(["c"]), inner), max_size=1))
    ),
    max_leaves=5,
)
MODELS = st.builds(
    lambda fields, optional: model(fields, optional=optional),
    st.dictionaries(st.sampled_from(["a", "b", "c", "type"]), TYPES, min_size=1),
    st.booleans(),
)


@pytest.mark.wire("anthropic.strict.sdk")
@given(shape=MODELS)
@settings(deadline=None)
def test_what_the_client_makes_of_a_model_is_taken(shape):
    """As the schema of an answer and as that of a strict tool, however the model is written."""
    schema = transform_schema(shape)
    assert not refused(**output(schema)), schema
    assert not refused(tools=tools(schema)), schema


@pytest.mark.wire("anthropic.strict.not_asked_for")
def test_a_tool_that_is_not_strict_has_any_schema():
    """And as many parameters as it likes."""
    fields = {f"p{at}": {"anyOf": [TEXT, {"type": "integer", "minimum": 3}]} for at in range(40)}
    loose = {"type": "object", "properties": fields, "oneOf": [{"required": ["p0"]}]}
    assert isinstance(decoded(tools=tools(*[loose] * 25, strict=False)), Call)
    assert "oneOf" in refused(tools=tools(loose))


@pytest.mark.wire("anthropic.strict.taken")
@pytest.mark.parametrize(
    "inner",
    [
        {"type": "string", "minLength": 1, "maxLength": 9},
        {"type": "string", "pattern": r"^[a-z(?!]{1,3}(?:\d|\(\?=)[\b]$", "format": "uuid"},
        {"type": "string", "default": "x", "title": "X", "examples": ["x"], "x-mine": 1},
        {"type": "array", "items": TEXT, "minItems": 1},
        {"type": "array"},
        {"type": ["string", "null"]},
        {"type": "number", "enum": [1, 2.5]},
        {"type": "integer", "enum": [1, 2.0]},
        {"type": "boolean", "enum": [True]},
        {"enum": ["x", 1, None]},
        {"const": "x"},
        {"allOf": [{"$ref": "#/$defs/text"}]},
        {"anyOf": [TEXT, {"type": "null"}], "description": "D", "default": None},
        {"$ref": "#/$defs/text", "description": "D"},
        {"$ref": "#/properties/again"},
        closed({"oneOf": TEXT, "minimum": TEXT, "$ref": TEXT}),
    ],
    ids=json.dumps,
)
def test_what_is_supported_is_taken(inner):
    """And a property may be called like a keyword."""
    schema = closed({"a": inner, "again": TEXT}) | {"$defs": {"text": TEXT}}
    assert isinstance(decoded(**output(schema)), Call)


FORMATS = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
]


@pytest.mark.wire("anthropic.strict.taken")
@pytest.mark.parametrize("name", FORMATS)
def test_ten_formats_are_taken(name):
    """Those which the documentation names."""
    assert isinstance(decoded(**output(closed({"a": TEXT | {"format": name}}))), Call)


def chain(length, times):
    """A schema of definitions, each of which refers to the next a number of times."""
    made = {
        f"d{at}": closed({f"p{n}": {"$ref": f"#/$defs/d{at + 1}"} for n in range(times)})
        for at in range(length)
    }
    return {"$ref": "#/$defs/d0", "$defs": made | {f"d{length}": TEXT}}


OPTIONAL = (
    "Schemas contains too many optional parameters ({}), which would make grammar compilation "
    "inefficient. Reduce the number of optional parameters in your tool schemas (limit: 24)."
)
UNIONS = (
    "Schemas contains too many parameters with union types ({} parameters with type arrays or "
    "anyOf). This causes exponential compilation cost. Reduce the number of nullable or "
    "union-typed parameters (limit: 16 parameters with unions)."
)
COUNTED = {"optional": (24, TEXT, [], OPTIONAL), "unions": (16, None, None, UNIONS)}
NULLABLE = st.sampled_from([{"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}])


@pytest.mark.wire("anthropic.strict.limits")
@given(
    what=st.sampled_from(sorted(COUNTED)),
    shares=st.lists(st.integers(0, 14), min_size=1, max_size=4),
    nullable=NULLABLE,
    nested=st.booleans(),
)
@settings(deadline=None)
def test_optional_parameters_and_unions_are_counted_over_all_schemas(
    what, shares, nullable, nested
):
    """Of every strict tool and of the answer, however deep."""
    most, inner, required, text = COUNTED[what]
    schemas = [
        closed({f"p{at}": inner or nullable for at in range(share)}, required) for share in shares
    ]
    if nested:
        schemas = [
            closed({"a": {"type": "array", "items": {"anyOf": [schema, TEXT]}}})
            for schema in schemas
        ]
    told = refused(**output(schemas[0]), tools=tools(*schemas[1:]))
    total = sum(shares)
    assert told == ("" if total <= most else text.format(total))


@pytest.mark.wire("anthropic.strict.limits")
def test_a_choice_counts_once_and_nothing_counts_behind_a_reference():
    """A union of many is one union; a definition may hold as many as it likes."""
    many = {"anyOf": [closed({"kind": {"const": at}}) for at in range(17)]}
    assert not refused(**output(closed({"a": many})))
    held = closed({f"p{at}": {"type": ["string", "null"]} for at in range(30)}, [])
    schema = closed({"a": {"$ref": "#/$defs/held"}}) | {"$defs": {"held": held}}
    assert not refused(**output(schema))


@pytest.mark.wire("anthropic.strict.limits")
def test_more_than_20_strict_tools_are_too_many():
    """Those that are not strict do not count."""
    schema = closed({"a": TEXT})
    others = [tool | {"name": f"o{tool['name']}"} for tool in tools(schema, strict=False)]
    assert not refused(tools=tools(*[schema] * 20) + others)
    assert refused(tools=tools(*[schema] * 21)) == (
        "Too many strict tools (21). The maximum number of strict tools supported is 20."
    )


@pytest.mark.wire("anthropic.strict.limits_when_counting")
def test_no_limit_holds_where_tokens_are_counted():
    """The rules do."""
    many = closed({f"p{at}": TEXT for at in range(30)}, [])
    assert "optional" in refused(tools=tools(many))
    counted = {"path": "/v1/messages/count_tokens", "without": "max_tokens"}
    assert isinstance(decoded(**counted, tools=tools(many)), Call)
    assert "additionalProperties" in refused(**counted, tools=tools({"type": "object"}))


@pytest.mark.wire("anthropic.strict.limits")
def test_definitions_are_followed_once_each_and_as_far_as_anybody_can():
    """However often they are referred to."""
    assert not refused(**output(chain(50, times=2)))
    assert refused(**output(chain(600, times=1))) == (
        "output_config.format.schema: Schema is too complex for compilation."
    )
