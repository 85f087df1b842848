"""The WebSocket mode of Responses, through the official SDK against the server."""

import asyncio
import json

import openai
import pytest

from chaoskit.journal import Delivered, Refused, Replied, Requested
from chaoskit.serving import serving

websockets = pytest.importorskip("websockets")

MODEL = "gpt-5.4"
SEARCH = {
    "type": "function",
    "name": "search_logs",
    "parameters": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
    "strict": True,
}
LAST = {"response.completed", "response.failed", "response.incomplete", "error"}


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def session(server, request):
    """A session of the test."""
    return server.begin(request.node.name.replace("/", "-"))


@pytest.fixture
def client(session):
    with openai.OpenAI(base_url=f"{session.url}/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.fixture
def connection(client):
    with client.responses.connect() as made:
        yield made


def told(connection, **asked):
    """The events of one response."""
    connection.response.create(**{"model": MODEL, **asked})
    return until_the_end(connection)


def until_the_end(connection):
    found = [connection.recv()]
    while found[-1].type not in LAST:
        found.append(connection.recv())
    return found


def asked(connection, **more):
    """One response."""
    return told(connection, **more)[-1].response


def refused(connection, **more):
    """One error."""
    (event,) = told(connection, **more)
    assert event.type == "error"
    return event


@pytest.mark.slow
@pytest.mark.wire("openai_responses.websocket.events_of_a_response_are_messages")
def test_sdk_reads_a_response(connection, session):
    """As events of its types, and one call in the journal."""
    session.reply("The migration failed.")
    events = told(connection, input="Why did the deploy fail?")
    assert [event.type for event in events][:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == "The migration failed."
    assert {type(event).__name__ for event in events} >= {
        "ResponseWsCreated",
        "ResponseTextWsDelta",
    }
    assert not any(event.to_dict().get("stream_id") for event in events)
    assert [one.operation for one in session.calls] == ["generate"]
    assert [one.how for one in session.journal.of(Delivered)] == ["complete"]


@pytest.mark.slow
@pytest.mark.wire("openai_responses.websocket.events_of_a_response_are_messages")
def test_async_sdk_reads_a_response(session):
    """Likewise, and its own session of lanes on top."""
    from openai.lib.responses_websocket import (
        AsyncResponsesWebSocketSession,
        ResponsesWebSocketLimits,
    )

    limits = ResponsesWebSocketLimits(
        max_lanes=4,
        max_events_per_lane=128,
        max_events=512,
        max_bytes_per_lane=2**20,
        max_bytes=2**22,
        max_response_bytes=None,
    )

    async def talk():
        async with (
            openai.AsyncOpenAI(base_url=f"{session.url}/v1", api_key="any") as made,
            made.responses.connect() as connection,
            AsyncResponsesWebSocketSession(connection, limits=limits) as lanes,
        ):
            found = [lanes.lane(name) for name in ("planner", "critic")]
            for lane in found:
                await lane.send({"type": "response.create", "model": MODEL, "input": "Why?"})
            return [await lane.get_final_response() for lane in found]

    assert [made.status for made in asyncio.run(talk())] == ["completed"] * 2
    assert len(session.calls) == 2


@pytest.mark.wire("openai_responses.websocket.tools_work_as_over_http")
def test_tool_loop_goes_on_with_what_is_new(connection, session):
    """Only the result is sent; the conversation is known."""
    session.call_tool("search_logs", query="deploy").reply("It broke.")
    first = asked(connection, input="Why did the deploy fail?", tools=[SEARCH], store=False)
    (call,) = first.output
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "dep-4711 failed"}
    second = asked(
        connection, input=[result], previous_response_id=first.id, tools=[SEARCH], store=False
    )
    assert second.output_text == "It broke."
    assert second.usage.input_tokens > first.usage.input_tokens
    assert session.calls[-1].messages == 3


@pytest.mark.wire("openai_responses.websocket.latest_response_is_remembered")
def test_unstored_response_can_be_continued_on_its_connection(client, connection):
    """And on no other, and not by HTTP."""
    first = asked(connection, input="Why?", store=False)
    assert asked(connection, input="And now?", store=False, previous_response_id=first.id)
    again = asked(connection, input="Why?", store=False)
    with client.responses.connect() as other:
        error = refused(other, input="And now?", previous_response_id=again.id)
        assert error.error.code == "previous_response_not_found"
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=MODEL, input="And?", previous_response_id=again.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(again.id)


@pytest.mark.wire("openai_responses.websocket.latest_response_is_remembered")
def test_only_the_latest_response_of_a_lane_is_remembered(connection):
    """An older one is gone, unless it was stored."""
    first = asked(connection, input="One?", store=False)
    kept = asked(connection, input="Two?")
    asked(connection, input="Three?", store=False)
    error = refused(connection, input="And?", previous_response_id=first.id, store=False)
    assert (error.status, error.error.code) == (400, "previous_response_not_found")
    assert error.error.param == "previous_response_id"
    assert error.error.message == f"Previous response with id '{first.id}' not found."
    assert asked(connection, input="And?", previous_response_id=kept.id).status == "completed"


@pytest.mark.wire("openai_responses.websocket.stored_response_outlives_the_connection")
def test_stored_response_is_there_for_everyone(client, connection):
    """By HTTP and on another connection."""
    first = asked(connection, input="Why?")
    assert client.responses.retrieve(first.id).id == first.id
    assert client.responses.create(model=MODEL, input="And?", previous_response_id=first.id)
    with client.responses.connect() as other:
        assert asked(other, input="And?", previous_response_id=first.id).status == "completed"


@pytest.mark.wire("openai_responses.websocket.error_forgets_what_was_continued")
def test_failed_continuation_forgets_its_parent(connection, session):
    """On the same lane; a fork on another leaves it alone."""
    session.fail(500, calls="2,4")
    first = asked(connection, input="Why?", store=False, stream_id="main")
    fork = {"store": False, "previous_response_id": first.id}
    assert refused(connection, input="A?", stream_id="critic", **fork).status == 500
    assert asked(connection, input="B?", stream_id="critic", **fork).status == "completed"
    error = refused(connection, input="C?", stream_id="main", **fork)
    assert (error.status, error.stream_id) == (500, "main")
    error = refused(connection, input="D?", stream_id="main", **fork)
    assert error.error.code == "previous_response_not_found"


@pytest.mark.wire("openai_responses.websocket.lanes_have_names")
def test_events_carry_the_name_of_their_lane(connection):
    """All of them, errors too."""
    events = told(connection, input="Why?", stream_id="planner.1")
    assert {event.stream_id for event in events} == {"planner.1"}
    assert refused(connection, input=[], stream_id="planner.1").stream_id == "planner.1"


@pytest.mark.wire("openai_responses.websocket.lanes_have_names")
@pytest.mark.parametrize("name", ["", "a b", "x" * 257, 7, "ä"])
def test_name_of_a_lane_has_a_form(connection, name):
    """The error is on no lane."""
    error = refused(connection, input="Why?", stream_id=name)
    assert (error.status, error.stream_id) == (400, None)
    assert (error.error.code, error.error.param) == ("invalid_stream_id", "stream_id")


@pytest.mark.slow
@pytest.mark.wire("openai_responses.websocket.lanes_are_limited")
def test_connection_has_at_most_32_lanes_with_names(connection):
    """Known ones and the one without a name go on."""
    for number in range(32):
        asked(connection, input="Why?", stream_id=f"lane-{number}")
    error = refused(connection, input="Why?", stream_id="lane-33")
    assert error.error.code == "websocket_stream_limit_reached"
    assert error.stream_id == "lane-33"
    assert asked(connection, input="Why?", stream_id="lane-0").status == "completed"
    assert asked(connection, input="Why?").status == "completed"


@pytest.mark.wire("openai_responses.websocket.state_can_be_made_ready")
def test_nothing_is_generated_where_nothing_is_wanted(connection, session):
    """The events of an empty response, which can be continued and is billed for its prompt."""
    events = told(connection, input="Context.", generate=False, store=False)
    made = events[-1].response
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert (made.output, made.usage.output_tokens) == ([], 0)
    assert made.usage.input_tokens > 0
    assert asked(connection, input="Why?", previous_response_id=made.id, store=False).output_text
    assert [one.operation for one in session.calls] == ["prepare", "generate"]
    assert session.calls[-1].messages == 2
    assert session.journal.of(Replied)[0].cost_usd > 0


@pytest.mark.wire("openai_responses.websocket.state_can_be_made_ready")
def test_prewarming_overrides_generate(client, connection):
    """By HTTP as well, where there is no `generate`."""
    options = {"prewarm": True}
    made = asked(connection, input="Context.", generate=True, prompt_cache_options=options)
    assert made.output == []
    made = client.responses.create(model=MODEL, input="Context.", prompt_cache_options=options)
    assert (made.output, made.status) == ([], "completed")
    with pytest.raises(openai.BadRequestError, match="generate"):
        client.responses.create(model=MODEL, input="Why?", extra_body={"generate": False})


@pytest.mark.wire("openai_responses.websocket.prepared_prompt_is_cached")
def test_prepared_prompt_is_read_from_the_cache(connection):
    """Its instructions are long enough."""
    long = {"instructions": "Be brief and careful. " * 400, "input": "Why?"}
    ready = asked(connection, generate=False, **long)
    assert ready.usage.input_tokens_details.cached_tokens == 0
    assert asked(connection, **long).usage.input_tokens_details.cached_tokens >= 1_024


@pytest.mark.wire("openai_responses.websocket.validation_is_that_of_http")
@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "nonsense", "input": "Why?"},
        {"input": 5},
        {"input": "Why?", "temperature": 9},
        {"input": "Why?", "max_tokens": 5},
        {"input": [{"type": "function_call_output", "call_id": "call_1", "output": "x"}]},
    ],
)
def test_refusals_are_those_of_http(client, connection, wrong):
    """With the same status and error, and the connection stays open."""
    body = {"model": MODEL, **wrong}
    with pytest.raises(openai.APIStatusError) as raised:
        client.responses.create(extra_body=body, model="x", input="x")
    connection.send({"type": "response.create", **body})
    event = connection.recv()
    error = event.error.to_dict()
    assert error.pop("headers")["x-request-id"]
    assert (event.type, event.status) == ("error", raised.value.status_code)
    assert error == raised.value.body
    assert asked(connection, input="Why?").status == "completed"


@pytest.mark.wire("openai_responses.websocket.rate_limits_are_those_of_http")
def test_rate_limit_is_told_with_its_headers(server):
    """Both ways use up the same limit."""
    session = server.begin("limits")
    with openai.OpenAI(base_url=f"{session.url}/v1", api_key="any", max_retries=0) as client:
        session.rate_limit(calls=3, retry_after=2)
        client.responses.create(model=MODEL, input="Why?")
        with client.responses.connect() as connection:
            asked(connection, input="Why?")
            event = refused(connection, input="Why?")
    assert (event.status, event.error.code) == (429, "rate_limit_exceeded")
    assert event.error.headers["retry-after"] == "2"
    assert "x-ratelimit-limit-requests" in event.error.headers
    assert [one.retry_after for one in session.journal.of(Refused)] == [2]


@pytest.mark.wire("openai_responses.websocket.transport_fields_are_not_used")
def test_stream_is_implied_and_background_is_not_there(connection):
    """Frameworks send `stream` nevertheless."""
    connection.send({"type": "response.create", "model": MODEL, "input": "Why?", "stream": True})
    assert until_the_end(connection)[-1].type == "response.completed"
    error = refused(connection, input="Why?", background=True)
    assert (error.status, error.error.param) == (400, "background")


@pytest.mark.wire("openai_responses.websocket.what_is_no_event_is_refused")
@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("no JSON", None, None),
        ("[1, 2]", None, None),
        ("{}", "type", "missing_required_parameter"),
        ('{"type": "session.update"}', "type", "invalid_value"),
        ('{"type": 7}', "type", "invalid_type"),
        (b'{"type": "response.create"}', None, None),
    ],
)
def test_what_is_no_event_gets_an_error(connection, session, message, param, code):
    """And the connection stays open."""
    connection.send_raw(message)
    event = connection.recv()
    assert (event.type, event.status) == ("error", 400)
    assert event.error.type == "invalid_request_error"
    assert (event.error.param, event.error.code) == (param, code)
    assert asked(connection, input="Why?").status == "completed"
    assert [one.operation for one in session.journal.of(Requested)] == ["unknown", "generate"]


@pytest.mark.wire("openai_responses.websocket.steering_is_declined")
def test_steering_is_declined_and_its_input_comes_back(connection):
    """For a response of this connection as for one that it does not know."""
    known = asked(connection, input="Why?", stream_id="main")
    for parent, code in ((known.id, "steering_not_supported"), ("resp_no", "response_not_found")):
        connection.response.steer(input="Faster!", previous_response_id=parent)
        event = connection.recv()
        assert event.type == "response.steer.failed"
        assert event.error.code == code
        assert event.steer.to_dict() == {"input": "Faster!", "previous_response_id": parent}
        assert event.stream_id == ("main" if parent == known.id else None)
    connection.send({"type": "response.steer", "previous_response_id": known.id})
    assert connection.recv().error.param == "input"


@pytest.mark.wire("openai_responses.websocket.upgrade_needs_a_key")
def test_upgrade_without_a_key_is_refused(session):
    """By HTTP, with the vendor's words."""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    url = f"{session.url}/v1/responses".replace("http", "ws", 1)
    with pytest.raises(InvalidStatus) as raised, connect(url):
        pass
    assert raised.value.response.status_code == 401
    assert "API key" in json.loads(raised.value.response.body)["error"]["message"]
    assert [one.status for one in session.journal.of(Refused)] == [401]


@pytest.mark.wire("openai_responses.websocket.upgrade_can_be_refused")
@pytest.mark.parametrize("status", [500, 503])
def test_upgrade_can_be_refused(client, session, status):
    """Calls are counted for it alone, and the SDK does not try again."""
    from websockets.exceptions import InvalidStatus

    session.fail(status, operation="upgrade", calls=1)
    with pytest.raises(InvalidStatus) as raised, client.responses.connect():
        pass
    assert raised.value.response.status_code == status
    with client.responses.connect() as connection:
        assert asked(connection, input="Why?").status == "completed"
    assert [one.operation for one in session.calls] == ["upgrade", "generate"]


@pytest.mark.wire("openai_responses.websocket.get_without_an_offer_is_refused")
def test_get_without_an_offer_is_refused(client):
    """As before there were WebSockets."""
    with pytest.raises(openai.APIStatusError) as raised:
        client.get("/responses", cast_to=object)
    assert raised.value.status_code == 405
    assert "POST" in str(raised.value)


@pytest.mark.wire("openai_responses.websocket.broken_connection_is_an_abnormal_closure")
@pytest.mark.parametrize("reset", [False, True])
def test_cut_is_an_abnormal_closure_for_the_sdk(client, session, reset):
    """Which it takes for recoverable, where it is told to reconnect."""
    from websockets.exceptions import ConnectionClosedError

    session.fault("cut_stream", after=1, within=True, reset=reset, calls=1)
    with client.responses.connect() as connection, pytest.raises(ConnectionClosedError) as raised:
        told(connection, input="Why?")
    assert raised.value.rcvd is None
    assert [one.how for one in session.journal.of(Delivered)] == ["reset" if reset else "closed"]


@pytest.mark.wire("openai_responses.websocket.broken_connection_is_an_abnormal_closure")
def test_sdk_connects_again_where_it_is_told_to(client, session):
    """And sends what it was given meanwhile."""
    session.fault("cut_stream", after=1, calls=1)
    codes = []

    def again(event):
        codes.append(event.close_code)
        connection.response.create(model=MODEL, input="Why?")

    with client.responses.connect(on_reconnecting=again, initial_delay=0.01) as connection:
        connection.response.create(model=MODEL, input="Why?")
        last = next(event for event in connection if event.type == "response.completed")
    assert last.response.status == "completed"
    assert codes == [1006]
    assert [one.how for one in session.journal.of(Delivered)] == ["closed", "complete"]
