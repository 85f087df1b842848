"""The `openai` package understands every byte of the dialect."""

import asyncio

import openai
import pytest

from chaoskit.exchange import Refusal, Reply, Text, ToolCall, Usage

PROMPT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
TEXT = "Hello, wörld. 👋 How are you today?"
TWO_CALLS = Reply(
    content=(
        ToolCall(id="", name="search", arguments='{"q":"a long enough text"}'),
        ToolCall(id="", name="search", arguments='{"q":"other"}'),
    ),
    stop="tool_use",
    usage=Usage(input=10, output=30),
)
DONE = Reply(content=(Text("Found both."),), usage=Usage(input=90, output=4))


@pytest.fixture(
    params=["https://api.openai.com/v1", "http://127.0.0.1:9/prefix/v1", "http://h/v1/"]
)
def base_url(request):
    return request.param


@pytest.fixture
def client(sync_http):
    return openai.OpenAI(api_key="test", http_client=sync_http, max_retries=0)


@pytest.fixture
def async_client(async_http):
    return openai.AsyncOpenAI(api_key="test", http_client=async_http, max_retries=0)


@pytest.mark.wire("openai_chat.sdk.plain_answer_at_any_base_url")
def test_plain_answer_at_any_base_url(sync_http, base_url):
    """With a prefix and with a trailing slash."""
    client = openai.OpenAI(api_key="test", http_client=sync_http, base_url=base_url)
    made = client.chat.completions.create(**PROMPT)
    choice = made.choices[0]
    assert (
        choice.message.content,
        choice.finish_reason,
        choice.message.tool_calls,
    ) == (TEXT, "stop", None)
    assert (
        made.usage.prompt_tokens,
        made.usage.completion_tokens,
        made.usage.total_tokens,
    ) == (2160, 7, 2167)
    assert (
        made.usage.prompt_tokens_details.cached_tokens,
        made.usage.completion_tokens_details.reasoning_tokens,
    ) == (2048, 0)
    assert made._request_id.startswith("req_")


@pytest.mark.wire("openai_chat.sdk.raw_stream")
@pytest.mark.parametrize("usage", [True, False])
def test_raw_stream(client, usage):
    """The usage only when asked for."""
    options = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(client.chat.completions.create(**PROMPT, stream=True, **options))
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == TEXT
    assert usage == (chunks[-1].usage is not None)
    assert usage == (chunks[-1].choices == [])
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.wire("openai_chat.sdk.stream_helper_accumulates_the_answer")
def test_stream_helper_accumulates_the_answer(client, service):
    """Parallel tool calls with all their fragments."""
    service.outcomes = [TWO_CALLS]
    options = {"include_usage": True}
    with client.chat.completions.stream(**PROMPT, tools=[TOOL], stream_options=options) as stream:
        made = stream.get_final_completion()
    message = made.choices[0].message
    assert message.content is None
    assert [call.function.arguments for call in message.tool_calls] == [
        '{"q":"a long enough text"}',
        '{"q":"other"}',
    ]
    assert (made.choices[0].finish_reason, made.usage.total_tokens) == ("tool_calls", 40)


@pytest.mark.wire("openai_chat.sdk.parallel_tool_calls_and_their_results")
def test_parallel_tool_calls_and_their_results(client, service):
    """The whole loop."""
    service.outcomes = [TWO_CALLS, DONE]
    message = client.chat.completions.create(**PROMPT, tools=[TOOL]).choices[0].message
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": "x"} for call in message.tool_calls
    ]
    history = [*PROMPT["messages"], message, *results]
    last = client.chat.completions.create(model="m", messages=history, tools=[TOOL])
    assert last.choices[0].message.content == "Found both."
    assert [m.role for m in service.calls[-1].messages] == ["user", "assistant", "tool", "tool"]


@pytest.mark.wire("openai_chat.sdk.parsed_answer_is_validated_by_the_sdk")
def test_parsed_answer_is_validated_by_the_sdk(client, service):
    """The helper sends a strict schema, which is accepted."""
    from pydantic import BaseModel

    class Answer(BaseModel):
        city: str

    service.outcomes = [Reply(content=(Text('{"city": "Köln"}'),))]
    made = client.chat.completions.parse(**PROMPT, response_format=Answer)
    assert Answer(city="Köln") == made.choices[0].message.parsed
    assert {"city"} == set(service.calls[0].options["output_schema"]["properties"])


@pytest.mark.wire("openai_chat.sdk.damaged_arguments_reach_the_client")
def test_damaged_arguments_reach_the_client(client, service):
    """As the model wrote them."""
    service.outcomes = [Reply(content=(ToolCall(id="", name="search", arguments='{"q": '),))]
    made = client.chat.completions.create(**PROMPT)
    assert made.choices[0].message.tool_calls[0].function.arguments == '{"q": '


@pytest.mark.wire("openai_chat.sdk.models")
def test_models(client):
    """The list, and one by one."""
    assert [model.id for model in client.models.list()] == ["m0", "m1", "m2", "m3", "m4"]
    assert client.models.retrieve("m3").id == "m3"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


ERRORS = [
    ("invalid_request", openai.BadRequestError, None),
    ("context_overflow", openai.BadRequestError, "context_length_exceeded"),
    ("authentication", openai.AuthenticationError, "invalid_api_key"),
    ("permission", openai.PermissionDeniedError, None),
    ("not_found", openai.NotFoundError, None),
    ("conflict", openai.ConflictError, None),
    ("rate_limited", openai.RateLimitError, "rate_limit_exceeded"),
    ("quota_exhausted", openai.RateLimitError, "insufficient_quota"),
    ("server_error", openai.InternalServerError, None),
    ("bad_gateway", openai.InternalServerError, None),
    ("unavailable", openai.InternalServerError, None),
    ("timeout", openai.InternalServerError, None),
    ("overloaded", openai.InternalServerError, "server_is_overloaded"),
]


@pytest.mark.wire("openai_chat.sdk.error_becomes_its_class")
@pytest.mark.parametrize(("kind", "error", "code"), ERRORS)
def test_error_becomes_its_class(client, service, kind, error, code):
    """With its code and its request id."""
    service.outcomes = [Refusal(kind=kind)]
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**PROMPT)
    assert (error, code) == (type(caught.value), caught.value.code)
    assert caught.value.request_id.startswith("req_")


@pytest.mark.wire("openai_chat.sdk.wait_of_a_rate_limit_is_honoured")
def test_wait_of_a_rate_limit_is_honoured(sync_http, service):
    """The SDK sleeps for the milliseconds that the headers name."""
    service.outcomes = [Refusal(kind="rate_limited", retry_after=0.01), DONE]
    client = openai.OpenAI(api_key="test", http_client=sync_http, max_retries=1)
    made = client.chat.completions.with_raw_response.create(**PROMPT)
    assert made.retries_taken == 1
    assert service.calls[-1].options["retry_count"] == 1


@pytest.mark.wire("openai_chat.sdk.error_inside_a_stream")
def test_error_inside_a_stream(client, service):
    """An APIError without a status."""
    service.break_after = 3
    with pytest.raises(openai.APIError, match="overloaded") as caught:
        list(client.chat.completions.create(**PROMPT, stream=True))
    assert not isinstance(caught.value, openai.APIStatusError)


@pytest.mark.wire("openai_chat.sdk.unknown_route_has_the_vendors_own_404")
def test_unknown_route_has_the_vendors_own_404(client):
    """Not the page of a web framework."""
    with pytest.raises(openai.NotFoundError, match=r"Invalid URL \(POST /v1/moderations\)"):
        client.moderations.create(input="x")


@pytest.mark.wire("openai_chat.sdk.async_client")
def test_async_client(async_client):
    """Plain and streamed."""

    async def main():
        async with async_client as client:
            plain = await client.chat.completions.create(**PROMPT)
            stream = await client.chat.completions.create(**PROMPT, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return plain.choices[0].message.content, "".join(pieces)

    assert asyncio.run(main()) == (TEXT, TEXT)
