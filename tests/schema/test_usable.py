"""Schemas that nobody can follow to the end, and what is made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chaoskit.arguments import is_valid
from chaoskit.schema.flaw import flaw
from chaoskit.schema.usable import usable


def obj(**properties):
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    "schema",
    [
        obj(x={"type": "string", "pattern": "^a$"}),
        obj(x={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"type": "string"}}},
        obj(x={"$ref": "#"}, y={"$ref": "#there"}, z={"$anchor": "there"}),
        obj(**{"$ref": {"type": "string"}, "pattern": {"type": "string"}}),
        obj(x={"const": {"$ref": "#/nowhere"}}, y={"enum": [{"pattern": "("}]}),
        {"$schema": "http://json-schema.org/draft-07/schema#"} | obj(x={"type": "string"}),
        {"$id": "https://a.example/s", "$ref": "t", "$defs": {"t": obj() | {"$id": "t"}}},
    ],
)
def test_what_can_be_followed_stays(schema):
    """As it is."""
    assert usable(schema) == schema


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/absent"},
        {"$ref": "https://example.invalid/schema.json"},
        {"$ref": "#/%zz"},
        {"$ref": "http://[bad"},
        {"$ref": "#/required/0"},
        {"$ref": "#/properties/type"},  # a table of schemas, one of which is called `type`
        {"$dynamicRef": "#absent"},
        {"pattern": r"(?<name>\p{L})"},
        {"patternProperties": {"(": False}},
        {"$id": "http://[bad"},
    ],
)
def test_what_leads_nowhere_admits_anything(schema):
    """What stands beside it is kept."""
    whole = obj(x=schema | {"maxLength": 3}, type={"type": "string"}) | {"required": ["x"]}
    if schema.get("$ref") == "#/properties/type":
        whole["properties"]["type"] = {"properties": {"type": {"type": "string"}}}
        schema["$ref"] = "#/properties/type/properties"
    assert not flaw(whole)
    made = usable(whole)
    assert [is_valid(made, text) for text in ('{"x": "abc"}', '{"x": 1}', "{}")] == [
        True,
        True,
        False,
    ]
    assert not is_valid(made, '{"x": "abcd"}')


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/properties/x"},
        {"anyOf": [{"$ref": "#/properties/x"}, {"$ref": "#/properties/x"}]},
        {"allOf": [{"$ref": "#/$defs/40"}]},
        {"not": {"not": {"$ref": "#/$defs/40"}}},
    ],
)
def test_what_has_no_end_admits_anything(schema):
    """Or one so far away that no validator gets there."""
    doubled = {str(n): {"allOf": [{"$ref": f"#/$defs/{n - 1}"}] * 2} for n in range(1, 41)}
    whole = obj(x=schema) | {"$defs": doubled | {"0": {"type": "string"}}, "required": ["x"]}
    made = usable(whole)
    assert is_valid(made, '{"x": 1}')
    assert not is_valid(made, "{}")
    assert made["$defs"]["5"] == doubled["5"]


def test_schemas_of_trees_have_an_end():
    """That of the value."""
    tree = obj(children={"type": "array", "items": {"$ref": "#"}}, left={"$ref": "#"})
    assert usable(tree) == tree


def test_draft_whose_rules_a_schema_breaks_is_not_its_own():
    """What is valid by today's rules may not be by those that it names."""
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "required": []} | obj()
    assert is_valid(usable(old), "{}")


NAMES = st.sampled_from(["a", "b", "type", "$ref"])
PLACES = st.sampled_from(
    [
        "#",
        "#/$defs/a",
        "#/$defs/b",
        "#/properties/a",
        "#/properties",
        "#a",
        "a",
        "https://x.example/",
    ]
)
SCHEMAS = st.recursive(
    st.booleans()
    | st.fixed_dictionaries({}, optional={"type": st.sampled_from(["string", "object", "null"])})
    | st.builds(lambda place: {"$ref": place}, PLACES)
    | st.builds(lambda text: {"pattern": text}, st.sampled_from(["a+", "(", r"\p{L}", "(?<a>b)"])),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, inner),
            "$defs": st.dictionaries(NAMES, inner),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["a", "("]), inner),
            "$id": st.sampled_from(["a", "https://x.example/y", "http://[bad"]),
        },
    ),
    max_leaves=6,
)


@given(SCHEMAS.filter(lambda schema: isinstance(schema, dict)))
def test_usable_schemas_judge_every_value(schema):
    """No reference is lost on the way, no pattern breaks, and doing it twice changes nothing."""
    assert not flaw(schema)
    made = usable(schema)
    assert not flaw(made)
    assert usable(made) == made
    for value in ({}, {"a": {"b": "text"}}, [], "text", None):
        assert Draft202012Validator(made).is_valid(value) in (True, False)
