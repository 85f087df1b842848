"""Damage is damage: whatever the schema, malformed arguments violate it."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaoskit.arguments import is_valid
from chaoskit.malform import KINDS, malform
from chaoskit.seed import derive

NAMES = st.sampled_from(["query", "limit", "api_key", "filters", "tags", "ünïcode", "a b"])
LEAVES = st.one_of(
    st.sampled_from([{"type": name} for name in ("string", "integer", "number", "boolean")]),
    st.just({}),
    st.lists(st.sampled_from(["new", "old", 1, 2, True, None]), min_size=1, unique_by=repr).map(
        lambda choices: {"enum": choices}
    ),
    st.sampled_from([{"const": "fixed"}, {"type": ["string", "null"]}, {"$ref": "#/$defs/mode"}]),
)


@st.composite
def objects(draw, parts):
    """An object schema over the given parts."""
    properties = draw(st.dictionaries(NAMES, parts, max_size=4))
    schema = {"type": "object", "properties": properties}
    if properties and draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from(sorted(properties)), unique=True))
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    return schema


PARTS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        objects(parts),
        parts.map(lambda items: {"type": "array", "items": items}),
        st.lists(parts, min_size=1, max_size=2).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=6,
)
SCHEMAS = objects(PARTS).map(lambda schema: {**schema, "$defs": {"mode": {"enum": ["r", "w"]}}})
PLAIN = {
    "string": st.text(max_size=12),
    "integer": st.integers(-99, 99),
    "number": st.floats(-9, 9),
    "boolean": st.booleans(),
}


def values(schema):
    """Values that satisfy a schema of the above."""
    if "$ref" in schema:
        return st.sampled_from(["r", "w"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    if "anyOf" in schema:
        return st.one_of([values(option) for option in schema["anyOf"]])
    match schema.get("type"):
        case "object":
            required = set(schema.get("required", ()))
            inner = {name: values(part) for name, part in schema["properties"].items()}
            return st.fixed_dictionaries(
                {name: part for name, part in inner.items() if name in required},
                optional={name: part for name, part in inner.items() if name not in required},
            )
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case ["string", "null"]:
            return st.none() | st.text(max_size=5)
        case None:
            return st.sampled_from(["anything", 1, [], {"a": "b"}])
        case plain:
            return PLAIN[plain]


@st.composite
def tools(draw):
    """A schema and arguments that satisfy it."""
    schema = draw(SCHEMAS)
    return schema, draw(values(schema))


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)  # other work may share the machine
@given(tool=tools(), number=st.integers(0, 1000))
def test_every_malformation_violates_the_schema(tool, number):
    """For every kind, be it possible for this schema or replaced by another."""
    schema, arguments = tool
    text = json.dumps(arguments)
    assert is_valid(schema, text)
    for kind in KINDS:
        damaged = malform(schema, text, [kind], derive(number, "law"))
        assert not is_valid(schema, damaged), (kind, damaged)
        assert damaged == malform(schema, text, [kind], derive(number, "law"))
