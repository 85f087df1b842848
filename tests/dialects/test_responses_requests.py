"""Requests that the Responses API takes, and what is understood of them."""

import pytest

from chaoskit.exchange import Call, Image, Opaque, Text, Thinking, ToolCall, ToolResult
from responses_bodies import CLOSED, LOOSE, TOOL, USER, answers, asks, body, form, says, thinks

ACCEPTED = [
    body(),
    body(tools=[], top_logprobs=3, max_tool_calls=2, temperature=0.2),
    body({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}),
    body({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}),
    body(tool_choice="auto"),
    body(tool_choice="none", parallel_tool_calls=False),
    body(USER, USER),
    body({"role": "developer", "content": "Be brief."}, USER),
    body(USER, says(), USER),
    body(USER, {"role": "assistant", "content": "ok"}, USER),
    body(USER, asks("a"), asks("b"), answers("b"), answers("a")),
    body(USER, asks("a"), USER, answers("a")),
    body(USER, asks("a"), answers("a", output=[{"type": "input_text", "text": "x"}])),
    body(USER, asks("a", id="fc_1", status="completed"), answers("a", id="fc_2")),
    body(USER, asks("toolu_01AbC"), answers("toolu_01AbC")),
    body(USER, thinks("rs_1"), asks("a"), answers("a")),
    body(USER, thinks("rs_1", encrypted_content="x", status=None), says()),
    body(USER, {"type": "web_search_call", "id": "ws_1", "status": "completed"}, says()),
    body(tools=[{"type": "web_search"}], tool_choice="required"),
    body(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"}),
    body(tools=[TOOL | {"strict": None, "defer_loading": True}]),
    body(model="gpt-thinker", temperature=1, reasoning={"effort": "low", "summary": "auto"}),
    body("Answer in JSON", input="Answer in JSON", text={"format": {"type": "json_object"}}),
    body(instructions="Use json", text={"format": {"type": "json_object"}}),
    body(text=form(LOOSE, strict=False)),
    body(text=form(CLOSED)),
    body(include=["reasoning.encrypted_content"], store=False, user="u", metadata={"a": "b"}),
    body(stream=True, stream_options={"include_obfuscation": False}),
    body(model="gpt-plain", input=None, previous_response_id=None, conversation=None, prompt=None)
    | {"input": "hi"},
]


@pytest.mark.wire("openai_responses.requests.valid_request_is_accepted")
@pytest.mark.parametrize("given", ACCEPTED, ids=str)
def test_valid_request_is_accepted(ask_responses, given):
    """What production accepts and fakes reject."""
    assert isinstance(ask_responses(given), Call)


@pytest.mark.wire("openai_responses.requests.meaning_of_a_whole_conversation")
def test_meaning_of_a_whole_conversation(ask_responses):
    """Every kind of item has its place; what the model said in one turn is one message."""
    picture = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}
    call = ask_responses(
        body(
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}, picture]},
            thinks("rs_1", summary=[{"type": "summary_text", "text": "hm"}]),
            says("I look."),
            asks("a"),
            asks("b"),
            answers("a"),
            answers("b", output=[{"type": "input_text", "text": "x"}, picture]),
            {"type": "mcp_list_tools", "id": "mcpl_1", "tools": [], "server_label": "s"},
            instructions="You help.",
            tools=[TOOL, {"type": "web_search"}],
            tool_choice="required",
            parallel_tool_calls=False,
            max_output_tokens=100,
        )
    )
    assert call.system == (Text("You help."), Text("Be brief."))
    assert [message.role for message in call.messages] == ["user", "assistant", "tool", "assistant"]
    user, said, results, last = call.messages
    assert user.content == (Text("hi"), Image(source="https://example.com/a.png"))
    assert said.content == (
        Thinking(text="hm"),
        Text("I look."),
        ToolCall(id="a", name="search", arguments="{}"),
        ToolCall(id="b", name="search", arguments="{}"),
    )
    assert results.content[0] == ToolResult(call_id="a", content=(Text("found"),))
    assert results.content[1].text == "x"
    assert isinstance(last.content[0], Opaque)
    assert [tool.name for tool in call.tools] == ["search"]
    assert call.options["builtin_tools"] == ({"type": "web_search"},)
    assert (call.tool_choice.mode, call.tool_choice.parallel, call.max_tokens) == (
        "any",
        False,
        100,
    )


@pytest.mark.wire("openai_responses.requests.choice_of_tools")
@pytest.mark.parametrize(
    ("choice", "mode", "name"),
    [
        ("auto", "auto", ""),
        ("none", "none", ""),
        ("required", "any", ""),
        ({"type": "function", "name": "search"}, "tool", "search"),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "search"}],
            },
            "tool",
            "search",
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "search"}],
            },
            "auto",
            "",
        ),
    ],
)
def test_choice_of_tools(ask_responses, choice, mode, name):
    """As the request has it."""
    call = ask_responses(body(tools=[TOOL], tool_choice=choice))
    assert (call.tool_choice.mode, call.tool_choice.name) == (mode, name)


@pytest.mark.wire("openai_responses.requests.retries_are_counted")
def test_retries_are_counted(ask_responses):
    """The SDK tells how often it has tried."""
    call = ask_responses(body(), **{"x-stainless-retry-count": "2"})
    assert call.options["retry_count"] == 2


@pytest.mark.wire("openai_responses.requests.input_tokens_are_counted_not_generated")
def test_input_tokens_are_counted_not_generated(ask_responses):
    """The same body at another path."""
    call = ask_responses(body(), path="/v1/responses/input_tokens")
    assert (call.operation, call.messages[0].text) == ("count_tokens", "hi")
