"""The bytes of Responses: answers, streams, errors and what is kept."""

import json

import pytest

from chaoskit.errors import InternalError
from chaoskit.exchange import Call, Refusal, Reply, Text, Thinking, ToolCall, Usage

USAGE = Usage(input=5, cache_read=30, cache_write_5m=7, output=11)
RICH = Reply(
    content=(
        Text("I looked at the logs "),
        Text("of last night."),
        ToolCall(id="", name="a", arguments='{"q":"é"}'),
        ToolCall(id="call_b", name="b", arguments=""),
    ),
    stop="tool_use",
    usage=USAGE,
)
TOOL = {"type": "function", "name": "search", "parameters": {"type": "object", "properties": {}}}


def parsed(http):
    return json.loads(http.body)


def events(frames):
    return [json.loads(frame.data) for frame in frames]


@pytest.fixture
def call(ask_responses):
    def make(**changes):
        made = ask_responses({"model": "gpt-plain", "input": "hi"} | changes)
        assert isinstance(made, Call), made
        return made

    return make


@pytest.mark.wire("openai_responses.answers.plain_answer_has_every_field")
def test_plain_answer_has_every_field(responses, envelope, call):
    """Ids in the vendor's formats; tokens of the input include the cached ones."""
    made = parsed(responses.plain(RICH, call(), envelope(latency=2.5)))
    message, first, second = made["output"]
    assert len(made["id"]) == len("resp_") + 50
    assert made["id"].startswith("resp_")
    assert tuple(made[k] for k in ("object", "status", "error", "incomplete_details")) == (
        "response",
        "completed",
        None,
        None,
    )
    assert (made["created_at"], made["completed_at"]) == (1_795_330_800, 1_795_330_802)
    assert made["model"] == "gpt-plain-2026-01-01"
    assert message["id"].startswith("msg_")
    assert message["content"] == [
        {
            "type": "output_text",
            "annotations": [],
            "logprobs": [],
            "text": "I looked at the logs of last night.",
        }
    ]
    assert (message["role"], message["status"]) == ("assistant", "completed")
    assert (first["name"], first["arguments"], first["status"]) == ("a", '{"q":"é"}', "completed")
    assert (first["id"][:3], first["call_id"][:5], second["call_id"]) == ("fc_", "call_", "call_b")
    assert made["usage"] == {
        "input_tokens": 42,
        "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 7},
        "output_tokens": 11,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 53,
    }


@pytest.mark.wire("openai_responses.answers.settings_of_the_request_come_back")
def test_settings_of_the_request_come_back(responses, envelope, call):
    """Defaults where it has none."""
    default = parsed(responses.plain(RICH, call(), envelope()))
    assert {
        "background": False,
        "conversation": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }.items() <= default.items()
    given = {
        "instructions": "be brief",
        "max_output_tokens": 100,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "prompt_cache_key": "k",
        "service_tier": "flex",
        "store": False,
        "temperature": 0,
        "tool_choice": "required",
        "top_p": 0.5,
        "truncation": "auto",
        "user": "ann",
    }
    made = parsed(responses.plain(RICH, call(tools=[TOOL], **given), envelope()))
    assert given.items() <= made.items()
    assert made["tools"] == [{"description": None, "strict": True} | TOOL]


@pytest.mark.wire("openai_responses.answers.end_of_an_answer")
@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [
        ("end", "completed", None),
        ("tool_use", "completed", None),
        ("max_tokens", "incomplete", "max_output_tokens"),
        ("window_exceeded", "incomplete", "max_output_tokens"),
        ("refusal", "incomplete", "content_filter"),
    ],
)
def test_end_of_an_answer(responses, envelope, call, stop, status, reason):
    """Alike in one piece and in the last event."""
    reply = Reply(content=(Text("x"),), stop=stop)
    made = parsed(responses.plain(reply, call(), envelope()))
    details = {"reason": reason} if reason else None
    assert (made["status"], made["incomplete_details"]) == (status, details)
    assert made["output"][-1]["status"] == status
    _, frames = responses.stream(reply, call(), envelope())
    assert (frames[-1].name, events(frames)[-1]["response"]) == (f"response.{status}", made)


@pytest.mark.wire("openai_responses.answers.stream_has_the_order_of_production")
def test_stream_has_the_order_of_production(responses, envelope, call):
    """Each item is announced, told in pieces, and repeated whole."""
    headers, frames = responses.stream(RICH, call(), envelope())
    made = events(frames)
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [frame.name for frame in frames] == [event["type"] for event in made]
    assert [event["sequence_number"] for event in made] == list(range(len(made)))
    names = [name.removeprefix("response.") for name in (frame.name for frame in frames)]
    assert names == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [frame.kind for frame in frames if frame.kind not in ("block", "start")] == [
        *["content"] * 2,
        *["tool"] * 2,
        "done",
    ]
    opened = made[9]
    assert (opened["output_index"], opened["item"]["arguments"], opened["item"]["status"]) == (
        1,
        "",
        "in_progress",
    )
    finished = made[12]
    assert (finished["item_id"], finished["name"], finished["arguments"]) == (
        opened["item"]["id"],
        "a",
        '{"q":"é"}',
    )


@pytest.mark.wire("openai_responses.answers.reasoning_is_an_item_of_its_own")
def test_reasoning_is_an_item_of_its_own(responses, envelope, call):
    """Its summary is told only to those who ask."""
    thinker = {"model": "gpt-thinker", "reasoning": {"effort": "low"}}
    reply = Reply(content=(Thinking(text="I weigh it."), Text("Yes.")))
    plain = parsed(responses.plain(reply, call(**thinker), envelope()))
    assert [item["type"] for item in plain["output"]] == ["reasoning", "message"]
    assert plain["output"][0]["summary"] == []
    assert plain["reasoning"] == {"effort": "low", "summary": None}
    told = call(model="gpt-thinker", reasoning={"summary": "auto"})
    summary = [{"type": "summary_text", "text": "I weigh it."}]
    assert parsed(responses.plain(reply, told, envelope()))["output"][0]["summary"] == summary
    _, frames = responses.stream(reply, told, envelope())
    made = events(frames)
    deltas = [e["delta"] for e in made if e["type"] == "response.reasoning_summary_text.delta"]
    assert "".join(deltas) == "I weigh it."
    assert made[2]["item"]["summary"] == []
    done = next(e for e in made if e["type"] == "response.output_item.done")
    assert done["item"]["summary"] == summary


@pytest.mark.wire("openai_responses.answers.encrypted_reasoning_is_given_and_taken")
def test_encrypted_reasoning_is_given_and_taken(responses, envelope, call):
    """Where the client keeps the conversation itself."""
    given = call(model="gpt-thinker", include=["reasoning.encrypted_content"], store=False)
    reply = Reply(content=(Thinking(text="I weigh it."), Text("Yes.")))
    made = parsed(responses.plain(reply, given, envelope()))
    assert made["output"][0]["encrypted_content"]
    user = {"role": "user", "content": "hi"}
    again = call(model="gpt-thinker", input=[user, *made["output"], user], store=False)
    assert isinstance(again.messages[1].content[0], Thinking)


@pytest.mark.wire("openai_responses.answers.error_that_ends_a_stream")
def test_error_that_ends_a_stream(responses, envelope, call):
    """It has the next number; what failed is the response itself where its error has a code."""
    _, frames = responses.stream(RICH, call(), envelope())
    torn = (*frames[:5], responses.error_frame(Refusal(kind="overloaded"), envelope()))
    *_, last = events(responses.sequence(torn))
    assert last == {
        "type": "error",
        "code": "server_is_overloaded",
        "message": "The engine is currently overloaded, please try again later.",
        "param": None,
        "sequence_number": 5,
    }
    torn = (*frames[:5], responses.error_frame(Refusal(kind="server_error"), envelope()))
    *_, before, last = responses.sequence(torn)
    assert (before, last.kind, last.name) == (frames[4], "error", "response.failed")
    failed = json.loads(last.data)
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 5)
    assert failed["response"]["id"] == events(frames)[0]["response"]["id"]
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == "server_error"
    assert frames == responses.sequence(frames)


@pytest.mark.wire("openai_responses.answers.error_without_a_stream_before_it_is_the_first_event")
def test_error_without_a_stream_before_it_is_the_first_event(responses, envelope):
    """Nothing is known of the response then."""
    error = responses.error_frame(Refusal(kind="rate_limited"), envelope())
    (made,) = events(responses.sequence((error,)))
    assert (made["sequence_number"], made["response"]["error"]["code"]) == (
        0,
        "rate_limit_exceeded",
    )


@pytest.mark.wire("openai_responses.answers.overflow_has_the_words_of_responses")
def test_overflow_has_the_words_of_responses(responses, envelope, call):
    """Other than those of Chat Completions."""
    refusal = Refusal(kind="context_overflow", details={"tokens": 130_000, "window": 128_000})
    http = responses.refuse(refusal, call(), envelope())
    assert (http.status, parsed(http)["error"]) == (
        400,
        {
            "message": "Your input exceeds the context window of this model. Please adjust your "
            "input and try again.",
            "type": "invalid_request_error",
            "param": "input",
            "code": "context_length_exceeded",
        },
    )


@pytest.mark.wire("openai_responses.answers.headers_of_an_answer")
def test_headers_of_an_answer(responses, envelope, call):
    """Those of the vendor, with the limits."""
    http = responses.plain(RICH, call(), envelope())
    assert {"openai-version": "2020-10-01", "x-ratelimit-limit-requests": "50"}.items() <= (
        http.headers.items()
    )
    assert http.headers["x-request-id"].startswith("req_")
    assert int(http.headers["content-length"]) == len(http.body)


@pytest.mark.wire("openai_responses.answers.nothing_is_kept_without_a_shelf")
def test_nothing_is_kept_without_a_shelf(responses, envelope, call, shelf):
    """Nor where the request forbids it."""
    responses.plain(RICH, call(), envelope())
    responses.plain(RICH, call(store=False), envelope(shelf=shelf))
    assert (shelf.all("response"), shelf.all("item")) == ((), ())
    responses.plain(RICH, call(), envelope(shelf=shelf))
    assert (len(shelf.all("response")), len(shelf.all("item"))) == (1, 3)


@pytest.mark.wire("openai_responses.answers.models_are_listed_elsewhere")
def test_models_are_listed_elsewhere(responses, envelope, call, models):
    """There is no such route, so a call for it is a mistake of the harness."""
    with pytest.raises(InternalError, match="openai_responses cannot answer generate"):
        responses.models(call(), models, envelope())
    with pytest.raises(InternalError, match="without a place"):
        responses.stored(call(), envelope())


@pytest.mark.wire("openai_responses.answers.stored_operation_without_a_shelf_finds_nothing")
def test_stored_operation_without_a_shelf_finds_nothing(responses, envelope, ask_responses):
    """As if it had never been kept."""
    given = ask_responses(b"", path="/v1/responses/resp_1", method="GET")
    http = responses.stored(given, envelope())
    assert (http.status, parsed(http)["error"]["message"]) == (
        404,
        "Response with id 'resp_1' not found.",
    )
    made = ask_responses({}, path="/v1/conversations")
    with pytest.raises(InternalError, match="needs a shelf"):
        responses.stored(made, envelope())


@pytest.mark.wire("openai_responses.answers.pages")
@pytest.mark.parametrize(
    ("query", "expected", "more"),
    [
        ("", ["c", "b", "a"], False),
        ("order=asc", ["a", "b", "c"], False),
        ("order=asc&limit=2", ["a", "b"], True),
        ("limit=0", ["c", "b", "a"], False),
        ("limit=x", ["c", "b", "a"], False),
        ("after=nope", [], False),
    ],
)
def test_pages(responses, envelope, call, shelf, ask_responses, query, expected, more):
    """The newest first unless told otherwise."""
    items = [{"role": "user", "content": text, "id": f"msg_{text}"} for text in "abc"]
    made = parsed(responses.plain(RICH, call(input=items), envelope(shelf=shelf)))
    path = f"/v1/responses/{made['id']}/input_items"
    given = ask_responses(b"", path=path, method="GET", query=query)
    page = parsed(responses.stored(given, envelope(shelf=shelf)))
    assert ([item["id"][4:] for item in page["data"]], page["has_more"]) == (expected, more)
    assert page["first_id"] == (f"msg_{expected[0]}" if expected else None)


@pytest.mark.wire("openai_responses.answers.finished_response_cannot_be_streamed_again")
def test_finished_response_cannot_be_streamed_again(
    responses, envelope, call, shelf, ask_responses
):
    """Only one that was made in the background could be."""
    made = parsed(responses.plain(RICH, call(), envelope(shelf=shelf)))
    path = f"/v1/responses/{made['id']}"
    given = ask_responses(b"", path=path, method="GET", query="stream=true")
    http = responses.stored(given, envelope(shelf=shelf))
    assert (http.status, parsed(http)["error"]["param"]) == (400, "stream")
