"""What declares arguments, what of it is refused when it is written, and what vendors are told."""

import datetime as dt
import json

import pytest

from chaoskit_guards.errors import ArgError
from chaoskit_guards.vet import ArgSpec, Vet
from vetted_search import Condition, Model, Options, Search, problems, search


def test_metadata_methods_and_positions_survive():
    """The guarded tool is called like the bare one."""

    class Tools:
        prefix = ">"

        @Vet().guard()
        def echo(self, text: str, times: int = 1) -> str:
            """Say it again."""
            return self.prefix + text * times

    assert Tools().echo("a", 2) == ">aa"
    assert Tools().echo(text="a") == ">a"
    with pytest.raises(ArgError):
        Tools().echo(1)
    assert (Tools.echo.__name__, Tools.echo.__doc__) == ("echo", "Say it again.")
    assert list(Tools.echo.schema()["input_schema"]["properties"]) == ["text", "times"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda query: 1, "'limit' is declared, but no parameter"),
        (lambda query, limit, other: 1, "'other' is not declared"),
        (lambda limit, query, /: 1, "positional only"),
    ],
)
def test_declaration_and_function_cannot_drift_apart(function, message):
    """It is said when the tool is declared."""

    class Spec(ArgSpec):
        query: str
        limit: int = 1

    with pytest.raises(TypeError, match=message):
        Vet().guard(schema=Spec)(function)


def test_an_optional_name_without_a_default_needs_one_in_the_function():
    """Otherwise its absence would be a TypeError in the tool."""
    schema = {"properties": {"query": {"type": "string"}}}
    with pytest.raises(TypeError, match="may be absent"):
        Vet().guard(schema)(lambda query: query)
    assert Vet().guard(schema)(lambda query="x": query)() == "x"


@pytest.mark.parametrize("wrong", [complex, dict[int, str], "Nowhere", "text"])
def test_annotations_that_cannot_be_checked_are_refused_when_declared(wrong):
    """Not when the model calls."""

    def tool(a):
        return a

    tool.__annotations__ = {"a": wrong}
    with pytest.raises(TypeError):
        Vet().guard()(tool)
    with pytest.raises(TypeError):
        Vet().guard(schema=wrong)(tool)


def test_schemas_are_exported_for_both_vendors():
    """From the same declaration."""
    vet = Vet()
    tool = vet.guard(schema=Search, description="Find.")(search)
    ours, chat, responses = (tool.schema(v) for v in ("anthropic", "openai", "openai_responses"))
    assert ours["input_schema"] == chat["function"]["parameters"] == responses["parameters"]
    assert ours["input_schema"] == Search.schema()
    assert Search.schema()["properties"]["query"] == {
        "type": "string",
        "minLength": 1,
        "description": "what to look for",
    }
    assert (ours["name"], ours["description"]) == ("search", "Find.")
    assert vet.schemas() == [ours]
    json.dumps(ours)


def test_specs_can_be_constructed_and_check_themselves():
    """As plain objects."""
    assert repr(Condition(field="a")) == "Condition(field='a', op='eq')"
    assert Condition(field="a") != Condition(field="b")
    assert Search(query="x", filters=[Condition(field="a")]).filters == [Condition(field="a")]
    with pytest.raises(ArgError):
        Condition(field=1)


def test_a_dataclass_a_typeddict_and_a_model_declare_arguments_too():
    """With the same refusals."""
    assert Vet().guard(schema=Options)(lambda deep, depth=0: (deep, depth))(deep=True) == (True, 0)
    tool = Vet().guard(schema=Model)(lambda query, when, limit: (query, when, limit))
    assert tool(query="x", when="2026-11-22T07:00:00Z") == (
        "x",
        dt.datetime(2026, 11, 22, 7, tzinfo=dt.UTC),
        10,
    )
    assert problems(tool, query="x", limt=1) == {"/limt": "is unknown; did you mean 'limit'?"}


def test_json_schemas_of_servers_are_checked():
    """References, combinations, open and closed objects."""
    schema = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "format": "uri"},
            "mode": {"enum": ["r", "w"], "default": "r"},
            "lines": {"type": ["integer", "null"], "minimum": 1},
            "where": {"$ref": "#/$defs/node"},
            "size": {"anyOf": [{"type": "integer"}, {"const": "all"}]},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
            "both": {
                "allOf": [{"minimum": 1, "type": "integer"}, {"maximum": 5, "type": "integer"}]
            },
            "one": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]},
            "maybe": {"type": "string", "nullable": True},
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["path"],
        "$defs": {"node": {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}}},
    }
    tool = Vet().guard(schema, name="read")(lambda **given: given)
    good = {
        "path": "x",
        "lines": None,
        "where": {"child": {"child": {}}},
        "size": "all",
        "pair": [1, "a"],
        "both": 3,
        "one": 1,
        "maybe": None,
        "map": {"x": 1},
    }
    assert tool(**good) == {**good, "mode": "r", "pair": (1, "a")}
    bad = {
        "lines": 0,
        "where": {"child": {"chlid": {}}},
        "size": "some",
        "both": 9,
        "one": 7,
        "map": {"x": "y"},
        "mdoe": "r",
    }
    assert set(problems(tool, **bad)) == {
        "/path",
        "/lines",
        "/where/child/chlid",
        "/size",
        "/both",
        "/one",
        "/map/x",
        "/mdoe",
    }
    assert tool.schema()["input_schema"] == schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "object", "properties": {"a": {"not": {}}}},
        {"type": "object", "properties": {"a": {"type": "text"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://x.test/schema"}}},
        {"type": "object", "properties": {"a": 7}},
    ],
)
def test_schemas_that_cannot_be_checked_are_refused_when_declared(schema):
    """Better than to ignore a keyword."""
    with pytest.raises(TypeError):
        Vet().guard(schema)(lambda **given: given)
