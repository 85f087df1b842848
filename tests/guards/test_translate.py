"""Requests in the words of either vendor."""

import pytest

from chaoskit_guards.answers import read
from chaoskit_guards.errors import UnreadableResponse, UntranslatableRequest
from chaoskit_guards.translate import Request, neutral, to_anthropic, to_openai

CHAT = [
    {"role": "system", "content": "Be brief."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "search", "arguments": '{"q": "x"}'},
            },
            {"id": "c2", "type": "function", "function": {"name": "search", "arguments": '{"q": '}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "one"},
    {"role": "tool", "tool_call_id": "c2", "content": "two"},
    {"role": "assistant", "content": "done"},
]


def asked(system, messages, tools, options):
    """What is asked of either."""
    return Request(system=system, messages=messages, tools=tools, max_tokens=9, options=options)


def openai(messages, system=None, tools=None, **options):
    """The request that OpenAI gets."""
    system, said = neutral(messages, system)
    return to_openai("gpt-5.4", asked(system, said, tools, options))


def anthropic(messages, system=None, tools=None, **options):
    """The request that Anthropic gets."""
    system, said = neutral(messages, system)
    return to_anthropic("claude", asked(system, said, tools, options))


def test_a_chat_is_said_in_anthropics_words():
    """System apart, results of parallel calls in one turn, broken arguments kept readable."""
    request = anthropic(CHAT)
    assert request["system"] == "Be brief."
    assert [turn["role"] for turn in request["messages"]] == [
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert request["messages"][0]["content"][1] == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
    }
    assert [block["input"] for block in request["messages"][1]["content"]] == [
        {"q": "x"},
        {"unreadable_arguments": '{"q": '},
    ]
    assert [block["tool_use_id"] for block in request["messages"][2]["content"]] == ["c1", "c2"]


def test_a_chat_comes_back_from_the_neutral_shape_unchanged():
    """There and back again."""
    said = openai(CHAT)["messages"]
    assert said[0] == CHAT[0]
    assert said[1] == CHAT[1]
    assert said[2]["tool_calls"] == CHAT[2]["tool_calls"]
    assert said[3:] == CHAT[3:]


def test_results_stand_right_behind_the_calls():
    """Text of the same turn comes after them."""
    turn = {
        "role": "user",
        "content": [
            {"type": "text", "text": "and hurry"},
            {
                "type": "tool_result",
                "tool_use_id": "t1",
                "content": [{"type": "text", "text": "one"}],
            },
            {"type": "tool_result", "tool_use_id": "t2"},
        ],
    }
    said = openai([turn])["messages"]
    assert said == [
        {"role": "tool", "tool_call_id": "t1", "content": "one"},
        {"role": "tool", "tool_call_id": "t2", "content": ""},
        {"role": "user", "content": "and hurry"},
    ]


def test_thinking_and_cache_markers_are_left_away_for_the_other_vendor():
    """Neither can be read there, and neither is lost for its own."""
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    turns = [
        {"role": "user", "content": [marked]},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "yes"}]},
    ]
    assert openai(turns, system=[marked])["messages"] == [
        {"role": "system", "content": "long"},
        {"role": "user", "content": "long"},
        {"role": "assistant", "content": "yes"},
    ]
    assert anthropic(turns)["messages"] == turns


def test_tools_and_options_are_said_in_both_words():
    """By their own names."""
    ours = {"name": "search", "description": "Find.", "input_schema": {"type": "object"}}
    theirs = {
        "type": "function",
        "function": {"name": "search", "parameters": {"type": "object"}, "description": "Find."},
    }
    ask = [{"role": "user", "content": "hi"}]
    assert openai(ask, tools=[ours])["tools"] == [theirs]
    assert openai(ask, tools=[theirs])["tools"] == [theirs]
    assert anthropic(ask, tools=[theirs])["tools"] == [ours]
    assert openai(ask, stop_sequences=["x"], temperature=0)["stop"] == ["x"]
    choice = {"type": "tool", "name": "search", "disable_parallel_tool_use": True}
    made = openai(ask, tools=[ours], tool_choice=choice)
    assert made["tool_choice"] == {"type": "function", "function": {"name": "search"}}
    assert made["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("block", "role"),
    [
        ({"type": "document", "source": {}}, "user"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "user"),
        ({"type": "server_tool_use", "id": "s", "name": "n", "input": {}}, "assistant"),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image"}]}, "user"),
    ],
)
def test_what_has_no_words_is_refused_by_name(block, role):
    """Rather than dropped."""
    with pytest.raises(UntranslatableRequest, match=r"document|image|server_tool_use"):
        openai([{"role": role, "content": [block]}])


@pytest.mark.parametrize("message", ["hi", {"content": "hi"}, {"role": "oracle", "content": "hi"}])
def test_messages_of_neither_shape_are_refused(message):
    """With what is wrong."""
    with pytest.raises(UntranslatableRequest):
        neutral([message])


def test_answers_are_read_from_objects_and_mappings():
    """And what is none is refused."""
    assert read({"content": [{"type": "text", "text": "a"}]}, "anthropic").text == "a"
    refused = read(
        {"choices": [{"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"}]},
        "openai",
    )
    assert (refused.text, refused.stop_reason) == ("no", "refusal")
    for nothing in (None, 7, {"error": "x"}, {"choices": []}):
        with pytest.raises(UnreadableResponse):
            read(nothing, "openai")


def test_the_empty_answer_is_an_answer():
    """Vendors send it after tool results."""
    empty = read({"content": [], "stop_reason": "end_turn"}, "anthropic")
    assert (empty.text, empty.tool_calls) == ("", [])
    assert empty.message == {"role": "assistant", "content": []}
