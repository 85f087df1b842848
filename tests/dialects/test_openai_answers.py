"""The bytes of Chat Completions: answers, streams, errors, headers and lists."""

import json

import pytest

from chaoskit.dialects._openai.headers import go_duration
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, Refusal, Reply, Text, ToolCall, ToolChoice, Usage

USAGE = Usage(input=5, cache_read=30, cache_write_5m=7, output=11)
RICH = Reply(
    content=(
        Text("I looked at the logs of last night."),
        ToolCall(id="", name="a", arguments='{"q":"é"}'),
        ToolCall(id="", name="b", arguments=""),
    ),
    stop="tool_use",
    usage=USAGE,
)
TOOLS_ONLY = Reply(content=RICH.content[1:], stop="tool_use", usage=USAGE)


def call(**changes):
    return Call(
        **({"dialect": "openai_chat", "provider": "openai", "model": "gpt-plain"} | changes)
    )


def parsed(http):
    return json.loads(http.body)


def chunks(frames):
    return [json.loads(frame.data) for frame in frames[:-1]]


@pytest.mark.wire("openai_chat.answers.plain_answer_has_every_field")
def test_plain_answer_has_every_field(openai, envelope):
    """Tokens of the prompt include the cached ones; details are zeros, not null."""
    http = openai.plain(RICH, call(options={"served": "gpt-plain-2026-01-01"}), envelope())
    made = parsed(http)
    (choice,) = made["choices"]
    assert made["id"].startswith("chatcmpl-")
    assert len(made["id"]) == 38
    assert tuple(made[k] for k in ("object", "created", "model", "service_tier")) == (
        "chat.completion",
        1_795_330_800,
        "gpt-plain-2026-01-01",
        "default",
    )
    assert made["system_fingerprint"].startswith("fp_")
    assert (choice["index"], choice["logprobs"], choice["finish_reason"]) == (0, None, "tool_calls")
    first, second = choice["message"]["tool_calls"]
    assert first["function"] == {"name": "a", "arguments": '{"q":"é"}'}
    assert first["id"].startswith("call_")
    assert first["id"] != second["id"]
    assert made["usage"] == {
        "prompt_tokens": 42,
        "completion_tokens": 11,
        "total_tokens": 53,
        "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 0, "cache_write_tokens": 7},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


@pytest.mark.wire(
    "openai_chat.answers.content_is_null_and_calls_are_absent_where_production_has_it_so"
)
def test_content_is_null_and_calls_are_absent_where_production_has_it_so(openai, envelope):
    """Clients tell the two kinds of answer by that."""
    text = parsed(openai.plain(Reply(content=(Text("hi"),)), call(), envelope()))["choices"][0][
        "message"
    ]
    assert text == {"role": "assistant", "content": "hi", "refusal": None, "annotations": []}
    tools = parsed(openai.plain(TOOLS_ONLY, call(), envelope()))["choices"][0]["message"]
    assert tools["content"] is None
    empty = parsed(openai.plain(Reply(content=()), call(), envelope()))["choices"][0]["message"]
    assert empty["content"] == ""


STOPS = [
    ("end", "auto", "stop"),
    ("max_tokens", "auto", "length"),
    ("stop_sequence", "auto", "stop"),
    ("tool_use", "auto", "tool_calls"),
    ("tool_use", "any", "tool_calls"),
    ("tool_use", "tool", "stop"),
    ("refusal", "auto", "content_filter"),
    ("window_exceeded", "auto", "length"),
]


@pytest.mark.wire("openai_chat.answers.finish_reason")
@pytest.mark.parametrize(("stop", "mode", "expected"), STOPS)
def test_finish_reason(openai, envelope, stop, mode, expected):
    """A tool forced by name ends with `stop`."""
    reply = Reply(content=(Text("x"),), stop=stop)
    given = call(tool_choice=ToolChoice(mode=mode))
    assert expected == parsed(openai.plain(reply, given, envelope()))["choices"][0]["finish_reason"]
    _, frames = openai.stream(reply, given, envelope())
    assert expected == chunks(frames)[-1]["choices"][0]["finish_reason"]


@pytest.mark.wire("openai_chat.answers.stream_has_the_order_of_production")
def test_stream_has_the_order_of_production(openai, envelope):
    """The id of a call comes once; its arguments begin empty."""
    headers, frames = openai.stream(RICH, call(), envelope())
    made = chunks(frames)
    deltas = [chunk["choices"][0]["delta"] for chunk in made]
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert {""} == {frame.name for frame in frames}
    assert frames[-1].data == "[DONE]"
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert deltas[-1] == {}
    assert [frame.kind for frame in frames[:4]] == ["start", "content", "content", "tool"]
    assert [frame.kind for frame in frames[-3:]] == ["tool", "end", "done"]
    calls = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert [part["index"] for part in calls if "id" in part] == [0, 1]
    assert [part["function"]["arguments"] for part in calls if "id" in part] == ["", ""]
    assert {("arguments",)} == {tuple(part["function"]) for part in calls if "id" not in part}
    assert all("usage" not in chunk for chunk in made)


@pytest.mark.wire("openai_chat.answers.usage_comes_in_a_chunk_of_its_own_when_asked_for")
def test_usage_comes_in_a_chunk_of_its_own_when_asked_for(openai, envelope):
    """All others then have a null."""
    _, frames = openai.stream(RICH, call(options={"include_usage": True}), envelope())
    *others, last = chunks(frames)
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in others)
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 53)
    assert [frame.kind for frame in frames[-3:]] == ["end", "usage", "done"]


@pytest.mark.wire("openai_chat.answers.stream_of_tool_calls_alone_has_no_content")
def test_stream_of_tool_calls_alone_has_no_content(openai, envelope):
    """Accumulated, it is null as in one piece."""
    _, frames = openai.stream(TOOLS_ONLY, call(), envelope())
    assert chunks(frames)[0]["choices"][0]["delta"]["content"] is None


@pytest.mark.wire("openai_chat.answers.several_choices_have_calls_of_their_own")
def test_several_choices_have_calls_of_their_own(openai, envelope):
    """Ids are unique in an answer."""
    made = parsed(openai.plain(RICH, call(options={"n": 3}), envelope()))["choices"]
    ids = {part["id"] for choice in made for part in choice["message"]["tool_calls"]}
    assert ([choice["index"] for choice in made], len(ids)) == ([0, 1, 2], 6)
    _, frames = openai.stream(RICH, call(options={"n": 3}), envelope())
    assert {0, 1, 2} == {chunk["choices"][0]["index"] for chunk in chunks(frames)}


@pytest.mark.wire("openai_chat.answers.ids_are_alike_in_one_piece_and_in_a_stream")
def test_ids_are_alike_in_one_piece_and_in_a_stream(openai, envelope):
    """The same generator gives the same ids."""
    http = openai.plain(RICH, call(), envelope())
    headers, frames = openai.stream(RICH, call(), envelope())
    made = [
        part["id"]
        for chunk in chunks(frames)
        for part in chunk["choices"][0]["delta"].get("tool_calls", ())
        if "id" in part
    ]
    assert [part["id"] for part in parsed(http)["choices"][0]["message"]["tool_calls"]] == made
    assert parsed(http)["id"] == chunks(frames)[0]["id"]
    assert http.headers["x-request-id"] == headers["x-request-id"]


ERRORS = [
    ("invalid_request", 400, "invalid_request_error", None, "Invalid request."),
    (
        "authentication",
        401,
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided",
    ),
    ("billing", 429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota"),
    ("permission", 403, "invalid_request_error", None, "You have insufficient permissions"),
    ("not_found", 404, "invalid_request_error", None, "Not found."),
    ("conflict", 409, "invalid_request_error", None, "The resource is in use"),
    ("too_large", 413, "invalid_request_error", None, "The request is too large."),
    (
        "rate_limited",
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for gpt-plain in organization org-",
    ),
    (
        "quota_exhausted",
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota",
    ),
    (
        "server_error",
        500,
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    ("bad_gateway", 502, "server_error", None, "Bad gateway."),
    ("unavailable", 503, "server_error", None, "The service is temporarily unavailable."),
    ("timeout", 504, "server_error", None, "The request timed out."),
    (
        "overloaded",
        503,
        "server_error",
        "server_is_overloaded",
        "The engine is currently overloaded",
    ),
    (
        "context_overflow",
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
    ),
]


@pytest.mark.wire("openai_chat.answers.error_has_status_type_code_and_text")
@pytest.mark.parametrize(("kind", "status", "name", "code", "text"), ERRORS)
def test_error_has_status_type_code_and_text(openai, envelope, kind, status, name, code, text):
    """All four keys are always there."""
    refusal = Refusal(kind=kind, details={"tokens": 130_000, "window": 128_000})
    http = openai.refuse(refusal, call(), envelope())
    error = parsed(http)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert (status, name, code) == (http.status, error["type"], error["code"])
    assert error["message"].startswith(text)
    assert ("messages" if kind == "context_overflow" else None) == error["param"]


@pytest.mark.wire("openai_chat.answers.missing_key_has_no_code")
def test_missing_key_has_no_code(openai, envelope):
    """Only a wrong key has one; the organisation is not told either."""
    http = openai.refuse(Refusal(kind="authentication", message="You didn't"), None, envelope())
    assert parsed(http)["error"]["code"] is None
    assert "openai-organization" not in http.headers


@pytest.mark.wire("openai_chat.answers.rate_limit_tells_the_numbers_and_the_time")
def test_rate_limit_tells_the_numbers_and_the_time(openai, envelope):
    """Seconds are rounded up, milliseconds are exact."""
    details = {"limit_value": 30_000, "used": 29_000, "requested": 1_500}
    refusal = Refusal(kind="rate_limited", limit="tokens", retry_after=1.25, details=details)
    http = openai.refuse(refusal, call(), envelope())
    error = parsed(http)["error"]
    assert error["type"] == "tokens"
    assert (
        "on tokens per min (TPM): Limit 30000, Used 29000, Requested 1500. Please try again in 1.25s."
        in error["message"]
    )
    assert (http.headers["retry-after"], http.headers["retry-after-ms"]) == ("2", "1250")


@pytest.mark.wire("openai_chat.answers.headers_of_an_answer")
def test_headers_of_an_answer(openai, envelope):
    """Resets are durations as Go prints them."""
    http = openai.plain(Reply(content=()), call(), envelope(latency=0.6125))
    assert {
        "openai-version": "2020-10-01",
        "openai-processing-ms": "612",
        "x-ratelimit-limit-requests": "50",
        "x-ratelimit-remaining-requests": "49",
        "x-ratelimit-reset-requests": "1.2s",
        "x-ratelimit-limit-tokens": "40000",
        "x-ratelimit-remaining-tokens": "39400",
        "x-ratelimit-reset-tokens": "1m4.5s",
    }.items() <= http.headers.items()
    assert len(http.headers["x-request-id"]) == 36


@pytest.mark.wire("openai_chat.answers.duration_as_go_prints_it")
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (0.006, "6ms"),
        (0.0001, "1ms"),
        (0.9999, "1s"),
        (8.64, "8.64s"),
        (60, "1m0s"),
        (360, "6m0s"),
        (5400, "1h30m0s"),
        (86.4, "1m26.4s"),
    ],
)
def test_duration_as_go_prints_it(seconds, expected):
    """Never a timestamp, never a bare number."""
    assert expected == go_duration(seconds)


@pytest.mark.wire("openai_chat.answers.error_chunk")
def test_error_chunk(openai, envelope):
    """It has no name, and the error stands at the top."""
    frame = openai.error_frame(Refusal(kind="server_error"), envelope())
    assert (frame.kind, frame.name) == ("error", "")
    assert json.loads(frame.data)["error"]["type"] == "server_error"


@pytest.mark.wire("openai_chat.answers.models")
def test_models(openai, models, envelope, ask_openai):
    """The list and one of them."""
    listed = parsed(
        openai.models(ask_openai(b"", path="/v1/models", method="GET"), models, envelope())
    )
    assert (
        listed["object"],
        [m["id"] for m in listed["data"]],
    ) == ("list", ["gpt-plain-2026-01-01", "gpt-thinker", "text-embedding"])
    one = ask_openai(b"", path="/v1/models/gpt-thinker", method="GET")
    expected = {
        "id": "gpt-thinker",
        "object": "model",
        "created": 1_780_000_000,
        "owned_by": "system",
    }
    assert expected == parsed(openai.models(one, models, envelope()))
    alias = ask_openai(b"", path="/v1/models/gpt-plain", method="GET")
    assert parsed(openai.models(alias, models, envelope()))["id"] == "gpt-plain"


@pytest.mark.wire("openai_chat.answers.nobody_counts_tokens_here")
def test_nobody_counts_tokens_here(openai, envelope):
    """There is no such route, so a call for it is a mistake of the harness."""
    with pytest.raises(InternalError, match="openai_chat cannot answer generate"):
        openai.count(1, call(), envelope())


@pytest.mark.wire("openai_chat.answers.model_that_vanished_is_not_found")
def test_model_that_vanished_is_not_found(openai, models, envelope):
    """A call may outlive the model it asks for."""
    http = openai.models(call(operation="get_model", model="gone"), models, envelope())
    assert (http.status, parsed(http)["error"]["code"]) == (404, "model_not_found")


@pytest.mark.wire("openai_chat.answers.new_id_of_a_tool_call")
def test_new_id_of_a_tool_call(openai, envelope):
    """In the format of the vendor."""
    assert openai.call_id(envelope().ids).startswith("call_")


@pytest.mark.wire("openai_chat.answers.status_of_the_refusal_decides_the_type")
def test_status_of_the_refusal_decides_the_type(openai, envelope):
    """A failure of the server is never the fault of the request."""
    http = openai.refuse(Refusal(kind="not_found", status=500), None, envelope())
    assert (http.status, parsed(http)["error"]["type"]) == (500, "server_error")


@pytest.mark.wire("openai_chat.answers.time_to_wait_may_be_a_date")
def test_time_to_wait_may_be_a_date(openai, envelope):
    """Then nothing else is said."""
    refusal = Refusal(kind="overloaded", retry_after=60, retry_after_form="date")
    headers = openai.refuse(refusal, None, envelope()).headers
    assert headers["retry-after"] == "Sun, 22 Nov 2026 07:01:00 GMT"
    assert "retry-after-ms" not in headers
