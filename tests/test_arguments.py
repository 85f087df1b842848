import functools
import json
from random import Random

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from chaoskit.arguments import is_valid, valid_arguments, violations
from chaoskit.errors import UsageError

QUERY = {
    "type": "object",
    "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
    "required": ["query"],
    "additionalProperties": False,
}


def obj(**properties):
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('{"query": "x"}', True),
        ('{"query": "x", "limit": 5}', True),
        ('{"query": 5}', False),
        ("{}", False),
        ('{"query": "x", "extra": 1}', False),
        ('{"query": "x', False),
        ('"{}"', False),
        ("[]", False),
        ("", False),
        ('{"query": "x", "limit": NaN}', False),
        ('{"query": ' + "[" * 100_000, False),
    ],
)
def test_only_a_json_object_that_satisfies_the_schema_is_valid(text, valid):
    """Truncated, stringified and not-quite JSON are not."""
    assert is_valid(QUERY, text) is valid


def test_violations_name_the_place_and_the_problem():
    """In the order of the places."""
    schema = obj(filters={"type": "array", "items": obj(k={"type": "string"})}, n={"minimum": 3})
    assert violations(schema, {"filters": [{"k": 5}], "n": 1}) == (
        "filters[0].k: 5 is not of type 'string'",
        "n: 1 is less than the minimum of 3",
    )
    assert violations(schema, {}) == (
        "arguments: 'filters' is a required property",
        "arguments: 'n' is a required property",
    )
    assert violations(schema, "text") == ("arguments: str is not a JSON object",)
    assert violations(QUERY, {"query": "x"}) == ()


def test_a_search_is_filled_with_words_of_the_hint():
    """As a model would search."""
    made = valid_arguments(obj(query={"type": "string"}), Random(1), "Why did deploy d-42 fail?")
    assert made == {"query": "deploy d-42 fail"}


def test_an_id_is_taken_from_the_hint():
    """Where it has one."""
    made = valid_arguments(obj(order_id={"type": "string"}), Random(1), "Cancel order 8812, please")
    assert made == {"order_id": "8812"}
    other = valid_arguments(obj(order_id={"type": "string"}), Random(1), "Cancel my order")
    assert other["order_id"].startswith("order-")


def test_what_the_schema_names_itself_is_preferred():
    """Constants, defaults, examples, and the member of an enumeration that the hint mentions."""
    schema = obj(
        a={"const": 1},
        b={"type": "integer", "default": 7},
        c={"type": "string", "examples": ["EUR", "USD"]},
        d={"enum": ["dev", "staging", "prod"]},
        e={"type": "string", "default": 5},
    )
    made = valid_arguments(schema, Random(1), "roll back staging")
    assert {name: made[name] for name in "abcd"} == {"a": 1, "b": 7, "c": "EUR", "d": "staging"}
    assert isinstance(made["e"], str)


INTRICATE = {
    "reference": {
        **obj(tree={"$ref": "#/$defs/tree"}),
        "$defs": {
            "tree": obj(
                value={"type": "integer"},
                left={"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
            )
        },
    },
    "endless but for an empty list": {
        **obj(node={"$ref": "#/$defs/node"}),
        "$defs": {"node": obj(children={"type": "array", "items": {"$ref": "#/$defs/node"}})},
    },
    "anchor": {
        **obj(x={"$ref": "#word"}),
        "$defs": {"w": {"$anchor": "word", "type": "string", "minLength": 3}},
    },
    "draft 7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"n": {"type": "integer", "minimum": 3}},
        **obj(
            n={"$ref": "#/definitions/n"},
            pair={
                "type": "array",
                "items": [{"type": "string"}, {"type": "integer"}],
                "additionalItems": False,
                "minItems": 2,
            },
        ),
    },
    "allOf": {
        "allOf": [
            obj(a={"type": "number", "minimum": 1, "multipleOf": 2}),
            obj(a={"type": "integer", "maximum": 30, "multipleOf": 3}, b={"type": "string"}),
            {"properties": {"b": {"pattern": "^x"}}, "minProperties": 4},
            {"properties": {"b": {"pattern": "y$", "minLength": 2}}},
        ]
    },
    "two references": {
        "$defs": {"a": obj(a={"type": "string"}), "b": obj(b={"type": "integer"})},
        "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}],
    },
    "oneOf that overlap": obj(x={"oneOf": [{"type": "integer"}, {"minimum": 5}, {"const": 6}]}),
    "oneOf of objects": {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "city": {"type": "string"}},
        "oneOf": [
            {"properties": {"kind": {"const": "by_zip"}}, "required": ["kind", "zip"]},
            {"properties": {"kind": {"const": "by_city"}}, "required": ["kind", "city"]},
        ],
    },
    "any of the required": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        "additionalProperties": False,
    },
    "if": {
        **obj(unit={"enum": ["C"]}),
        "if": {"properties": {"unit": {"const": "C"}}},
        "then": {"required": ["limit"], "properties": {"limit": {"maximum": -3}}},
        "else": False,
    },
    "else": {
        **obj(unit={"enum": ["F"]}),
        "if": {"properties": {"unit": {"const": "C"}}},
        "else": {"required": ["limit"]},
    },
    "not": obj(x={"not": {"type": "string"}}, y={"type": "integer", "not": {"enum": [1, 2]}}),
    "dependent": {
        **obj(card={"type": "string"}),
        "dependentRequired": {"card": ["address"]},
        "dependentSchemas": {"card": obj(cvc={"type": "string", "pattern": r"^\d{3}$"})},
    },
    "unique": obj(
        tags={"type": "array", "items": {"enum": list("abcd")}, "minItems": 4, "uniqueItems": True},
        names={"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
    ),
    "contains": obj(
        x={"type": "array", "contains": {"const": 5}, "minContains": 2, "items": {"minimum": 1}}
    ),
    "names": {
        "type": "object",
        "minProperties": 2,
        "maxProperties": 2,
        "propertyNames": {"pattern": "^[a-z]{3}$"},
        "additionalProperties": {"type": "integer"},
    },
    "patterns of names": {
        "type": "object",
        "minProperties": 2,
        "required": ["x-1"],
        "patternProperties": {"^x-": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "bounds": obj(
        a={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01},
        b={"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
        c={"type": "number", "multipleOf": 0.1, "maximum": -7},
        d={"type": "integer", "multipleOf": 1.5},
        e={"type": "string", "minLength": 200},
        f={"type": "string", "maxLength": 0},
    ),
    "keywords met twice": {
        "allOf": [
            {
                **obj(x={"enum": [1, 2, 3], "not": {"const": 1}}, y={"type": "array"}),
                "propertyNames": {"maxLength": 3},
                "patternProperties": {"^z": {"type": "null"}},
                "anyOf": [{"required": ["y"]}, {"required": ["q"]}],
                "$ref": "#/$defs/small",
            },
            {
                "properties": {
                    "x": {"enum": [3, 2, 1], "not": {"const": 3}, "exclusiveMaximum": 9},
                    "y": {
                        "prefixItems": [{"type": "string"}, {"const": 4}],
                        "minItems": 3,
                        "uniqueItems": True,
                        "contains": {"minimum": 4},
                    },
                },
                "propertyNames": {"minLength": 1},
                "patternProperties": {"^y": {"prefixItems": [{"minLength": 2}], "items": True}},
                "anyOf": [{"required": ["z"]}, {"required": ["x"]}],
                "$ref": "#/$defs/large",
            },
            {"properties": {"x": {"exclusiveMaximum": 8}, "y": {"contains": {"maximum": 4}}}},
        ],
        "$defs": {"small": {"maxProperties": 6}, "large": {"minProperties": 2}},
    },
    "dynamic reference": {
        **obj(x={"$dynamicRef": "#node"}),
        "$defs": {"n": {"$dynamicAnchor": "node", "type": "integer"}},
    },
    "multiples": {"allOf": [obj(x={"type": "number", "multipleOf": n}) for n in (0.5, 0.75)]},
    "allOf tuples of draft 7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [
            obj(x={"type": "array", "items": [{"type": "string"}], "minItems": 1}),
            obj(x={"items": [{"minLength": 2}]}),
        ],
    },
    "allOf definitions": {
        "$defs": {"a": {**obj(a={"type": "null"}), "$defs": {"b": True}, "allOf": [{}]}},
        "allOf": [{"$ref": "#/$defs/a", "$defs": {"c": True}, "allOf": [{"title": "t"}]}],
    },
    "names from a table": {
        "type": "object",
        "minProperties": 2,
        "propertyNames": {"enum": ["red", "green", "blue"]},
    },
    "no word on types": {"required": ["x"]},
    "everything is allowed": {},
    "untyped": obj(a={}, b=True, c={"minimum": 5}, d={"items": {"type": "null"}}),
    "nullable": obj(a={"type": ["null", "integer"]}, b={"enum": [None]}),
}


@pytest.mark.parametrize("name", INTRICATE)
@pytest.mark.parametrize("seed", range(5))
def test_intricate_schemas_are_satisfied(name, seed):
    """Whatever way they are put together."""
    schema = INTRICATE[name]
    made = valid_arguments(schema, Random(seed), "Why did the last deploy fail?")
    validator_for(schema, default=Draft202012Validator)(schema).validate(made)
    assert isinstance(json.dumps(made), str)


def test_null_is_not_the_first_choice():
    """A model that is asked for a value gives one."""
    schema = obj(a={"type": ["null", "integer"]}, b={"anyOf": [{"type": "null"}, {"const": 3}]})
    made = valid_arguments(schema, Random(1))
    assert isinstance(made["a"], int)
    assert made["b"] == 3


@pytest.mark.parametrize(
    "schema",
    [
        obj(x=False),
        obj(x={"type": "string", "minLength": 3, "maxLength": 2}),
        obj(x={"type": "integer", "minimum": 3, "maximum": 2}),
        obj(x={"type": "string", "pattern": "(?=a)b"}),
        obj(x={"type": "string", "const": 5}),
        {"allOf": [obj(x={"const": 4}), obj(x={"const": 5})]},
        {"allOf": [obj(x={"type": "string"}), obj(x={"type": ["integer", "number"]})]},
        {**obj(x=True), "maxProperties": 0},
        {**obj(x={"$ref": "#/$defs/x"}), "$defs": {"x": {"$ref": "#/$defs/x"}}},
        {**obj(x={"$ref": "#/$defs/x"}), "$defs": {"x": obj(x={"$ref": "#/$defs/x"})}},
        {"type": "string"},
        obj(x={"type": "string", "minLength": 10**30}),
        obj(x={"type": "string", "pattern": "(a{60000}){60000}"}),
        obj(x={"type": "array", "minItems": 10**9}),
        obj(x={"type": "object", "minProperties": 10**9, "patternProperties": {"^a$": {}}}),
        obj(x={"type": "integer", "minimum": 10**400}),
        obj(x={"type": "number", "multipleOf": 1e-320}),
        obj(
            x={"allOf": [{"anyOf": [{"minimum": n}, {"type": "null"}]} for n in range(40)]}, y=False
        ),
    ],
)
def test_what_cannot_be_satisfied_is_said_to_be_so(schema):
    """With the advice to give examples."""
    with pytest.raises(UsageError, match="examples"):
        valid_arguments(schema, Random(1))


@pytest.mark.parametrize(
    "schema",
    [
        obj(x={"type": "strng"}),
        obj(x={"$ref": "#/$defs/absent"}),
        obj(x={"$ref": "https://example.invalid/schema.json"}),
        functools.reduce(lambda inner, _: obj(x=inner), range(300), {}),
    ],
)
def test_a_wrong_schema_is_the_users_mistake(schema):
    """No network is asked for the missing part."""
    for ask in (
        lambda: valid_arguments(schema, Random(1)),
        lambda: is_valid(schema, '{"x": 1}'),
        lambda: violations(schema, {"x": 1}),
    ):
        with pytest.raises(UsageError, match="schema of the tool's arguments is wrong"):
            ask()
