"""Every reason for which Responses refuses a request, with the words of production."""

import pytest

from chaoskit.exchange import Refusal
from responses_bodies import CLOSED, LOOSE, TOOL, USER, answers, asks, body, form, says, thinks

STRICT = "In context=(), 'additionalProperties' is required to be supplied and to be false."
ID = "Invalid '{}': '{}'. Expected an ID that begins with '{}'."
MISSING = "Missing required parameter: '{}'."
UNKNOWN = "Unknown parameter: '{}'."
UNSUPPORTED = "Unsupported parameter: '{}' is not supported with this model."
ONLY_TOOLS = (
    "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
)
MOVED = (
    "Unsupported parameter: '{}'. In the Responses API, this parameter has moved to '{}'. Try "
    "again with the new parameter. See the API documentation for more information: "
    "https://platform.openai.com/docs/api-reference/responses/create."
)
CONTENTS = (
    "'input_text', 'input_image', 'output_text', 'refusal', 'input_file', "
    "'computer_screenshot', and 'summary_text'"
)
REFUSED = [
    (body(model=...), MISSING.format("model"), "model", "missing_required_parameter"),
    (body(input=...), MISSING.format("input"), "input", "missing_required_parameter"),
    (
        body(input=[]),
        (
            "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty "
            "array instead."
        ),
        "input",
        "empty_array",
    ),
    (
        body(input=5),
        (
            "Invalid type for 'input': expected one of an array of objects or string, but got an "
            "integer instead."
        ),
        "input",
        "invalid_type",
    ),
    (
        body(input=["hi"]),
        "Invalid type for 'input[0]': expected an object, but got a string instead.",
        "input[0]",
        "invalid_type",
    ),
    (body(foo=1), UNKNOWN.format("foo"), "foo", "unknown_parameter"),
    (
        body(max_tokens=5),
        MOVED.format("max_tokens", "max_output_tokens"),
        "max_tokens",
        "unsupported_parameter",
    ),
    (
        body(messages=[]),
        MOVED.format("messages", "input"),
        "messages",
        "unsupported_parameter",
    ),
    (
        body(response_format={"type": "json_object"}),
        MOVED.format("response_format", "text.format"),
        "response_format",
        "unsupported_parameter",
    ),
    (
        body({"role": "tool", "content": "x"}),
        (
            "Invalid value: 'tool'. Supported values are: 'assistant', 'system', 'developer', and "
            "'user'."
        ),
        "input[0].role",
        "invalid_value",
    ),
    (
        body({"content": "x"}),
        MISSING.format("input[0].role"),
        "input[0].role",
        "missing_required_parameter",
    ),
    (
        body({"role": "user"}),
        MISSING.format("input[0].content"),
        "input[0].content",
        "missing_required_parameter",
    ),
    (
        body({"role": "user", "content": [{"type": "text", "text": "x"}]}),
        f"Invalid value: 'text'. Supported values are: {CONTENTS}.",
        "input[0].content[0]",
        "invalid_value",
    ),
    (
        body(USER, {"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}, USER),
        "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
        "input[1].content[0]",
        "invalid_value",
    ),
    (
        body({"role": "user", "content": [{"type": "output_text", "text": "x"}]}),
        (
            "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_image', and "
            "'input_file'."
        ),
        "input[0].content[0]",
        "invalid_value",
    ),
    (
        body({"role": "user", "content": [{"type": "input_text"}]}),
        MISSING.format("input[0].content[0].text"),
        "input[0].content[0].text",
        "missing_required_parameter",
    ),
    (
        body({"role": "user", "content": [{"type": "input_image"}]}),
        MISSING.format("input[0].content[0].image_url"),
        "input[0].content[0].image_url",
        "missing_required_parameter",
    ),
    (
        body({"role": "user", "content": [{"type": "input_image", "image_url": {"url": "x"}}]}),
        (
            "Invalid type for 'input[0].content[0].image_url': expected an image URL, but got an "
            "object instead."
        ),
        "input[0].content[0].image_url",
        "invalid_type",
    ),
    (
        body({"role": "user", "content": 5}),
        (
            "Invalid type for 'input[0].content': expected one of an array of objects or string, but "
            "got an integer instead."
        ),
        "input[0].content",
        "invalid_type",
    ),
    (
        body(USER | {"name": "ann"}),
        UNKNOWN.format("input[0].name"),
        "input[0].name",
        "unknown_parameter",
    ),
    (
        body(USER, asks("c") | {"parsed_arguments": {}}, answers("c")),
        UNKNOWN.format("input[1].parsed_arguments"),
        "input[1].parsed_arguments",
        "unknown_parameter",
    ),
    (
        body(USER, asks("c", id="call_1"), answers("c")),
        ID.format("input[1].id", "call_1", "fc"),
        "input[1].id",
        "invalid_value",
    ),
    (
        body(USER, says(id="rs_1")),
        ID.format("input[1].id", "rs_1", "msg"),
        "input[1].id",
        "invalid_value",
    ),
    (
        body(USER, {"type": "function_call", "name": "search", "arguments": "{}"}),
        MISSING.format("input[1].call_id"),
        "input[1].call_id",
        "missing_required_parameter",
    ),
    (
        body(USER, asks("c", arguments={})),
        "Invalid type for 'input[1].arguments': expected a string, but got an object instead.",
        "input[1].arguments",
        "invalid_type",
    ),
    (
        body(USER, asks("c"), answers("c", output={"rows": 1})),
        (
            "Invalid type for 'input[2].output': expected one of an array of objects or string, but "
            "got an object instead."
        ),
        "input[2].output",
        "invalid_type",
    ),
    (
        body(USER, asks("c" * 65), answers("c" * 65)),
        (
            "Invalid 'input[1].call_id': string too long. Expected a string with maximum length 64, "
            "but got a string with length 65 instead."
        ),
        "input[1].call_id",
        "string_above_max_length",
    ),
    (
        body(USER, {"type": "reasoning", "id": "rs_1"}, says()),
        MISSING.format("input[1].summary"),
        "input[1].summary",
        "missing_required_parameter",
    ),
    (
        body(USER, asks("call_7")),
        "No tool output found for function call call_7.",
        "input",
        None,
    ),
    (
        body(USER, asks("a"), asks("b"), answers("b"), USER),
        "No tool output found for function call a.",
        "input",
        None,
    ),
    (
        body(USER, answers("call_7")),
        "No tool call found for function call output with call_id call_7.",
        "input",
        None,
    ),
    (
        body(USER, answers("a"), asks("a")),
        "No tool call found for function call output with call_id a.",
        "input",
        None,
    ),
    (
        body(USER, {"type": "custom_tool_call", "call_id": "a", "name": "sql", "input": "x"}),
        "No tool output found for custom tool call a.",
        "input",
        None,
    ),
    (
        body(USER, says(id="msg_1"), USER, says(id="msg_1")),
        "Duplicate item found with id msg_1. Remove duplicate items from your input and try again.",
        "input",
        None,
    ),
    (
        body(USER, thinks("rs_1"), USER),
        "Item 'rs_1' of type 'reasoning' was provided without its required following item.",
        "input",
        None,
    ),
    (
        body(tools=[{"type": "function", "function": {"name": "search"}}]),
        MISSING.format("tools[0].name"),
        "tools[0].name",
        "missing_required_parameter",
    ),
    (
        body(tools=[TOOL | {"function": {}}]),
        UNKNOWN.format("tools[0].function"),
        "tools[0].function",
        "unknown_parameter",
    ),
    (
        body(tools=[TOOL | {"name": "search logs"}]),
        (
            "Invalid 'tools[0].name': string does not match pattern. Expected a string that matches "
            "the pattern '^[a-zA-Z0-9_-]+$'."
        ),
        "tools[0].name",
        "invalid_value",
    ),
    (
        body(tools=[TOOL | {"name": "n" * 65}]),
        (
            "Invalid 'tools[0].name': string too long. Expected a string with maximum length 64, but "
            "got a string with length 65 instead."
        ),
        "tools[0].name",
        "string_above_max_length",
    ),
    (
        body(tools=[TOOL | {"parameters": LOOSE, "strict": True}]),
        f"Invalid schema for function 'search': {STRICT}",
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    (
        body(tools=[TOOL | {"parameters": {"type": "string"}}]),
        (
            "Invalid schema for function 'search': schema must be a JSON Schema of 'type: \"object\"', "
            "got 'type: \"string\"'."
        ),
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    (body(tool_choice="required"), ONLY_TOOLS, "tool_choice", None),
    (body(tool_choice={"type": "function", "name": "search"}), ONLY_TOOLS, "tool_choice", None),
    (
        body(tools=[TOOL], tool_choice="any"),
        "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'.",
        "tool_choice",
        "invalid_value",
    ),
    (
        body(tools=[TOOL], tool_choice={"type": "function", "name": "other"}),
        "Tool choice 'other' not found in 'tools' parameter.",
        "tool_choice",
        None,
    ),
    (
        body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "search"}}),
        MISSING.format("tool_choice.name"),
        "tool_choice.name",
        "missing_required_parameter",
    ),
    (
        body(tools=[TOOL], tool_choice={"type": "web_search"}),
        "Tool choice 'web_search' not found in 'tools' parameter.",
        "tool_choice",
        None,
    ),
    (
        body(text=form(LOOSE)),
        f"Invalid schema for response_format 'out': {STRICT}",
        "text.format.schema",
        "invalid_json_schema",
    ),
    (
        body(text={"format": {"type": "json_schema", "schema": CLOSED}}),
        MISSING.format("text.format.name"),
        "text.format.name",
        "missing_required_parameter",
    ),
    (
        body(text={"format": {"type": "json_object"}}),
        (
            "Response input messages must contain the word 'json' in some form to use 'text.format' "
            "of type 'json_object'."
        ),
        "input",
        None,
    ),
    (
        body(model="gpt-thinker", text=form(CLOSED)),
        (
            "Invalid parameter: 'text.format' of type 'json_schema' is not supported with model "
            "version `gpt-thinker`."
        ),
        "text.format",
        None,
    ),
    (
        body(model="gpt-thinker", temperature=0.2),
        UNSUPPORTED.format("temperature"),
        "temperature",
        None,
    ),
    (body(model="gpt-thinker", top_p=0.5), UNSUPPORTED.format("top_p"), "top_p", None),
    (
        body(reasoning={"effort": "low"}),
        UNSUPPORTED.format("reasoning.effort"),
        "reasoning.effort",
        "unsupported_parameter",
    ),
    (
        body(model="gpt-thinker", reasoning={"effort": "huge"}),
        (
            "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', "
            "'xhigh', and 'max'."
        ),
        "reasoning.effort",
        "invalid_value",
    ),
    (
        body(max_output_tokens=15),
        (
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but "
            "got 15 instead."
        ),
        "max_output_tokens",
        "integer_below_min_value",
    ),
    (
        body(max_output_tokens=99_999),
        (
            "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 16384, but "
            "got 99999 instead."
        ),
        "max_output_tokens",
        "integer_above_max_value",
    ),
    (
        body(temperature=3),
        (
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 "
            "instead."
        ),
        "temperature",
        "decimal_above_max_value",
    ),
    (
        body(stream="yes"),
        "Invalid type for 'stream': expected a boolean, but got a string instead.",
        "stream",
        "invalid_type",
    ),
    (
        body(stream_options={"include_obfuscation": False}),
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
        None,
    ),
    (
        body(background=True, store=False),
        "Background mode requires 'store' to be true.",
        "background",
        None,
    ),
    (
        body(metadata={"n": 1}),
        "Invalid type for 'metadata.n': expected a string, but got an integer instead.",
        "metadata.n",
        "invalid_type",
    ),
    (
        body(metadata={str(n): "x" for n in range(17)}),
        (
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead."
        ),
        "metadata",
        "object_above_max_properties",
    ),
    (
        body(truncation="some"),
        "Invalid value: 'some'. Supported values are: 'auto' and 'disabled'.",
        "truncation",
        "invalid_value",
    ),
    (
        body(previous_response_id="resp_1", conversation="conv_1"),
        (
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are "
            "only providing one of: 'previous_response_id' or 'conversation'."
        ),
        "previous_response_id",
        "mutually_exclusive_parameters",
    ),
    (
        body(previous_response_id="resp_1"),
        "Previous response with id 'resp_1' not found.",
        "previous_response_id",
        "previous_response_not_found",
    ),
    (
        body(previous_response_id="msg_1"),
        ID.format("previous_response_id", "msg_1", "resp"),
        "previous_response_id",
        "invalid_value",
    ),
    (
        body(previous_response_id="@results.response"),
        (
            "Invalid 'previous_response_id': '@results.response'. Expected an ID that contains "
            "letters, numbers, underscores, or dashes, but this value contained additional characters."
        ),
        "previous_response_id",
        "invalid_value",
    ),
]


def name_of(case):
    return case[:60] if isinstance(case, str) else ""


@pytest.mark.wire("openai_responses.requests.invalid_request_is_refused")
@pytest.mark.parametrize(("given", "message", "param", "code"), REFUSED, ids=name_of)
def test_invalid_request_is_refused(ask_responses, given, message, param, code):
    """With message, param and code."""
    refusal = ask_responses(given)
    assert isinstance(refusal, Refusal)
    assert refusal.message == message
    assert (refusal.kind, refusal.param, refusal.code) == ("invalid_request", param, code)


@pytest.mark.wire("openai_responses.requests.model_for_vectors_does_not_answer")
def test_model_for_vectors_does_not_answer(ask_responses):
    """It has a route of its own."""
    refusal = ask_responses(body(model="text-embedding"))
    assert (refusal.kind, refusal.param) == ("invalid_request", "model")


@pytest.mark.wire("openai_responses.requests.unknown_model")
def test_unknown_model(ask_responses):
    """A 404 with a code."""
    refusal = ask_responses(body(model="gpt-nope"))
    assert (refusal.kind, refusal.code) == ("not_found", "model_not_found")
    assert refusal.message.startswith("The model `gpt-nope` does not exist")


@pytest.mark.wire("openai_responses.requests.what_was_never_kept_is_not_found")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            body(USER, {"type": "item_reference", "id": "rs_1"}),
            (
                "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false. "
                "Try again with `store` set to true, or remove this item from your input."
            ),
        ),
        (body(conversation="conv_1"), "Conversation with id 'conv_1' not found."),
        (body(input=..., prompt={"id": "mine"}), "Prompt with id 'mine' not found."),
    ],
    ids=["item", "conversation", "prompt"],
)
def test_what_was_never_kept_is_not_found(ask_responses, given, message):
    """Another kind of 404."""
    refusal = ask_responses(given)
    assert (refusal.kind, refusal.message) == ("not_found", message)


@pytest.mark.wire("openai_responses.requests.key_is_required")
def test_key_is_required(ask_responses):
    """Before anything else is looked at."""
    refusal = ask_responses(b"{", authorization=None)
    assert (refusal.kind, refusal.message[:34]) == (
        "authentication",
        "You didn't provide an API key. You",
    )


@pytest.mark.wire("openai_responses.requests.body_must_be_a_json_object")
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff"])
def test_body_must_be_a_json_object(ask_responses, data):
    """In the words of production."""
    assert ask_responses(data).message.startswith("We could not parse the JSON body")


@pytest.mark.wire("openai_responses.requests.method_must_fit")
@pytest.mark.parametrize(
    ("path", "method", "hint"),
    [
        ("/v1/responses", "GET", "POST"),
        ("/v1/responses/resp_1", "PUT", "GET"),
        ("/v1/responses/resp_1/cancel", "GET", "POST"),
        ("/v1/conversations/conv_1/items", "DELETE", "POST"),
    ],
)
def test_method_must_fit(ask_responses, path, method, hint):
    """The hint names one that does."""
    refusal = ask_responses(b"", path=path, method=method)
    assert (refusal.status, f"make a {hint} request" in refusal.message) == (405, True)
