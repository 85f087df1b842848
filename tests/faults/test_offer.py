"""Faults in which tools there are."""

import pytest

from chaoskit.fault import Offered
from chaoskit.faults import SchemaDrift, ToolVanished

SEARCH = Offered(
    name="search_logs",
    schema={
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["query"],
    },
)
PAY = Offered(name="pay", schema={"type": "object"})
TOOLS = (SEARCH, PAY)


@pytest.mark.parametrize(("name", "left"), [("pay", (SEARCH,)), ("search_*", (PAY,)), ("*", ())])
def test_vanished_tool_is_gone(strike, name, left):
    """The others are as they were."""
    assert ToolVanished(tool=name).offer(TOOLS, strike()) == left


def test_drifted_schema_renames_and_requires(strike):
    """Whatever calls it as before violates it."""
    drift = SchemaDrift(tool="search_logs", rename={"query": "text"}, require={"tenant": "string"})
    changed, other = drift.offer(TOOLS, strike())
    assert other is PAY
    assert changed.schema == {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "limit": {"type": "integer"},
            "tenant": {"type": "string"},
        },
        "required": ["text", "tenant"],
        "additionalProperties": False,
    }
    assert SEARCH.schema["required"] == ["query"]


@pytest.mark.parametrize(
    "fault",
    [ToolVanished(tool="gone"), SchemaDrift(tool="gone", require={"a": "string"})],
    ids=repr,
)
def test_other_tools_are_left_alone(strike, fault):
    """A name that nobody has strikes nobody."""
    assert fault.offer(TOOLS, strike()) == TOOLS


def test_drift_must_say_what_is_different():
    """In construction."""
    with pytest.raises(ValueError, match="`rename`, `require`, or both"):
        SchemaDrift(tool="pay")
