"""The `openai` package understands every byte of the Responses dialect."""

import asyncio

import openai
import pytest
from pydantic import BaseModel

from chaoskit.exchange import Refusal, Reply, Text, Thinking, ToolCall, Usage

TEXT = "Hello, wörld. 👋 How are you today?"
PROMPT = {"model": "m", "input": "hi"}
TOOL = {
    "type": "function",
    "name": "search",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    "strict": False,
}
TWO_CALLS = Reply(
    content=(
        ToolCall(id="", name="search", arguments='{"q":"a long enough text"}'),
        ToolCall(id="", name="search", arguments='{"q":"other"}'),
    ),
    stop="tool_use",
    usage=Usage(input=10, output=30),
)
DONE = Reply(content=(Text("Found both."),), usage=Usage(input=90, output=4))


class City(BaseModel):
    """What an answer is parsed into."""

    city: str


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


def results_of(response):
    return [
        {"type": "function_call_output", "call_id": item.call_id, "output": "x"}
        for item in response.output
        if item.type == "function_call"
    ]


@pytest.mark.wire("openai_responses.sdk.plain_answer_at_any_base_url")
def test_plain_answer_at_any_base_url(sync_http, base_url):
    """With a prefix and with a trailing slash."""
    client = openai.OpenAI(api_key="test", http_client=sync_http, base_url=base_url)
    made = client.responses.create(**PROMPT, metadata={"run": "7"}, user="ann")
    assert (made.output_text, made.status, made.error) == (TEXT, "completed", None)
    assert (made.metadata, made.user, made.store) == ({"run": "7"}, "ann", True)
    usage = made.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (2160, 7, 2167)
    assert usage.input_tokens_details.cached_tokens == 2048
    assert usage.output_tokens_details.reasoning_tokens == 0
    assert made._request_id.startswith("req_")


@pytest.mark.wire("openai_responses.sdk.raw_stream")
def test_raw_stream(client):
    """Names equal types, numbers have no gaps, and the last event carries the whole answer."""
    events = list(client.responses.create(**PROMPT, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == TEXT
    first, last = events[0], events[-1]
    assert (first.type, first.response.status, first.response.output) == (
        "response.created",
        "in_progress",
        [],
    )
    assert (first.response.usage, last.response.usage.total_tokens) == (None, 2167)
    assert (last.type, last.response.output_text, last.response.id) == (
        "response.completed",
        TEXT,
        first.response.id,
    )


@pytest.mark.wire("openai_responses.sdk.stream_helper_accumulates_the_answer")
def test_stream_helper_accumulates_the_answer(client, service):
    """Parallel tool calls with all their fragments."""
    service.outcomes = [TWO_CALLS]
    with client.responses.stream(**PROMPT, tools=[TOOL]) as stream:
        snapshots = [
            event.snapshot
            for event in stream
            if event.type == "response.function_call_arguments.delta"
        ]
        made = stream.get_final_response()
    assert '{"q":"a long enough text"}' in snapshots
    assert [item.arguments for item in made.output] == [
        '{"q":"a long enough text"}',
        '{"q":"other"}',
    ]
    assert len({item.call_id for item in made.output} | {item.id for item in made.output}) == 4


@pytest.mark.wire("openai_responses.sdk.incomplete_answer_raises_in_the_stream_helper_only")
def test_incomplete_answer_raises_in_the_stream_helper_only(client, service):
    """There is no `response.completed`; the answer is told by `response.incomplete`."""
    service.outcomes = [Reply(content=(Text("half a"),), stop="max_tokens")]
    made = client.responses.create(**PROMPT)
    assert (made.status, made.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert made.output[0].status == "incomplete"
    *_, last = client.responses.create(**PROMPT, stream=True)
    assert (last.type, last.response.status) == ("response.incomplete", "incomplete")
    with client.responses.stream(**PROMPT) as stream, pytest.raises(RuntimeError):
        stream.get_final_response()


@pytest.mark.wire("openai_responses.sdk.tool_calls_and_their_results")
@pytest.mark.parametrize("chained", [False, True])
def test_tool_calls_and_their_results(client, service, chained):
    """The whole loop, with the items sent back or with the id of the response before."""
    service.outcomes = [TWO_CALLS, DONE]
    first = client.responses.create(**PROMPT, tools=[TOOL])
    items = results_of(first)
    if chained:
        last = client.responses.create(
            model="m", input=items, tools=[TOOL], previous_response_id=first.id
        )
    else:
        whole = [{"role": "user", "content": "hi"}, *first.output, *items]
        last = client.responses.create(model="m", input=whole, tools=[TOOL])
    assert last.output_text == "Found both."
    assert [m.role for m in service.calls[-1].messages] == ["user", "assistant", "tool"]
    assert [part.name for part in service.calls[-1].messages[1].content] == ["search"] * 2


@pytest.mark.wire("openai_responses.sdk.chain_goes_on_and_branches")
def test_chain_goes_on_and_branches(client, service):
    """Each response stands for all before it; instructions are not inherited."""
    first = client.responses.create(model="m", input="one", instructions="be brief")
    second = client.responses.create(model="m", input="two", previous_response_id=first.id)
    client.responses.create(model="m", input="three", previous_response_id=second.id)
    texts = [m.text for m in service.calls[-1].messages]
    assert texts == ["one", TEXT, "two", TEXT, "three"]
    assert service.calls[-1].system == ()
    client.responses.create(model="m", input="other", previous_response_id=first.id)
    assert [m.text for m in service.calls[-1].messages] == ["one", TEXT, "other"]


@pytest.mark.wire("openai_responses.sdk.chain_without_the_result_of_a_call_is_refused")
def test_chain_without_the_result_of_a_call_is_refused(client, service):
    """Whoever forgets it hears about it, as in production."""
    service.outcomes = [TWO_CALLS]
    first = client.responses.create(**PROMPT, tools=[TOOL])
    half = results_of(first)[:1]
    with pytest.raises(openai.BadRequestError, match="No tool output found for function call"):
        client.responses.create(model="m", input=half, previous_response_id=first.id)


@pytest.mark.wire("openai_responses.sdk.unstored_response_is_gone")
def test_unstored_response_is_gone(client):
    """Neither retrieved nor continued."""
    made = client.responses.create(**PROMPT, store=False)
    with pytest.raises(openai.NotFoundError, match=f"Response with id '{made.id}' not found"):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**PROMPT, previous_response_id=made.id)
    assert (caught.value.code, caught.value.param) == (
        "previous_response_not_found",
        "previous_response_id",
    )


@pytest.mark.wire("openai_responses.sdk.earlier_items_sent_along_with_a_chain_are_duplicates")
def test_earlier_items_sent_along_with_a_chain_are_duplicates(client):
    """The usual mistake of those who move to chains."""
    first = client.responses.create(**PROMPT)
    again = [*first.output, {"role": "user", "content": "more"}]
    with pytest.raises(openai.BadRequestError, match="Duplicate item found with id msg_"):
        client.responses.create(model="m", input=again, previous_response_id=first.id)


@pytest.mark.wire("openai_responses.sdk.call_without_its_reasoning_is_refused")
def test_call_without_its_reasoning_is_refused(client, service):
    """Reasoning belongs to the item after it."""
    service.outcomes = [Reply(content=(Thinking(text="hm"), *TWO_CALLS.content))]
    first = client.responses.create(**PROMPT, tools=[TOOL])
    reasoning, *calls = first.output
    user = {"role": "user", "content": "hi"}
    whole = [user, reasoning, *calls, *results_of(first)]
    client.responses.create(model="m", input=whole)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="m", input=[user, *calls, *results_of(first)])
    assert (
        f"Item '{calls[0].id}' of type 'function_call' was provided without its required "
        f"'reasoning' item: '{reasoning.id}'."
    ) in str(caught.value)


@pytest.mark.wire("openai_responses.sdk.references_stand_for_items")
def test_references_stand_for_items(client, service):
    """Of responses that were stored."""
    first = client.responses.create(**PROMPT)
    reference = {"type": "item_reference", "id": first.output[0].id}
    user = {"role": "user", "content": "hi"}
    client.responses.create(model="m", input=[user, reference, user])
    assert [m.text for m in service.calls[-1].messages] == ["hi", TEXT, "hi"]


@pytest.mark.wire("openai_responses.sdk.stored_response")
def test_stored_response(client):
    """Retrieved, listed and deleted."""
    given = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    made = client.responses.create(model="m", input=given)
    assert client.responses.retrieve(made.id).output == made.output
    pages = client.responses.input_items.list(made.id, limit=2)
    assert [item.content[0].text for item in pages] == ["three", "two", "one"]
    forward = client.responses.input_items.list(made.id, order="asc")
    assert [item.content[0].text for item in forward] == ["one", "two", "three"]
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.delete(made.id)


@pytest.mark.wire("openai_responses.sdk.response_in_the_background")
def test_response_in_the_background(client):
    """It is queued at first; only such a one can be cancelled."""
    made = client.responses.create(**PROMPT, background=True)
    assert (made.status, made.output) == ("queued", [])
    assert client.responses.retrieve(made.id).output_text == TEXT
    assert client.responses.cancel(made.id).id == made.id
    numbers = [e.sequence_number for e in client.responses.retrieve(made.id, stream=True)]
    assert numbers == list(range(len(numbers)))
    rest = list(client.responses.retrieve(made.id, stream=True, starting_after=6))
    assert [event.sequence_number for event in rest] == numbers[7:]
    assert (rest[-1].type, rest[-1].response.output_text) == ("response.completed", TEXT)
    other = client.responses.create(**PROMPT)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        client.responses.cancel(other.id)


@pytest.mark.wire("openai_responses.sdk.conversation")
def test_conversation(client, service):
    """It grows by what is asked and answered."""
    conversation = client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "one"}], metadata={"a": "b"}
    )
    client.responses.create(model="m", input="two", conversation=conversation.id)
    client.responses.create(model="m", input="three", conversation={"id": conversation.id})
    assert [m.text for m in service.calls[-1].messages] == ["one", "two", TEXT, "three"]
    items = list(client.conversations.items.list(conversation.id, order="asc", limit=2))
    assert [item.content[0].text for item in items] == ["one", "two", TEXT, "three", TEXT]
    first = client.conversations.items.retrieve(items[0].id, conversation_id=conversation.id)
    assert first.id == items[0].id
    client.conversations.items.delete(items[0].id, conversation_id=conversation.id)
    with pytest.raises(openai.NotFoundError):
        client.conversations.items.retrieve(items[0].id, conversation_id=conversation.id)
    more = client.conversations.items.create(
        conversation.id, items=[{"type": "message", "role": "user", "content": "four"}]
    )
    assert more.data[0].content[0].text == "four"
    changed = client.conversations.update(conversation.id, metadata={"a": "c"})
    assert client.conversations.retrieve(conversation.id) == changed
    with pytest.raises(openai.BadRequestError, match=r"Invalid type for 'metadata\.n'"):
        client.conversations.update(conversation.id, metadata={"n": 1})
    assert client.conversations.delete(conversation.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="m", input="five", conversation=conversation.id)


@pytest.mark.wire("openai_responses.sdk.items_of_a_conversation_have_ids_of_their_own")
def test_items_of_a_conversation_have_ids_of_their_own(client):
    """Even where others were taken out in between."""
    given = {"type": "message", "role": "user", "content": "same"}
    conversation = client.conversations.create(items=[given, given])
    for _ in range(3):
        first = next(iter(client.conversations.items.list(conversation.id, order="asc")))
        client.conversations.items.delete(first.id, conversation_id=conversation.id)
        client.conversations.items.create(conversation.id, items=[given, given])
    listed = [item.id for item in client.conversations.items.list(conversation.id)]
    assert (len(listed), len(set(listed))) == (5, 5)


@pytest.mark.wire("openai_responses.sdk.parsed_answer_is_validated_by_the_sdk")
def test_parsed_answer_is_validated_by_the_sdk(client, service):
    """The helper sends a strict schema, which is accepted; what it parsed can be sent back."""
    service.outcomes = [Reply(content=(Text('{"city": "Köln"}'),))]
    made = client.responses.parse(**PROMPT, text_format=City)
    assert City(city="Köln") == made.output_parsed
    assert {"city"} == set(service.calls[0].options["output_schema"]["properties"])
    user = {"role": "user", "content": "hi"}
    client.responses.create(model="m", input=[user, *made.output, user])


@pytest.mark.wire("openai_responses.sdk.parsed_stream")
def test_parsed_stream(client, service):
    """Likewise from events."""
    service.outcomes = [Reply(content=(Text('{"city": "Köln"}'),))]
    with client.responses.stream(**PROMPT, text_format=City) as stream:
        assert City(city="Köln") == stream.get_final_response().output_parsed


@pytest.mark.wire("openai_responses.sdk.parsed_arguments_sent_back_by_hand_are_refused")
def test_parsed_arguments_sent_back_by_hand_are_refused(client, service):
    """The SDK leaves them out; `model_dump` does not."""
    service.outcomes = [TWO_CALLS]
    made = client.responses.parse(**PROMPT, tools=[TOOL])
    user = {"role": "user", "content": "hi"}
    client.responses.create(model="m", input=[user, *made.output, *results_of(made)])
    dumped = [item.model_dump() for item in made.output]
    with pytest.raises(openai.BadRequestError, match=r"Unknown parameter: 'input\[1\].parsed_arg"):
        client.responses.create(model="m", input=[user, *dumped, *results_of(made)])


@pytest.mark.wire("openai_responses.sdk.reasoning_summary_is_told_when_asked_for")
def test_reasoning_summary_is_told_when_asked_for(client, service):
    """As an item and as events; encrypted where it is to be carried by the client."""
    service.outcomes = [Reply(content=(Thinking(text="I weigh it."), Text("Yes.")))]
    asked = {"reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    with pytest.raises(openai.BadRequestError):  # this model does not reason
        client.responses.create(**PROMPT, **asked)
    asked = {"include": ["reasoning.encrypted_content"], "store": False}
    reasoning, message = client.responses.create(**PROMPT, **asked).output
    assert (reasoning.summary, bool(reasoning.encrypted_content)) == ([], True)
    user = {"role": "user", "content": "hi"}
    client.responses.create(model="m", input=[user, reasoning, message, user], store=False)


@pytest.mark.wire("openai_responses.sdk.damaged_arguments_reach_the_client")
def test_damaged_arguments_reach_the_client(client, service):
    """As the model wrote them."""
    service.outcomes = [Reply(content=(ToolCall(id="", name="search", arguments='{"q": '),))]
    assert client.responses.create(**PROMPT).output[0].arguments == '{"q": '


@pytest.mark.wire("openai_responses.sdk.empty_answer_has_no_item")
def test_empty_answer_has_no_item(client, service):
    """Whoever takes the last one fails."""
    service.outcomes = [Reply(content=())]
    made = client.responses.create(**PROMPT)
    assert (made.status, made.output, made.output_text) == ("completed", [], "")
    assert [event.type for event in client.responses.create(**PROMPT, stream=True)] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]


@pytest.mark.wire("openai_responses.sdk.tokens_of_an_input_can_be_counted")
def test_tokens_of_an_input_can_be_counted(client):
    """Without an answer."""
    assert client.responses.input_tokens.count(**PROMPT).input_tokens == 14


@pytest.mark.wire("openai_responses.sdk.compacted_conversation_goes_on")
def test_compacted_conversation_goes_on(client, service):
    """What the user said stays; all else is one sealed item, which may be sent back."""
    user = {"role": "user", "content": "hi"}
    said = {"role": "assistant", "content": "hello"}
    made = client.responses.compact(model="m", input=[user, said, user])
    assert made.object == "response.compaction"
    assert [item.type for item in made.output] == ["message", "message", "compaction"]
    assert (made.output[0].role, made.output[0].content[0].text) == ("user", "hi")
    assert (made.usage.input_tokens, made.usage.output_tokens) == (2160, 7)
    output = [item.model_dump(exclude_unset=True, warnings=False) for item in made.output]
    client.responses.create(model="m", input=[*output, user])
    assert [message.role for message in service.calls[-1].messages] == [
        *("user", "user", "assistant", "user")
    ]
    with pytest.raises(openai.BadRequestError, match="Unknown parameter: 'stream'"):
        client.responses.compact(model="m", input="hi", extra_body={"stream": True})


ERRORS = [
    ("invalid_request", openai.BadRequestError, None, None),
    ("context_overflow", openai.BadRequestError, "context_length_exceeded", "input"),
    ("authentication", openai.AuthenticationError, "invalid_api_key", None),
    ("rate_limited", openai.RateLimitError, "rate_limit_exceeded", None),
    ("quota_exhausted", openai.RateLimitError, "insufficient_quota", None),
    ("server_error", openai.InternalServerError, None, None),
    ("overloaded", openai.InternalServerError, "server_is_overloaded", None),
]


@pytest.mark.wire("openai_responses.sdk.error_becomes_its_class")
@pytest.mark.parametrize(("kind", "error", "code", "param"), ERRORS)
def test_error_becomes_its_class(client, service, kind, error, code, param):
    """With its code and its request id."""
    service.outcomes = [Refusal(kind=kind)]
    with pytest.raises(openai.APIStatusError) as caught:
        client.responses.create(**PROMPT)
    assert (error, code, param) == (type(caught.value), caught.value.code, caught.value.param)
    assert caught.value.request_id.startswith("req_")


@pytest.mark.wire("openai_responses.sdk.error_inside_a_stream_raises_nothing_without_the_helper")
def test_error_inside_a_stream_raises_nothing_without_the_helper(client, service):
    """The trap: it is an event like any other."""
    service.break_after = 5
    events = list(client.responses.create(**PROMPT, stream=True))
    assert [event.sequence_number for event in events] == list(range(6))
    assert (events[-1].type, events[-1].code) == ("error", "server_is_overloaded")
    with client.responses.stream(**PROMPT) as stream, pytest.raises(RuntimeError):
        stream.get_final_response()


@pytest.mark.wire("openai_responses.sdk.async_client")
def test_async_client(async_client):
    """Plain, streamed and with the helper."""

    async def main():
        async with async_client as client:
            plain = await client.responses.create(**PROMPT)
            stream = await client.responses.create(**PROMPT, stream=True)
            pieces = [e.delta async for e in stream if e.type == "response.output_text.delta"]
            async with client.responses.stream(**PROMPT) as helped:
                final = await helped.get_final_response()
            return plain.output_text, "".join(pieces), final.output_text

    assert asyncio.run(main()) == (TEXT, TEXT, TEXT)
