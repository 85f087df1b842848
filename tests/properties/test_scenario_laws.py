"""Laws of scenario files: written and read again they are equal, and nothing is lost of a mistake."""

import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from chaoskit.behaviours import BEHAVIOURS
from chaoskit.checks import CHECKS
from chaoskit.errors import ScenarioError
from chaoskit.faults import FAULTS
from chaoskit.scenario import parse
from chaoskit.scenario_lines import lines
from chaoskit.scenario_schema import schema, schema_of
from chaoskit.scenario_tables import LISTS, SECTIONS
from chaoskit.scenario_toml import dumps
from chaoskit.when import When

KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(KEYS | st.just("healthy"), VALUES, max_size=5)
DURATIONS = st.sampled_from([0, 3, 0.5, "250ms", "7s", "45m", "1h30m"])
VALIDATOR = Draft7Validator(schema())


def paths(value, path=()):
    """Return every path in a table."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from paths(item, (*path, key))


@given(TABLES)
def test_what_is_written_is_what_is_read(table):
    """TOML's own reader gives the table back."""
    assert table == tomllib.loads(dumps(table))


@given(TABLES)
def test_every_key_and_only_keys_have_a_line(table):
    """The scanner and TOML's own reader see the same."""
    assert sorted(paths(table), key=repr) == sorted(lines(dumps(table)), key=repr)


def values(node):
    """Return a strategy for what a schema allows, or None where that takes more than a schema."""
    if "const" in node or "enum" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    if "anyOf" in node:
        if any("pattern" in option for option in node["anyOf"]):
            return DURATIONS
        options = [strategy for option in node["anyOf"] if (strategy := values(option)) is not None]
        return st.one_of(options) if options else None
    low = node.get("minimum", node.get("exclusiveMinimum", 0))
    high = node.get("maximum", low + 100)
    beside = {"exclude_min": "exclusiveMinimum" in node}
    return {
        "boolean": st.booleans(),
        "integer": st.integers(low + ("exclusiveMinimum" in node), int(high)),
        "number": st.floats(low, high, **beside),
        "string": st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
    }.get(node.get("type"))


def tables(make):
    """Return a strategy for tables of settings."""
    node = schema_of(make)
    known = {key: values(value) for key, value in node.get("properties", {}).items()}
    known = {key: strategy for key, strategy in known.items() if strategy is not None}
    needed = {key: known.pop(key) for key in node.get("required", ()) if key in known}
    return st.fixed_dictionaries(needed, optional=known)


def members(registry, word):
    """Return a strategy for entries of a catalogue."""
    return st.sampled_from(sorted(registry)).flatmap(
        lambda name: tables(registry[name]).map(lambda table: {word: name} | table)
    )


def merged(*strategies):
    """Return a strategy for tables that are put together from others."""
    return st.tuples(*strategies).map(
        lambda parts: {k: v for part in parts for k, v in part.items()}
    )


OPTIONAL = st.fixed_dictionaries({}, optional={"optional": st.booleans()})
WHEN = st.fixed_dictionaries({}, optional={"when": tables(When)})
SCENARIOS = st.fixed_dictionaries(
    {
        "title": st.text(st.characters(codec="utf-8")),
        "workload": tables(SECTIONS["workload"]).map(
            lambda table: {"prompt": "?", "users": 1, **table}
        ),
        "promises": st.lists(merged(members(CHECKS, "check"), OPTIONAL), min_size=1, max_size=2),
    },
    optional={
        "story": st.text(st.characters(codec="utf-8")),
        "behaviour": members(BEHAVIOURS, "use"),
        "faults": st.lists(merged(members(FAULTS, "fault"), OPTIONAL, WHEN), max_size=2),
        "healthy": st.fixed_dictionaries({}, optional={"provider": tables(SECTIONS["provider"])}),
        **{key: tables(make) for key, make in SECTIONS.items() if key != "workload"},
        **{
            key: st.lists(
                tables(make),
                max_size=2,
                unique_by=lambda item: (
                    item.get("name", item["at"]) if "at" in item else item["name"]
                ),
            )
            for key, make in LISTS.items()
        },
    },
)


@given(SCENARIOS)
def test_a_scenario_written_and_read_again_is_equal(table):
    """Whatever the catalogues hold, and whatever of it a file uses."""
    try:
        scenario = parse(dumps(table), "a.chaos.toml")
    except ScenarioError:
        assume(False)
    assert scenario == parse(scenario.dumps(), "a.chaos.toml")


@given(SCENARIOS)
def test_what_is_read_satisfies_the_schema(table):
    """Editors accept each file that the reader accepts, and what the scenario writes of itself."""
    try:
        scenario = parse(dumps(table), "a.chaos.toml")
    except ScenarioError:
        assume(False)
    assert [error.message for error in VALIDATOR.iter_errors(table)] == []
    assert [error.message for error in VALIDATOR.iter_errors(scenario.to_dict())] == []


@given(SCENARIOS, st.data())
def test_every_mistake_has_a_key_and_a_line(table, data):
    """A value of the wrong kind anywhere: the problem says where, in our own words."""
    spoilt = data.draw(st.sampled_from(sorted(paths(table), key=repr)))
    place = table
    for key in spoilt[:-1]:
        place = place[key]
    place[spoilt[-1]] = data.draw(st.sampled_from([{"strange": [1]}, [[1]], True, -1, "zzz"]))
    try:
        parse(dumps(table), "a.chaos.toml")
    except ScenarioError as error:
        for problem in error.problems:
            assert problem.key
            assert problem.where.startswith("a.chaos.toml")
            assert "pydantic" not in str(problem)
            assert "Input should" not in problem.message


@pytest.mark.parametrize("key", sorted(key for key in schema()["properties"]))
def test_every_misspelt_key_is_recognised(key):
    """The last two letters swapped: the right one is suggested."""
    with pytest.raises(ScenarioError) as caught:
        parse(f"{key[:-2]}{key[-1]}{key[-2]} = 3\n", "a.chaos.toml")
    assert f"did you mean {key!r}?" in [problem.advice for problem in caught.value.problems]
