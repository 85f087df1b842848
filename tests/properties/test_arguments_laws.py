import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chaoskit.arguments import is_valid, valid_arguments, violations

NAMES = st.sampled_from(["query", "user_id", "limit", "filters", "note", "when", "x"])


def bounds(low, high, words, numbers):
    """Two bounds, either of them, or none, the lower one first."""
    return st.tuples(numbers, numbers, st.booleans(), st.booleans()).map(
        lambda t: (
            ({words[0]: max(low, min(t[:2]))} if t[2] else {})
            | ({words[1]: min(high, max(t[:2]))} if t[3] else {})
        )
    )


STRINGS = st.one_of(
    bounds(0, 40, ("minLength", "maxLength"), st.integers(0, 40)),
    st.sampled_from(["date", "date-time", "email", "uri", "uuid", "ipv4", "time", "unknown"]).map(
        lambda form: {"format": form}
    ),
    st.sampled_from(
        [r"^[A-Z]{2,5}-\d+$", r"\d{4}", r"^(a|bc)+x?$", r"^[^\s]{3,}$", r"^\w+@\w+\.com$", r"^$"]
    ).map(lambda pattern: {"pattern": pattern}),
    st.lists(st.text(max_size=8), min_size=1, max_size=3).map(lambda values: {"enum": values}),
    st.text(max_size=8).map(lambda value: {"const": value}),
    st.text(max_size=8).map(lambda value: {"default": value}),
    st.lists(st.text(max_size=8), min_size=1, max_size=3).map(lambda values: {"examples": values}),
).map(lambda rest: {"type": "string", **rest})
INTEGERS = st.one_of(
    bounds(-50, 50, ("minimum", "maximum"), st.integers(-50, 50)),
    st.integers(-50, 50).map(lambda n: {"exclusiveMinimum": n, "exclusiveMaximum": n + 2}),
    st.integers(1, 7).map(lambda n: {"multipleOf": n, "minimum": -5, "maximum": 5}),
).map(lambda rest: {"type": "integer", **rest})
FLOATS = st.one_of(
    bounds(-50, 50, ("minimum", "maximum"), st.floats(-50, 50)),
    st.floats(-50, 50).map(lambda n: {"exclusiveMinimum": n, "exclusiveMaximum": n + 0.5}),
    st.sampled_from([0.5, 0.25, 2, 10]).map(lambda n: {"multipleOf": n}),
).map(lambda rest: {"type": "number", **rest})
LEAVES = st.one_of(
    STRINGS,
    INTEGERS,
    FLOATS,
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, True]),
    st.sampled_from([{"$ref": "#/$defs/node"}, {"type": ["string", "null"]}, {"enum": [1, "a"]}]),
)


def arrays(inner):
    sizes = bounds(0, 4, ("minItems", "maxItems"), st.integers(0, 4))
    return st.tuples(inner, sizes, st.lists(inner, max_size=2)).map(
        lambda t: {
            "type": "array",
            "items": t[0],
            **t[1],
            **({"prefixItems": t[2]} if t[2] else {}),
        }
    )


def objects(inner):
    def made(parts):
        properties, required, extra = parts
        return {
            "type": "object",
            "properties": properties,
            "required": sorted(set(properties) & set(required)),
            **({} if extra is None else {"additionalProperties": extra}),
        }

    extra = st.sampled_from([None, True, False])
    return st.tuples(st.dictionaries(NAMES, inner, max_size=4), st.lists(NAMES), extra).map(made)


def combined(inner):
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        some.map(lambda schemas: {"anyOf": schemas}),
        inner.map(lambda schema: {"allOf": [schema, {"description": "what it is"}]}),
        inner.map(lambda schema: {"oneOf": [schema, {"const": "never met by chance"}]}),
    )


SCHEMAS = st.recursive(
    LEAVES, lambda inner: st.one_of(arrays(inner), objects(inner), combined(inner)), max_leaves=8
)
NODE = {
    "type": "object",
    "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/node"}},
    "required": ["value"],
}
TOOLS = objects(SCHEMAS).map(lambda schema: {**schema, "$defs": {"node": NODE}})


@settings(max_examples=40, deadline=None)
@given(schema=TOOLS, seed=st.integers(0, 2**32), hint=st.text(max_size=60))
def test_written_arguments_are_always_valid(schema, seed, hint):
    """For any schema that the generator makes, by the word of an independent validator."""
    arguments = valid_arguments(schema, random.Random(seed), hint)
    Draft202012Validator(schema).validate(arguments)
    assert is_valid(schema, json.dumps(arguments))
    assert violations(schema, arguments) == ()


@settings(max_examples=40, deadline=None)
@given(schema=TOOLS, seed=st.integers(0, 2**32))
def test_the_same_generator_writes_the_same_arguments(schema, seed):
    """Nothing else reaches them."""
    once = valid_arguments(schema, random.Random(seed), "a hint")
    assert once == valid_arguments(schema, random.Random(seed), "a hint")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(schema=TOOLS, arguments=JSON)
def test_arguments_are_valid_exactly_when_nothing_is_wrong_with_them(schema, arguments):
    """The two ways to ask agree."""
    assert is_valid(schema, json.dumps(arguments)) == (violations(schema, arguments) == ())
