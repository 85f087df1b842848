"""Histories in plain data, and what the vendors' SDKs take."""

import json

from chaoskit.exchange import Call, Message, Text, ToolCall, ToolResult
from chaoskit.history import of_turn, to_anthropic, to_openai, to_responses

CALL = Call(
    dialect="anthropic",
    provider="anthropic",
    messages=(
        Message(role="user", content=(Text("earlier"),)),
        Message(role="assistant", content=(Text("reply"),)),
        Message(role="user", content=(Text("why?"),)),
        Message(
            role="assistant",
            content=(Text("let me see"), ToolCall(id="t1", name="look", arguments='{"q": "x"}')),
        ),
        Message(
            role="user",
            content=(ToolResult(call_id="t1", content=(Text("found"),), is_error=True),),
        ),
    ),
)


def test_a_turn_keeps_its_tool_calls_and_results():
    """Prompt, tool call, result and answer of the newest turn, and nothing of earlier ones."""
    assert of_turn("why?", CALL, "because") == [
        {"role": "user", "content": "why?"},
        {
            "role": "assistant",
            "content": "let me see",
            "tool_calls": [{"id": "t1", "name": "look", "arguments": {"q": "x"}}],
        },
        {
            "role": "tool",
            "tool_call_id": "t1",
            "name": "look",
            "content": "found",
            "is_error": True,
        },
        {"role": "assistant", "content": "because"},
    ]


def test_an_agent_without_calls_has_a_history_too():
    """A turn without any request is prompt and answer."""
    assert [entry["role"] for entry in of_turn("hi", None, "hello")] == ["user", "assistant"]


def test_anthropic_messages_pair_calls_and_results():
    """Results of parallel calls share one user message right after the calls."""
    second = {"role": "tool", "tool_call_id": "t2", "name": "look", "content": "more"}
    history = of_turn("why?", CALL, "because")
    messages = to_anthropic([*history[:3], second, history[3]])

    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert [block["type"] for block in messages[1]["content"]] == ["text", "tool_use"]
    assert [block["tool_use_id"] for block in messages[2]["content"]] == ["t1", "t2"]


def test_openai_messages_carry_arguments_as_text():
    """Tool calls become `tool_calls`, results messages of the role tool."""
    messages = to_openai(of_turn("why?", CALL, "because"))

    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"q": "x"}
    assert messages[2]["tool_call_id"] == "t1"


def test_responses_items_stand_for_themselves():
    """A text, a call and a result are items of their own; a call without a text has none."""
    entries = of_turn("why?", CALL, "because")
    items = to_responses([*entries, entries[1] | {"content": ""}])

    assert [item.get("type", item.get("role")) for item in items] == [
        "user",
        "assistant",
        "function_call",
        "function_call_output",
        "assistant",
        "function_call",
    ]
    assert (items[2]["call_id"], json.loads(items[2]["arguments"])) == ("t1", {"q": "x"})
    assert (items[3]["call_id"], items[3]["output"]) == ("t1", "found")
