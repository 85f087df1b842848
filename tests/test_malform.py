import json

import pytest

from chaoskit.arguments import is_valid
from chaoskit.malform import malform
from chaoskit.seed import derive

SCHEMA = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "sort": {"$ref": "#/$defs/Sort"},
        "limit": {"anyOf": [{"enum": [10, 20]}, {"type": "null"}]},
        "filters": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"const": "level"}, "value": {"type": "string"}},
                "required": ["field"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["query"],
    "additionalProperties": False,
    "$defs": {"Sort": {"enum": ["newest", "oldest"]}},
}
VALID = {
    "query": "deploy errors",
    "sort": "newest",
    "limit": 10,
    "filters": [{"field": "level", "value": "error"}],
}
TEXT = json.dumps(VALID)


def _all(*kinds, schema=SCHEMA, text=TEXT, number=60):
    return [malform(schema, text, kinds, derive(seed, "test")) for seed in range(number)]


def _leaves(value, path=()):
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {path: value}
    return {key: leaf for name, item in items for key, leaf in _leaves(item, (*path, name)).items()}


def test_wrong_type_changes_one_value():
    """A list of words where a text belongs is among it."""
    damaged = [json.loads(text) for text in _all("wrong_type", number=400)]
    assert all(set(arguments) == set(VALID) for arguments in damaged)
    assert {**VALID, "query": ["deploy", "errors"]} in damaged


def test_missing_drops_what_is_required():
    """At the top and inside."""
    damaged = set(_all("missing"))
    without = {key: value for key, value in VALID.items() if key != "query"}
    inner = {**VALID, "filters": [{"value": "error"}]}
    assert damaged == {json.dumps(without), json.dumps(inner)}


def test_extra_adds_what_is_not_allowed():
    """All that was there stays."""
    for text in _all("extra"):
        leaves = _leaves(json.loads(text))
        assert len(leaves) == len(_leaves(VALID)) + 1
        assert leaves.items() >= _leaves(VALID).items()


def test_nested_wraps_a_value():
    """The whole, or a part of it."""
    damaged = [json.loads(text) for text in _all("nested", number=400)]
    assert {"input": VALID} in damaged
    assert any(isinstance(arguments.get("query"), dict) for arguments in damaged)


def test_wrong_enum_is_near_a_choice():
    """Through references, alternatives, lists and constants."""
    changed = {}
    for text in _all("wrong_enum", number=200):
        ((path, value),) = (_leaves(json.loads(text)).items() - _leaves(VALID).items()) or [None]
        changed.setdefault(path, set()).add(value)
    assert set(changed) == {("sort",), ("limit",), ("filters", 0, "field")}
    assert "NEWEST" in changed["sort",]


def test_stringified_is_json_in_a_text():
    """An object or list that was encoded twice."""
    damaged = [json.loads(text) for text in _all("stringified")]
    assert {**VALID, "filters": json.dumps(VALID["filters"])} in damaged


def test_truncated_is_the_beginning():
    """As after too few tokens."""
    assert all(TEXT.startswith(text) for text in _all("truncated"))


def test_not_an_object_is_json_all_the_same():
    """A list, a text or a number."""
    kinds = {type(json.loads(text)) for text in _all("not_an_object")}
    assert kinds == {list, str, int}


def test_null_is_null():
    """Nothing at all."""
    assert set(_all("null")) == {"null"}


def test_a_kind_that_the_schema_permits_is_replaced():
    """Nothing is missing where nothing is required."""
    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    text = '{"query": "x"}'
    for damaged in _all("missing", "extra", "wrong_enum", schema=schema, text=text):
        assert not is_valid(schema, damaged)


def test_arguments_of_a_tool_without_any_can_be_damaged():
    """The schema permits everything but what is no object."""
    for damaged in _all("wrong_type", schema={"type": "object"}, text="{}"):
        assert not is_valid({"type": "object"}, damaged)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"text"'])
def test_what_is_no_object_is_left_alone(text):
    """It is damaged already."""
    assert malform(SCHEMA, text, ["missing"], derive(1)) is None


def test_choices_are_found_through_recursive_references():
    """As deep as the arguments go."""
    schema = {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "mode": {"enum": ["r"]}},
    }
    text = '{"next": {"next": {"mode": "r"}}}'
    damaged = json.loads(malform(schema, text, ["wrong_enum"], derive(1)))
    assert damaged["next"]["next"]["mode"] != "r"


TYPED = {"flag": True, "ratio": 0.5, "nested": {"a": 1}, "items": [1, 2], "nothing": None}
TYPES = {
    "flag": "boolean",
    "ratio": "number",
    "nested": "object",
    "items": "array",
    "nothing": "null",
}


@pytest.mark.parametrize("name", list(TYPED))
def test_every_type_has_a_wrong_type(name):
    """None of them is spared."""
    schema = {
        "type": "object",
        "properties": {name: {"type": TYPES[name]}},
        "required": [name],
        "additionalProperties": False,
    }
    text = json.dumps({name: TYPED[name]})
    changed = [
        json.loads(damaged)[name] for damaged in _all("wrong_type", schema=schema, text=text)
    ]
    shown = {repr(value) for value in changed}  # True equals 1 in Python, not in JSON
    assert len(shown) > 1
    assert repr(TYPED[name]) not in shown


@pytest.mark.parametrize(("choices", "value"), [([1, 2], 1), ([None], None), ([[1]], [1])])
def test_a_choice_of_any_type_has_a_near_miss(choices, value):
    """Not only texts are listed in schemas."""
    schema = {"type": "object", "properties": {"x": {"enum": choices}, "y": True}}
    text = json.dumps({"x": value, "y": {}})
    for damaged in _all("wrong_enum", schema=schema, text=text):
        assert json.loads(damaged)["x"] not in choices
