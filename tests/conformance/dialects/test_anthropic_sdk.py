"""The `anthropic` package understands every byte of the dialect."""

import asyncio

import anthropic
import pytest

from chaoskit.exchange import Refusal, Reply, Text, Thinking, ToolCall, Usage

PROMPT = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
TOOL = {
    "name": "search",
    "description": "Searches.",
    "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
}
TEXT = "Hello, wörld. 👋 How are you today?"
TWO_CALLS = Reply(
    content=(
        Text("Let me look."),
        ToolCall(id="", name="search", arguments='{"q":"a long enough text"}'),
        ToolCall(id="", name="search", arguments='{"q":"other"}'),
    ),
    stop="tool_use",
    usage=Usage(input=10, output=30),
)
DONE = Reply(content=(Text("Found both."),), usage=Usage(input=90, output=4))


@pytest.fixture(params=["https://api.anthropic.com", "http://127.0.0.1:9/prefix", "http://h/"])
def base_url(request):
    return request.param


@pytest.fixture
def client(sync_http):
    return anthropic.Anthropic(api_key="test", http_client=sync_http, max_retries=0)


@pytest.fixture
def async_client(async_http):
    return anthropic.AsyncAnthropic(api_key="test", http_client=async_http, max_retries=0)


@pytest.mark.wire("anthropic.sdk.plain_answer_at_any_base_url")
def test_plain_answer_at_any_base_url(sync_http, base_url):
    """With a prefix and with a trailing slash."""
    client = anthropic.Anthropic(api_key="test", http_client=sync_http, base_url=base_url)
    message = client.messages.create(**PROMPT)
    assert message.content[0].text == TEXT
    assert (
        message.stop_reason,
        message.usage.input_tokens,
        message.usage.output_tokens,
    ) == ("end_turn", 12, 7)
    assert (
        message.usage.cache_read_input_tokens,
        message.usage.cache_creation.ephemeral_5m_input_tokens,
    ) == (2048, 100)
    assert message._request_id.startswith("req_01")


@pytest.mark.wire("anthropic.sdk.beta_namespace_changes_nothing")
def test_beta_namespace_changes_nothing(client, service):
    """It only adds a query and a header."""
    message = client.beta.messages.create(**PROMPT, betas=["context-1m-2025-08-07"])
    assert message.content[0].text == TEXT


@pytest.mark.wire("anthropic.sdk.stream_helper_accumulates_the_answer")
def test_stream_helper_accumulates_the_answer(client):
    """Text, usage and reason."""
    with client.messages.stream(**PROMPT) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert (text, message.content[0].text, message.stop_reason) == (TEXT, TEXT, "end_turn")
    assert (
        message.usage.input_tokens,
        message.usage.cache_read_input_tokens,
        message.usage.cache_creation_input_tokens,
        message.usage.output_tokens,
    ) == (12, 2048, 100, 7)


@pytest.mark.wire("anthropic.sdk.raw_stream_has_every_event")
def test_raw_stream_has_every_event(client):
    """The SDK swallows the ping and nothing else."""
    events = [event.type for event in client.messages.create(**PROMPT, stream=True)]
    assert events[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert events[-3:] == ["content_block_stop", "message_delta", "message_stop"]


@pytest.mark.wire("anthropic.sdk.thinking_and_its_signature_survive_the_round_trip")
def test_thinking_and_its_signature_survive_the_round_trip(client, service):
    """What the stream helper collected may be sent back."""
    service.outcomes = [Reply(content=(Thinking(text="Let me see."), Text("Yes."))), DONE]
    with client.messages.stream(**PROMPT) as stream:
        message = stream.get_final_message()
    assert (message.content[0].thinking, message.content[1].text) == ("Let me see.", "Yes.")
    history = [*PROMPT["messages"], message.to_param(), {"role": "user", "content": "ok"}]
    assert client.messages.create(**PROMPT | {"messages": history}).content[0].text == "Found both."


@pytest.mark.wire("anthropic.sdk.parallel_tool_calls_and_their_results")
@pytest.mark.parametrize("streamed", [False, True])
def test_parallel_tool_calls_and_their_results(client, service, streamed):
    """The whole loop, with both ways to ask."""
    service.outcomes = [TWO_CALLS, DONE]
    if streamed:
        with client.messages.stream(**PROMPT, tools=[TOOL]) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**PROMPT, tools=[TOOL])
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"q": "a long enough text"}, {"q": "other"}]
    assert message.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "x"} for call in calls]
    history = [
        *PROMPT["messages"],
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": results},
    ]
    last = client.messages.create(**PROMPT | {"messages": history}, tools=[TOOL])
    assert last.content[0].text == "Found both."
    decoded = service.calls[-1]
    assert [call.id for call in calls] == [part.call_id for part in decoded.messages[2].content]


@pytest.mark.wire("anthropic.sdk.tool_runner_continues_its_thread")
def test_tool_runner_continues_its_thread(client, service):
    """It sends the results alone; the service knows the rest."""
    service.outcomes = [TWO_CALLS, DONE]

    @anthropic.beta_tool
    def search(q: str) -> str:
        """Search for something."""
        return f"found {q}"

    runner = client.beta.messages.tool_runner(**PROMPT, tools=[search])
    assert runner.until_done().content[0].text == "Found both."
    first, second = service.calls
    assert [message.role for message in second.messages] == ["user", "assistant", "user"]
    assert second.messages[:1] == first.messages
    assert second.tools == first.tools


@pytest.mark.wire("anthropic.sdk.damaged_arguments_reach_the_client")
def test_damaged_arguments_reach_the_client(client, service):
    """In one piece as text; in a stream the helper fails to parse them."""
    service.outcomes = [Reply(content=(ToolCall(id="", name="search", arguments='{"q": nope}'),))]
    assert client.messages.create(**PROMPT).content[0].input == '{"q": nope}'
    with (
        client.messages.stream(**PROMPT) as stream,
        pytest.raises(ValueError, match="Unable to parse tool parameter JSON"),
    ):
        stream.get_final_message()


@pytest.mark.wire("anthropic.sdk.count_of_tokens")
def test_count_of_tokens(client):
    """A route of its own."""
    counted = client.messages.count_tokens(model="m", messages=PROMPT["messages"])
    assert counted.input_tokens == 14


@pytest.mark.wire("anthropic.sdk.models")
def test_models(client):
    """Paged through to the end, and one by one."""
    assert [model.id for model in client.models.list(limit=2)] == ["m0", "m1", "m2", "m3", "m4"]
    model = client.models.retrieve("m3")
    assert (model.id, model.max_input_tokens, model.lifecycle) == ("m3", 200_000, "active")
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nope")


ERRORS = [
    ("invalid_request", anthropic.BadRequestError),
    ("context_overflow", anthropic.BadRequestError),
    ("authentication", anthropic.AuthenticationError),
    ("permission", anthropic.PermissionDeniedError),
    ("not_found", anthropic.NotFoundError),
    ("conflict", anthropic.ConflictError),
    ("rate_limited", anthropic.RateLimitError),
    ("quota_exhausted", "EnforcedSpendLimitReachedError"),
    ("server_error", anthropic.InternalServerError),
    ("bad_gateway", anthropic.InternalServerError),
    ("billing", "PaymentRequiredError"),
    ("too_large", "ContentTooLargeError"),
    ("unavailable", "ServiceUnavailableError"),
    ("timeout", "GatewayTimeoutError"),
    ("overloaded", "OverloadedError"),
]


@pytest.mark.wire("anthropic.sdk.error_becomes_its_class")
@pytest.mark.parametrize(("kind", "error"), ERRORS)
def test_error_becomes_its_class(client, service, kind, error):
    """With its type and its request id."""
    service.outcomes = [Refusal(kind=kind)]
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(**PROMPT)
    name = error if isinstance(error, str) else error.__name__
    assert name == type(caught.value).__name__
    assert caught.value.request_id == caught.value.body["request_id"]
    assert caught.value.body["error"]["type"] == caught.value.type


@pytest.mark.wire("anthropic.sdk.invalid_request_of_the_sdk_itself")
def test_invalid_request_of_the_sdk_itself(client):
    """An unpaired tool call, the most common bug of agents."""
    call = {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {}}
    history = [*PROMPT["messages"], {"role": "assistant", "content": [call]}]
    with pytest.raises(anthropic.BadRequestError, match="ids were found without `tool_result`"):
        client.messages.create(**PROMPT | {"messages": history})


@pytest.mark.wire("anthropic.sdk.error_inside_a_stream_keeps_status_200")
def test_error_inside_a_stream_keeps_status_200(client, service):
    """It is not an OverloadedError, as code that catches by class finds out."""
    service.break_after = 5
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(client.messages.create(**PROMPT, stream=True))
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")


@pytest.mark.wire("anthropic.sdk.async_client")
def test_async_client(async_client, service):
    """Plain and streamed."""

    async def main():
        async with async_client as client:
            plain = await client.messages.create(**PROMPT)
            async with client.messages.stream(**PROMPT) as stream:
                text = "".join([piece async for piece in stream.text_stream])
            return plain.content[0].text, text

    assert asyncio.run(main()) == (TEXT, TEXT)
