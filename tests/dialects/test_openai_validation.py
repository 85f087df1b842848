"""Every reason for which Chat Completions refuses a request, with the words of production."""

import pytest

from chaoskit.exchange import Call, Image, Refusal, Text, ToolCall, ToolResult

USER = {"role": "user", "content": "hi"}
TOOL = {
    "type": "function",
    "function": {"name": "search", "parameters": {"type": "object", "properties": {}}},
}


def body(*messages, **changes):
    """Return a valid body with some fields replaced; Ellipsis removes one."""
    made = {"model": "gpt-plain", "messages": list(messages) or [USER]} | changes
    return {key: value for key, value in made.items() if value is not ...}


def named(name, **more):
    return {"type": "function", "function": {"name": name} | more}


def asks(*ids, **more):
    calls = [
        {"id": i, "type": "function", "function": {"name": "search", "arguments": "{}"}}
        for i in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls} | more


def answers(identity):
    return {"role": "tool", "tool_call_id": identity, "content": "found"}


def schema(inner, strict=True):
    return {
        "type": "json_schema",
        "json_schema": {"name": "out", "strict": strict, "schema": inner},
    }


UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: {}"
)
ORPHAN = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
EMPTY = "Invalid '{}': empty array. Expected an array with minimum length 1, but got an empty array instead."
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED = LOOSE | {"additionalProperties": False}
STRICT = "In context={}, 'additionalProperties' is required to be supplied and to be false."
ROLES = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
NAME = "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."

REFUSED = [
    (
        body(temperature="hot"),
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        "temperature",
        "invalid_type",
    ),
    (
        body(n=1.5),
        "Invalid type for 'n': expected an integer, but got a decimal instead.",
        "n",
        "invalid_type",
    ),
    (
        body(reasoning_effort="huge"),
        "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
        "reasoning_effort",
        "invalid_value",
    ),
    (
        body(model="gpt-thinker", response_format=schema(CLOSED)),
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
        "response_format",
        None,
    ),
    (body(model=...), "you must provide a model parameter", None, None),
    (
        body(messages=...),
        "Missing required parameter: 'messages'.",
        "messages",
        "missing_required_parameter",
    ),
    (body(messages=[]), EMPTY.format("messages"), "messages", "empty_array"),
    (
        body(messages="hi"),
        "Invalid type for 'messages': expected an array of objects, but got a string instead.",
        "messages",
        "invalid_type",
    ),
    (
        body(model=5),
        "Invalid type for 'model': expected a string, but got an integer instead.",
        "model",
        "invalid_type",
    ),
    (body(foo=1), "Unrecognized request argument supplied: foo", None, None),
    (body(foo=1, bar=2), "Unrecognized request arguments supplied: foo, bar", None, None),
    (
        body({"role": "robot", "content": "x"}),
        f"Invalid value: 'robot'. Supported values are: {ROLES}.",
        "messages[0].role",
        "invalid_value",
    ),
    (
        body({"content": "x"}),
        "Missing required parameter: 'messages[0].role'.",
        "messages[0].role",
        "missing_required_parameter",
    ),
    (
        body({"role": "user"}),
        "Invalid value for 'content': expected a string, got null.",
        "messages.[0].content",
        None,
    ),
    (
        body(USER, {"role": "assistant", "content": None}),
        "Invalid value for 'content': expected a string, got null.",
        "messages.[1].content",
        None,
    ),
    (
        body({"role": "user", "content": [{"type": "text"}]}),
        "Missing required parameter: 'messages[0].content[0].text'.",
        "messages[0].content[0].text",
        "missing_required_parameter",
    ),
    (
        body({"role": "tool", "content": "x"}),
        "Missing required parameter: 'messages[0].tool_call_id'.",
        "messages[0].tool_call_id",
        "missing_required_parameter",
    ),
    (
        body(USER, asks()),
        EMPTY.format("messages[1].tool_calls"),
        "messages[1].tool_calls",
        "empty_array",
    ),
    (
        body(
            USER,
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "b", "arguments": {}}}
                ],
            },
        ),
        "Invalid type for 'messages[1].tool_calls[0].function.arguments': expected a string, but got an object instead.",
        "messages[1].tool_calls[0].function.arguments",
        "invalid_type",
    ),
    (
        body(USER, asks("a", "b"), answers("b"), USER),
        UNANSWERED.format("a"),
        "messages.[3].role",
        None,
    ),
    (body(USER, asks("a", "b")), UNANSWERED.format("a, b"), "messages", None),
    (body(USER, answers("a")), ORPHAN, "messages.[1].role", None),
    (body(USER, asks("a"), answers("a"), USER, answers("a")), ORPHAN, "messages.[4].role", None),
    (
        body(USER, asks("a"), answers("b")),
        "Invalid parameter: 'tool_call_id' of 'b' not found in 'tool_calls' of previous message.",
        "messages.[2].tool_call_id",
        None,
    ),
    (
        body(USER, asks("a"), answers("a"), answers("a")),
        "Duplicate value for 'tool_call_id' of 'a'.",
        "messages.[3].tool_call_id",
        None,
    ),
    (body(tools=[named("a b")]), NAME, "tools[0].function.name", "invalid_value"),
    (
        body(tools=[named("a" * 65)]),
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64, but got a string with length 65 instead.",
        "tools[0].function.name",
        "string_above_max_length",
    ),
    (
        body(tools=[{"name": "a"}]),
        "Missing required parameter: 'tools[0].type'.",
        "tools[0].type",
        "missing_required_parameter",
    ),
    (
        body(tools=[{"type": "function"}]),
        "Missing required parameter: 'tools[0].function'.",
        "tools[0].function",
        "missing_required_parameter",
    ),
    (
        body(tools=[named("a", parameters={"type": "array"})]),
        """Invalid schema for function 'a': schema must be a JSON Schema of 'type: "object"', got 'type: "array"'.""",
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    (
        body(tools=[named("a", strict=True, parameters=LOOSE)]),
        f"Invalid schema for function 'a': {STRICT.format('()')}",
        "tools[0].function.parameters",
        "invalid_function_parameters",
    ),
    (
        body(response_format=schema(LOOSE)),
        f"Invalid schema for response_format 'out': {STRICT.format('()')}",
        "response_format",
        None,
    ),
    (
        body(response_format=schema(CLOSED | {"properties": {"a": LOOSE}})),
        "Invalid schema for response_format 'out': " + STRICT.format("('properties', 'a')"),
        "response_format",
        None,
    ),
    (
        body(response_format=schema(CLOSED | {"required": []})),
        "Invalid schema for response_format 'out': In context=(), 'required' is required to be supplied and to be an array including every key in properties. Missing 'a'.",
        "response_format",
        None,
    ),
    (
        body(response_format=schema({"anyOf": [CLOSED, {"type": "array", "items": LOOSE}]})),
        "Invalid schema for response_format 'out': " + STRICT.format("('anyOf', '1', 'items')"),
        "response_format",
        None,
    ),
    (
        body(tool_choice="auto"),
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
        "tool_choice",
        None,
    ),
    (
        body(parallel_tool_calls=False),
        "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
        "parallel_tool_calls",
        None,
    ),
    (
        body(tools=[TOOL], tool_choice="always"),
        "Invalid value: 'always'. Supported values are: 'none', 'auto', and 'required'.",
        "tool_choice",
        "invalid_value",
    ),
    (
        body(tools=[TOOL], tool_choice=named("b")),
        "Tool choice 'b' not found in 'tools' parameter.",
        "tool_choice",
        None,
    ),
    (
        body(response_format={"type": "json_object"}),
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        "messages",
        None,
    ),
    (
        body(model="gpt-thinker", max_tokens=5),
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_tokens",
        "unsupported_parameter",
    ),
    (
        body(model="gpt-thinker", temperature=0.2),
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
        "temperature",
        "unsupported_value",
    ),
    (
        body(max_tokens=20_000),
        "max_tokens is too large: 20000. This model supports at most 16384 completion tokens, whereas you provided 20000.",
        "max_tokens",
        "invalid_value",
    ),
    (
        body(max_tokens=0),
        "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "max_tokens",
        "integer_below_min_value",
    ),
    (
        body(max_tokens=1, max_completion_tokens=1),
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        "max_tokens",
        "invalid_parameter_combination",
    ),
    (
        body(temperature=3),
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
        "temperature",
        "decimal_above_max_value",
    ),
    (
        body(n=0),
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "n",
        "integer_below_min_value",
    ),
    (
        body(stream="yes"),
        "Invalid type for 'stream': expected a boolean, but got a string instead.",
        "stream",
        "invalid_type",
    ),
    (
        body(stream_options={"include_usage": True}),
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
        None,
    ),
    (
        body(stop=["a", "b", "c", "d", "e"]),
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
        "stop",
        "array_above_max_length",
    ),
]


@pytest.mark.wire("openai_chat.requests.invalid_request_is_refused_in_the_words_of_production")
@pytest.mark.parametrize(
    ("given", "message", "param", "code"), REFUSED, ids=[m[:60] for _, m, _, _ in REFUSED]
)
def test_invalid_request_is_refused_in_the_words_of_production(
    ask_openai, given, message, param, code
):
    """Each is a 400 of type invalid_request_error."""
    assert Refusal(kind="invalid_request", message=message, param=param, code=code) == ask_openai(
        given
    )


ACCEPTED = {
    "developer message": body({"role": "developer", "content": "x"}, USER),
    "answered calls": body(USER, asks("a", "b"), answers("b"), answers("a"), USER),
    "text beside calls": body(USER, asks("a", content="wait"), answers("a")),
    "consecutive messages of one role": body(USER, USER),
    "refusal without content": body(USER, {"role": "assistant", "refusal": "no"}, USER),
    "unknown parts": body({"role": "user", "content": [{"type": "hologram"}]}),
    "function without parameters": body(tools=[named("a")]),
    "custom tool": body(tools=[{"type": "custom", "custom": {"name": "a"}}], tool_choice="auto"),
    "allowed tools": body(
        tools=[TOOL],
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [TOOL]},
        },
    ),
    "strict schema": body(response_format=schema(CLOSED)),
    "loose schema": body(response_format=schema(LOOSE, strict=False)),
    "any JSON": body(
        {"role": "user", "content": "Answer in JSON"}, response_format={"type": "json_object"}
    ),
    "default temperature": body(model="gpt-thinker", temperature=1, max_completion_tokens=5),
    "everything else": body(
        user="u",
        seed=1,
        metadata={"a": "b"},
        store=False,
        logprobs=True,
        top_logprobs=2,
        reasoning_effort="low",
        service_tier="auto",
        stop="x",
    ),
    "nulls": body(
        stream=None, tools=None, tool_choice=None, stop=None, n=None, response_format=None
    ),
}


@pytest.mark.wire("openai_chat.requests.valid_request_is_accepted")
@pytest.mark.parametrize("given", ACCEPTED.values(), ids=ACCEPTED)
def test_valid_request_is_accepted(ask_openai, given):
    """What production takes is not refused, however odd."""
    assert isinstance(ask_openai(given), Call)


@pytest.mark.wire("openai_chat.requests.empty_tools")
def test_empty_tools_are_as_good_as_none(ask_openai):
    """Agents without tools send them, where they want an answer of a given structure."""
    call = ask_openai(body(tools=[], response_format=schema(CLOSED)))
    assert call.tools == ()


@pytest.mark.wire("openai_chat.requests.unknown_model_is_not_found")
def test_unknown_model_is_not_found(ask_openai):
    """The code is the one that clients look for."""
    message = "The model `gpt-nope` does not exist or you do not have access to it."
    expected = Refusal(kind="not_found", message=message, code="model_not_found")
    assert expected == ask_openai(body(model="gpt-nope"))
    assert expected == ask_openai(b"", path="/v1/models/gpt-nope", method="GET")


@pytest.mark.wire("openai_chat.requests.missing_key_is_refused_before_the_body_is_read")
def test_missing_key_is_refused_before_the_body_is_read(ask_openai):
    """The text begins as production's does."""
    refusal = ask_openai(b"{", authorization=None)
    assert (refusal.kind, refusal.code) == ("authentication", None)
    assert refusal.message.startswith("You didn't provide an API key.")


@pytest.mark.wire("openai_chat.requests.body_is_not_json")
def test_body_is_not_json(ask_openai):
    """An array is not a request either."""
    for broken in (b"{", b"[]", b"\xff", b"[" * 100_000):
        assert ask_openai(broken).message.startswith("We could not parse the JSON body")


@pytest.mark.wire("openai_chat.requests.wrong_url_and_wrong_method")
def test_wrong_url_and_wrong_method(ask_openai):
    """Both errors have the vendor's own shape."""
    refusal = ask_openai(b"", path="/v1/nope")
    assert (refusal.kind, refusal.message) == ("not_found", "Invalid URL (POST /v1/nope)")
    assert ask_openai(b"", method="PUT").status == 405


@pytest.mark.wire("openai_chat.requests.call_holds_what_was_asked")
def test_call_holds_what_was_asked(ask_openai):
    """The neutral form of a request with everything in it."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    call = ask_openai(
        body(
            {"role": "system", "content": "be good"},
            {"role": "user", "content": [{"type": "text", "text": "look"}, picture]},
            asks("a"),
            answers("a"),
            {"role": "system", "content": "be brief"},
            stream=True,
            stream_options={"include_usage": True},
            n=2,
            stop="END",
            max_completion_tokens=9,
            tools=[TOOL],
            tool_choice=named("search"),
            parallel_tool_calls=False,
            response_format=schema(CLOSED),
        )
    )
    assert (Text("be good"),) == call.system
    assert [message.role for message in call.messages] == ["user", "assistant", "tool", "system"]
    assert (Text("look"), Image(source="https://example.com/a.png")) == call.messages[0].content
    assert (ToolCall(id="a", name="search", arguments="{}"),) == call.messages[1].content
    assert (ToolResult(call_id="a", content=(Text("found"),)),) == call.messages[2].content
    assert (call.stream, call.max_tokens, call.stop_sequences) == (True, 9, ("END",))
    assert (
        call.tool_choice.mode,
        call.tool_choice.name,
        call.tool_choice.parallel,
    ) == ("tool", "search", False)
    expected = {
        "served": "gpt-plain-2026-01-01",
        "include_usage": True,
        "n": 2,
        "output_schema": CLOSED,
    }
    assert expected == call.options


@pytest.mark.wire("openai_chat.requests.function_message_of_old_clients_passes")
def test_function_message_of_old_clients_passes(ask_openai):
    """It is the result of the latest call of that function, were there one or not."""
    call = ask_openai(body(USER, {"role": "function", "name": "f", "content": "1"}))
    (result,) = call.messages[1].content
    assert isinstance(result, ToolResult)
    assert result.text == "1"


@pytest.mark.wire("openai_chat.requests.invalid_request_is_refused_in_the_words_of_production")
def test_messages_are_looked_at_before_the_settings(ask_openai):
    """And the model before them, whether or not the settings were seen before."""
    bad = body({"role": "user", "content": None}, temperature="hot")
    assert ask_openai(bad).param == "messages.[0].content"
    assert ask_openai(bad | {"model": ""}).message == "you must provide a model parameter"
    assert ask_openai(bad | {"messages": [USER]}).param == "temperature"


@pytest.mark.wire("openai_chat.requests.call_holds_what_was_asked")
def test_settings_that_were_right_once_belong_to_each_of_their_requests(ask_openai):
    """With messages that differ."""
    first = ask_openai(body(USER, temperature=1, tools=[TOOL]))
    second = ask_openai(body({"role": "user", "content": "ho"}, temperature=1, tools=[TOOL]))
    assert (first.tools, first.options) == (second.tools, second.options)
    assert [call.messages[0].text for call in (first, second)] == ["hi", "ho"]
    wrong = ask_openai(body({"role": "user", "content": None}, temperature=1, tools=[TOOL]))
    assert isinstance(wrong, Refusal)
