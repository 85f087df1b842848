"""The bytes of the Claude API: answers, streams, errors, headers and lists."""

import datetime as dt
import json
import math

import pytest

from chaoskit.dialect import LimitState
from chaoskit.dialects.anthropic.headers import timestamp
from chaoskit.exchange import Call, Image, Opaque, Refusal, Reply, Text, Thinking, ToolCall, Usage

CALL = Call(dialect="anthropic", provider="anthropic", model="claude-old")
USAGE = Usage(input=5, cache_read=30, cache_write_5m=7, cache_write_1h=2, output=11)
RICH = Reply(
    content=(
        Thinking(text="let me see"),
        Text("I looked at the logs of last night."),
        ToolCall(id="", name="a", arguments='{"q":"é"}'),
        ToolCall(id="", name="b", arguments=""),
        Opaque(kind="server_tool_use", raw='{"type":"server_tool_use","id":"s","input":{}}'),
    ),
    stop="tool_use",
    usage=USAGE,
)


def parsed(http):
    return json.loads(http.body)


def events(frames):
    return [json.loads(frame.data) for frame in frames]


@pytest.mark.wire("anthropic.answers.a_reset_is_told_in_rfc_3339_rounded_up")
@pytest.mark.parametrize("wall", [0, 951_782_399.2, 1_709_251_199, 1_893_488_400.5])
def test_a_reset_is_told_in_rfc_3339_rounded_up(wall):
    """Leap days and the end of a day included."""
    moment = dt.datetime.fromtimestamp(math.ceil(wall), dt.UTC)
    assert f"{moment:%Y-%m-%dT%H:%M:%SZ}" == timestamp(wall)


@pytest.mark.wire("anthropic.answers.plain_answer_has_every_field")
def test_plain_answer_has_every_field(anthropic, envelope):
    """Zero is sent as 0, not omitted; ids have the real format."""
    message = parsed(anthropic.plain(RICH, CALL, envelope()))
    thinking, text, first, second, opaque = message["content"]
    assert message["id"].startswith("msg_01")
    assert len(message["id"]) == 28
    assert tuple(message[k] for k in ("type", "role", "stop_reason", "stop_sequence")) == (
        "message",
        "assistant",
        "tool_use",
        None,
    )
    assert text == {"type": "text", "text": "I looked at the logs of last night."}
    assert thinking["signature"]
    assert first["input"] == {"q": "é"}
    assert second["input"] == {}
    assert first["id"] != second["id"]
    assert first["id"].startswith("toolu_01")
    assert opaque["type"] == "server_tool_use"
    assert message["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 9,
        "cache_read_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 2},
        "output_tokens": 11,
        "output_tokens_details": {"thinking_tokens": 0},
        "service_tier": "standard",
        "server_tool_use": None,
        "inference_geo": "global",
    }


@pytest.mark.wire("anthropic.answers.damaged_arguments_arrive_as_they_are")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"a": 1', '{"a": 1'), ("[1]", [1]), ('"x"', "x"), ("null", None)],
)
def test_damaged_arguments_arrive_as_they_are(anthropic, envelope, arguments, expected):
    """Turned into an empty object they would not be damaged any more."""
    reply = Reply(content=(ToolCall(id="t", name="a", arguments=arguments),))
    assert expected == parsed(anthropic.plain(reply, CALL, envelope()))["content"][0]["input"]
    _, frames = anthropic.stream(reply, CALL, envelope())
    sent = "".join(json.loads(f.data)["delta"]["partial_json"] for f in frames if f.kind == "tool")
    assert arguments == sent


STOPS = [
    ("end", "end_turn"),
    ("max_tokens", "max_tokens"),
    ("stop_sequence", "stop_sequence"),
    ("tool_use", "tool_use"),
    ("refusal", "refusal"),
    ("window_exceeded", "model_context_window_exceeded"),
]


@pytest.mark.wire("anthropic.answers.reason_to_stop")
@pytest.mark.parametrize(("stop", "expected"), STOPS)
def test_reason_to_stop(anthropic, envelope, stop, expected):
    """The same in one piece and in a stream."""
    reply = Reply(
        content=(Text("x"),), stop=stop, stop_sequence="END" if stop == "stop_sequence" else None
    )
    message = parsed(anthropic.plain(reply, CALL, envelope()))
    _, frames = anthropic.stream(reply, CALL, envelope())
    delta = next(json.loads(f.data) for f in frames if f.kind == "end")["delta"]
    assert expected == message["stop_reason"]
    assert {key: message[key] for key in delta} == delta
    assert ("END" if stop == "stop_sequence" else None) == message["stop_sequence"]
    assert ((message["stop_details"] or {}).get("type") == "refusal") == (stop == "refusal")


@pytest.mark.wire("anthropic.answers.stream_has_the_order_of_production")
def test_stream_has_the_order_of_production(anthropic, envelope):
    """Every event is named after its type, and blocks are numbered without gaps."""
    headers, frames = anthropic.stream(RICH, CALL, envelope())
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [frame.name for frame in frames] == [event["type"] for event in events(frames)]
    kinds = [frame.kind for frame in frames]
    assert kinds[:4] == ["start", "block", "ping", "content"]
    assert kinds[-2:] == ["end", "done"]
    starts = [e for e in events(frames) if e["type"] == "content_block_start"]
    assert [event["index"] for event in starts] == [0, 1, 2, 3, 4]
    deltas = [
        e["delta"] for e in events(frames) if e["type"] == "content_block_delta" and e["index"] == 2
    ]
    assert deltas[0]["partial_json"] == ""
    assert len(deltas) >= 3
    assert [f.kind for f in frames[3:6]] == ["content"] * 1 + ["block"] * 2


@pytest.mark.wire("anthropic.answers.stream_begins_with_the_final_counts_of_the_prompt")
def test_stream_begins_with_the_final_counts_of_the_prompt(anthropic, envelope):
    """The tokens of the output come at the end, cumulative."""
    _, frames = anthropic.stream(RICH, CALL, envelope())
    first, *_, last, _ = events(frames)
    assert tuple(
        first["message"]["usage"][k]
        for k in (
            "input_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "output_tokens",
        )
    ) == (5, 30, 9, 1)
    assert first["message"]["content"] == []
    assert first["message"]["stop_reason"] is None
    assert last["usage"]["output_tokens"] == 11


@pytest.mark.wire("anthropic.answers.empty_answer_streams_without_blocks")
def test_empty_answer_streams_without_blocks(anthropic, envelope):
    """An answer may be empty, typically after tool results."""
    _, frames = anthropic.stream(Reply(content=()), CALL, envelope())
    assert [frame.name for frame in frames] == ["message_start", "message_delta", "message_stop"]


@pytest.mark.wire("anthropic.answers.ids_are_alike_in_one_piece_and_in_a_stream")
def test_ids_are_alike_in_one_piece_and_in_a_stream(anthropic, envelope):
    """The same generator gives the same ids, so a retry in the other mode changes nothing."""
    message = parsed(anthropic.plain(RICH, CALL, envelope()))
    headers, frames = anthropic.stream(RICH, CALL, envelope())
    starts = [e["content_block"] for e in events(frames) if e["type"] == "content_block_start"]
    assert message["id"] == events(frames)[0]["message"]["id"]
    assert [b["id"] for b in message["content"] if "id" in b] == [
        b["id"] for b in starts if "id" in b
    ]
    assert headers["request-id"] == anthropic.plain(RICH, CALL, envelope()).headers["request-id"]


ERRORS = [
    ("invalid_request", 400, "invalid_request_error", "Invalid request"),
    ("authentication", 401, "authentication_error", "invalid x-api-key"),
    ("billing", 402, "billing_error", "Your credit balance is too low"),
    ("permission", 403, "permission_error", "Your API key does not have permission"),
    ("not_found", 404, "not_found_error", "Not Found"),
    ("conflict", 409, "conflict_error", "The request conflicts"),
    ("too_large", 413, "request_too_large", "Request exceeds the maximum size"),
    (
        "rate_limited",
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50 requests per minute (org: ",
    ),
    (
        "quota_exhausted",
        429,
        "rate_limit_error",
        "Your organization has reached its API usage limit",
    ),
    ("server_error", 500, "api_error", "Internal server error"),
    ("bad_gateway", 502, "api_error", "Bad gateway"),
    ("unavailable", 503, "api_error", "Service temporarily unavailable"),
    ("timeout", 504, "timeout_error", "The request timed out"),
    ("overloaded", 529, "overloaded_error", "Overloaded"),
    (
        "context_overflow",
        400,
        "invalid_request_error",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ),
]


@pytest.mark.wire("anthropic.answers.error_has_status_type_and_text")
@pytest.mark.parametrize(("kind", "status", "name", "text"), ERRORS)
def test_error_has_status_type_and_text(anthropic, envelope, kind, status, name, text):
    """The request id is in the header and in the body."""
    refusal = Refusal(kind=kind, details={"tokens": 210_000, "window": 200_000})
    http = anthropic.refuse(refusal, CALL, envelope())
    body = parsed(http)
    assert (status, "error", name) == (http.status, body["type"], body["error"]["type"])
    assert body["error"]["message"].startswith(text)
    assert http.headers["request-id"] == body["request_id"]
    assert str(len(http.body)) == http.headers["content-length"]
    assert ("true" if status in {409, 429} or status >= 500 else "false") == http.headers[
        "x-should-retry"
    ]


@pytest.mark.wire("anthropic.answers.status_of_the_refusal_decides_the_type")
def test_status_of_the_refusal_decides_the_type(anthropic, envelope):
    """A server that is unavailable with 529 is overloaded."""
    http = anthropic.refuse(
        Refusal(kind="unavailable", status=529, message="busy"), None, envelope()
    )
    assert (
        http.status,
        *(parsed(http)["error"][k] for k in ("type", "message")),
    ) == (529, "overloaded_error", "busy")


@pytest.mark.wire("anthropic.answers.machine_code_is_in_the_details")
def test_machine_code_is_in_the_details(anthropic, envelope):
    """The spend cap has one of its own and no time to wait."""
    http = anthropic.refuse(
        Refusal(kind="rate_limited", code="ramp_limit_exceeded", retry_after=7), CALL, envelope()
    )
    assert parsed(http)["error"]["details"] == {"error_code": "ramp_limit_exceeded"}
    cap = anthropic.refuse(Refusal(kind="quota_exhausted"), CALL, envelope())
    assert parsed(cap)["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert "retry-after" not in cap.headers
    assert "2026-12-01 at 00:00 UTC" in parsed(cap)["error"]["message"]


@pytest.mark.wire("anthropic.answers.rate_limit_names_the_limit")
def test_rate_limit_names_the_limit(anthropic, envelope):
    """Numbers come from the details, else from the state of the limit."""
    refusal = Refusal(kind="rate_limited", limit="input_tokens", details={"limit_value": 30_000})
    message = parsed(anthropic.refuse(refusal, CALL, envelope()))["error"]["message"]
    assert "rate limit of 30,000 input tokens per minute" in message
    assert "model: claude-old" in message


@pytest.mark.wire("anthropic.answers.rate_limit_headers_on_answers_and_on_429")
def test_rate_limit_headers_on_answers_and_on_429(anthropic, envelope):
    """Resets are points in time; tokens are rounded to thousands, never above the limit."""
    expected = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-11-22T07:00:02Z",
        "anthropic-ratelimit-tokens-limit": "40000",
        "anthropic-ratelimit-tokens-remaining": "39000",
        "anthropic-ratelimit-tokens-reset": "2026-11-22T07:01:05Z",
    }
    answer = anthropic.plain(Reply(content=()), CALL, envelope())
    stream, _ = anthropic.stream(Reply(content=()), CALL, envelope())
    error = anthropic.refuse(Refusal(kind="rate_limited", retry_after=1.2), CALL, envelope())
    for headers in (answer.headers, stream, error.headers):
        assert expected.items() <= headers.items()
    assert error.headers["retry-after"] == "2"
    small = envelope(limits=(LimitState(name="output_tokens", limit=700, remaining=700, reset=0),))
    assert (
        anthropic.plain(Reply(content=()), CALL, small).headers[
            "anthropic-ratelimit-output-tokens-remaining"
        ]
        == "700"
    )


@pytest.mark.wire("anthropic.answers.organization_is_named_after_authentication_only")
def test_organization_is_named_after_authentication_only(anthropic, envelope):
    """Nor does the edge, which refuses bodies that are too large, know it."""
    name = "anthropic-organization-id"
    assert name in anthropic.refuse(Refusal(kind="overloaded"), CALL, envelope()).headers
    for refusal, given in (
        (Refusal(kind="authentication"), envelope()),
        (Refusal(kind="too_large"), envelope()),
        (Refusal(kind="overloaded"), envelope(authenticated=False)),
    ):
        assert name not in anthropic.refuse(refusal, None, given).headers


@pytest.mark.wire("anthropic.answers.page_of_a_proxy_has_no_headers_of_the_api")
@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"<html>", "text/html; charset=utf-8"), (b"bad", "text/plain; charset=utf-8")],
)
def test_page_of_a_proxy_has_no_headers_of_the_api(anthropic, openai, envelope, body, kind):
    """It never got as far."""
    refusal = Refusal(kind="bad_gateway", body=body, headers={"server": "edge"}, retry_after=1.5)
    expected = {
        "content-type": kind,
        "content-length": str(len(body)),
        "retry-after": "2",
        "server": "edge",
    }
    for dialect in (anthropic, openai):
        http = dialect.refuse(refusal, None, envelope())
        assert (502, body, expected) == (http.status, http.body, http.headers)


@pytest.mark.wire("anthropic.answers.error_event")
def test_error_event(anthropic, envelope):
    """The status stays 200, so the type alone tells what happened."""
    frame = anthropic.error_frame(Refusal(kind="overloaded"), envelope())
    assert (frame.kind, frame.name) == ("error", "error")
    assert json.loads(frame.data) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
    }


@pytest.mark.wire("anthropic.answers.count_of_tokens")
def test_count_of_tokens(anthropic, envelope):
    """Nothing but the number."""
    assert parsed(anthropic.count(14, CALL, envelope())) == {"input_tokens": 14}


@pytest.mark.wire("anthropic.answers.models_are_listed_newest_first")
def test_models_are_listed_newest_first(anthropic, models, envelope, ask_anthropic):
    """Each with its window and its limit."""
    page = parsed(
        anthropic.models(ask_anthropic(b"", path="/v1/models", method="GET"), models, envelope())
    )
    assert [m["id"] for m in page["data"]] == [
        "claude-opus-new",
        "claude-fable-bound",
        "claude-old-20250929",
    ]
    assert (
        page["has_more"],
        page["first_id"],
        page["last_id"],
    ) == (False, "claude-opus-new", "claude-old-20250929")
    old = page["data"][-1]
    assert (
        old["display_name"],
        old["created_at"],
        old["max_input_tokens"],
        old["max_tokens"],
    ) == ("Claude Old", "2023-11-14T22:13:20Z", 200_000, 64_000)
    assert [m["line"] for m in page["data"]] == ["opus", "fable", None]


@pytest.mark.wire("anthropic.answers.models_are_listed_in_pages")
@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ("limit=1", ["claude-opus-new"], True),
        ("limit=1&after_id=claude-opus-new", ["claude-fable-bound"], True),
        ("limit=2&after_id=claude-opus-new", ["claude-fable-bound", "claude-old-20250929"], False),
        ("limit=1&before_id=claude-old-20250929", ["claude-fable-bound"], True),
        ("after_id=claude-old-20250929", [], False),
    ],
)
def test_models_are_listed_in_pages(anthropic, models, envelope, query, ids, more):
    """Both directions."""
    from chaoskit.exchange import HttpRequest

    headers = {"anthropic-version": "2026-10-21", "x-api-key": "test"}
    request = HttpRequest(method="GET", host="h", path="/v1/models", query=query, headers=headers)
    page = parsed(anthropic.models(anthropic.decode(request, models), models, envelope()))
    assert (ids, more) == ([m["id"] for m in page["data"]], page["has_more"])


@pytest.mark.wire("anthropic.answers.limit_of_a_page_is_wrong")
@pytest.mark.parametrize("limit", ["0", "1001", "many"])
def test_limit_of_a_page_is_wrong(anthropic, models, limit):
    """1 to 1000."""
    from chaoskit.exchange import HttpRequest

    headers = {"anthropic-version": "2026-10-21", "x-api-key": "test"}
    request = HttpRequest(
        method="GET", host="h", path="/v1/models", query=f"limit={limit}", headers=headers
    )
    assert anthropic.decode(request, models).message.startswith("limit: Input should be ")


@pytest.mark.wire("anthropic.answers.one_model")
def test_one_model(anthropic, models, envelope, ask_anthropic):
    """Found by the name of its family as well; otherwise 404."""
    call = ask_anthropic(b"", path="/v1/models/claude-old", method="GET")
    assert parsed(anthropic.models(call, models, envelope()))["id"] == "claude-old-20250929"
    assert ask_anthropic(b"", path="/v1/models/nope", method="GET").kind == "not_found"


@pytest.mark.wire("anthropic.answers.model_that_vanished_is_not_found")
def test_model_that_vanished_is_not_found(anthropic, models, envelope):
    """A call may outlive the model it asks for."""
    gone = Call(dialect="anthropic", provider="anthropic", operation="get_model", model="gone")
    http = anthropic.models(gone, models, envelope())
    assert (http.status, parsed(http)["error"]["message"]) == (404, "model: gone")


@pytest.mark.wire("anthropic.answers.new_id_of_a_tool_call")
def test_new_id_of_a_tool_call(anthropic, envelope):
    """In the format of the vendor."""
    assert anthropic.call_id(envelope().ids).startswith("toolu_01")


@pytest.mark.wire("anthropic.answers.pictures_are_no_part_of_an_answer")
def test_pictures_are_no_part_of_an_answer(anthropic, envelope):
    """Neither in one piece nor in a stream."""
    reply = Reply(content=(Image(source="x"), Text("hi")))
    assert parsed(anthropic.plain(reply, CALL, envelope()))["content"] == [
        {"type": "text", "text": "hi"}
    ]
    _, frames = anthropic.stream(reply, CALL, envelope())
    assert {0} == {event["index"] for event in events(frames) if "index" in event}
