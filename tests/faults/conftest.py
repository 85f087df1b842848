import json

import pytest

from chaoskit.exchange import Call, Reply, Text, ToolCall, ToolSpec
from chaoskit.fault import Strike
from chaoskit.seed import derive

SCHEMA = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "sort": {"enum": ["newest", "oldest"]},
        "page": {
            "type": "object",
            "properties": {"size": {"type": "integer"}},
            "required": ["size"],
        },
    },
    "required": ["query", "sort", "page"],
    "additionalProperties": False,
}
ARGUMENTS = {"query": "deploy errors", "sort": "newest", "page": {"size": 10}}


@pytest.fixture
def strike():
    """Make the circumstances of a strike."""

    def make(*path):
        return Strike(
            rng=derive(7, "test", *path),
            now=0.0,
            user="user-1",
            count=0,
            canary=lambda where: f"fake!{where}",
        )

    return make


@pytest.fixture
def search():
    """A tool with a strict schema."""
    return ToolSpec(name="search_logs", description="", schema=SCHEMA, raw=json.dumps(SCHEMA))


@pytest.fixture
def call(search):
    """A call that offers the tool."""
    return Call(dialect="anthropic", provider="anthropic", tools=(search,))


@pytest.fixture
def tool_reply():
    """A reply that calls the tool with valid arguments."""
    return Reply(
        content=(
            Text("Let me look."),
            ToolCall(id="", name="search_logs", arguments=json.dumps(ARGUMENTS)),
        ),
        stop="tool_use",
    )


@pytest.fixture
def text_reply():
    """A reply without a tool call."""
    return Reply(content=(Text("The deploy failed at step four."),), facts=("step four",))
