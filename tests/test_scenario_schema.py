"""The schema that editors use."""

from importlib.resources import files

import pytest
from jsonschema import Draft7Validator

from chaoskit.faults import FAULTS
from chaoskit.scenario_schema import schema, schema_of, schema_text
from chaoskit.when import When

SMALL = {
    "title": "t",
    "workload": {"prompt": "?"},
    "promises": [{"check": "every_user_answered"}],
}


def said(**more):
    """Return what the schema has against a small scenario with something more in it."""
    return [error.message for error in Draft7Validator(schema()).iter_errors(SMALL | more)]


def test_the_shipped_schema_is_up_to_date():
    """`chaoskit schema > chaoskit/scenario.schema.json` makes it so."""
    shipped = files("chaoskit").joinpath("scenario.schema.json").read_text(encoding="utf-8")
    assert schema_text() == shipped


def test_the_schema_is_a_schema():
    """It obeys its own draft."""
    Draft7Validator.check_schema(schema())


def test_every_fault_has_its_settings_and_a_when():
    """One alternative for each member of the catalogue."""
    options = schema()["properties"]["faults"]["items"]["oneOf"]
    assert sorted(FAULTS) == sorted(item["properties"]["fault"]["const"] for item in options)
    assert all({"when", "optional", "sticky"} < set(item["properties"]) for item in options)


def test_a_small_scenario_satisfies_it():
    """A title, a question, a promise."""
    assert said() == []


@pytest.mark.parametrize(
    "more",
    [
        {"titel": "t"},
        {"promises": []},
        {"workload": {"prompt": "?", "users": 0}},
        {"faults": [{"fault": "rate_limited", "retry_after": "soon"}]},
        {"faults": [{"fault": "no such fault"}]},
        {"faults": [{"fault": "outage", "when": {"wen": 3}}]},
        {"healthy": {"faults": []}},
        {"behaviour": {"use": "helpful", "obeys_after": 3}},
    ],
)
def test_mistakes_do_not_satisfy_it(more):
    """An editor marks what the reader would refuse."""
    assert said(**more) != []


def test_overrides_of_the_healthy_world_need_not_be_complete():
    """A price may be changed alone."""
    assert said(healthy={"provider": {"prices": {"input": 3.0}}}) == []


def test_schemas_of_settings_have_no_references_and_no_null():
    """They are whole, and TOML has no null."""
    text = str(schema_of(When))
    assert "$ref" not in text
    assert "null" not in text
