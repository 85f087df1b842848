"""Requests that the Messages API takes, and what is understood of them."""

import pytest

from chaoskit.exchange import Call, Opaque, Text
from messages_bodies import EPHEMERAL, HOUR, TOOL, USER, body, result, said, text, use

CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
ACCEPTED = {
    "default temperature": body(model="claude-opus-new", temperature=1, top_p=1.0),
    "pictures": body(
        messages=said(
            [
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {"type": "image", "source": {"type": "file", "file_id": "file_01"}},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                },
            ]
        )
    ),
    "redacted thinking": body(
        messages=said("hi", [{"type": "redacted_thinking", "data": "x"}, text()], "go on")
    ),
    "consecutive messages of one role": body(messages=[USER, USER]),
    "results in several messages": body(
        messages=[
            USER,
            {"role": "assistant", "content": [use()]},
            {"role": "assistant", "content": [use("b")]},
            {"role": "user", "content": [result()]},
            {"role": "user", "content": [result("b"), text()]},
        ]
    ),
    "system message in mid-conversation": body(
        messages=[USER, {"role": "system", "content": "be brief"}, USER]
    ),
    "system message between call and result": body(
        messages=[
            USER,
            {"role": "assistant", "content": [use()]},
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [result()]},
        ]
    ),
    "system as blocks": body(system=[text()]),
    "result without content": body(
        messages=said("hi", [use()], [{"type": "tool_result", "tool_use_id": "toolu_1"}])
    ),
    "result with blocks": body(
        messages=said(
            "hi",
            [use()],
            [
                result(
                    content=[
                        text(),
                        {"type": "search_result", "source": "x", "title": "y", "content": []},
                    ],
                    is_error=True,
                )
            ],
        )
    ),
    "text after results": body(messages=said("hi", [use()], [result(), text()])),
    "ids of other providers": body(
        messages=said("hi", [use("call_abc-1")], [result("call_abc-1")])
    ),
    "fields of tools": body(
        tools=[
            TOOL
            | {
                "type": "custom",
                "strict": True,
                "input_schema": CLOSED,
                "defer_loading": False,
                "allowed_callers": ["direct"],
                "input_examples": [{}],
                "eager_input_streaming": True,
            }
        ]
    ),
    "tools of the vendor": body(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
    "one call at a time": body(
        tools=[TOOL], tool_choice={"type": "auto", "disable_parallel_tool_use": True}
    ),
    "output config": body(
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": CLOSED}}
    ),
    "user id": body(metadata={"user_id": "u"}),
    "diagnostics": body(diagnostics={"previous_message_id": None}),
    "context management": body(context_management={"edits": []}),
    "pre-warming": body(max_tokens=0),
    "unknown blocks": body(messages=said([{"type": "hologram", "depth": 3}])),
    "empty final answer": body(messages=said("hi", [])),
    "begun answer": body(messages=said("hi", "The answer is")),
    "paused turn": body(
        model="claude-opus-new",
        messages=said(
            "hi",
            [text(), {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}],
        ),
    ),
    "resolved server tool": body(
        messages=said(
            "hi",
            [
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            ],
            "go on",
        )
    ),
    "echoed damage": body(messages=said("hi", [use(input='{"query": ')], [result(is_error=True)])),
    "nulls": body(system=None, tools=None, stream=None, thinking=None, metadata=None, thread=None),
    "four breakpoints": body(
        system=[text(cache_control=HOUR)] * 2, messages=said([text(cache_control=EPHEMERAL)] * 2)
    ),
}


@pytest.mark.wire("anthropic.requests.valid_request_is_accepted")
@pytest.mark.parametrize("given", ACCEPTED.values(), ids=ACCEPTED)
def test_valid_request_is_accepted(ask_anthropic, given):
    """What production takes is not refused, however odd."""
    assert isinstance(ask_anthropic(given), Call)


@pytest.mark.wire(
    "anthropic.requests.thread_that_cannot_be_gets_the_code_on_which_the_sdk_sends_full_histories"
)
def test_thread_that_cannot_be_gets_the_code_on_which_the_sdk_sends_full_histories(ask_anthropic):
    """Some fields have no place in it; without the beta nobody knows the field."""
    given = body(thread={"type": "create"}, context_management={"edits": [{"type": "x"}]})
    refusal = ask_anthropic(given, anthropic_beta="message-threads-2026-08-12")
    assert (refusal.kind, refusal.code) == ("invalid_request", "thread_unsupported_request")
    assert refusal.details == {"unsupported": "context_management"}
    refusal = ask_anthropic(body(thread={"type": "create"}))
    assert refusal.message == "thread: Extra inputs are not permitted"


@pytest.mark.wire("anthropic.requests.counting_takes_the_same_body_without_generation")
def test_counting_takes_the_same_body_without_generation(ask_anthropic):
    """`max_tokens` is an extra field there."""
    path = "/proxy/v1/messages/count_tokens"
    call = ask_anthropic(body(max_tokens=...), path=path)
    assert (call.operation, call.max_tokens, call.stream) == ("count_tokens", None, False)
    assert ask_anthropic(body(), path=path).message == "max_tokens: Extra inputs are not permitted"


@pytest.mark.wire("anthropic.requests.call_holds_what_was_asked")
def test_call_holds_what_was_asked(ask_anthropic):
    """The neutral form of a request with everything in it."""
    call = ask_anthropic(
        body(
            stream=True,
            stop_sequences=["END"],
            system=[text("be good", cache_control=HOUR)],
            tools=[TOOL | {"description": "finds", "cache_control": HOUR}],
            tool_choice={"type": "tool", "name": "search", "disable_parallel_tool_use": True},
            messages=said(
                "hi", [use(input={"q": "é"})], [result(is_error=True), {"type": "hologram"}]
            ),
        ),
        x_stainless_retry_count="2",
    )
    assert call.model == "claude-old"
    assert (call.stream, call.max_tokens, call.stop_sequences) == (True, 100, ("END",))
    assert (Text("be good", "1h"),) == call.system
    assert (
        call.tools[0].name,
        call.tools[0].description,
        call.tools[0].cache,
    ) == ("search", "finds", "1h")
    assert (
        call.tool_choice.mode,
        call.tool_choice.name,
        call.tool_choice.parallel,
    ) == ("tool", "search", False)
    assert call.messages[1].content[0].arguments == '{"q":"é"}'
    outcome, opaque = call.messages[2].content
    assert (outcome.call_id, outcome.is_error, outcome.text) == ("toolu_1", True, "found")
    assert Opaque(kind="hologram", raw='{"type":"hologram"}') == opaque
    assert call.options == {"served": "claude-old-20250929", "retry_count": 2}


@pytest.mark.wire("anthropic.requests.key_is_a_fingerprint_and_the_same_from_both_headers")
def test_key_is_a_fingerprint_and_the_same_from_both_headers(ask_anthropic):
    """The key itself goes nowhere."""
    legacy = ask_anthropic(body(), x_api_key="test-key")
    bearer = ask_anthropic(body(), x_api_key=None, authorization="Bearer test-key")
    other = ask_anthropic(body(), x_api_key="other")
    assert legacy.key == bearer.key != other.key
    assert "test-key" not in repr(legacy)


@pytest.mark.wire(
    "anthropic.requests.automatic_breakpoint_stands_on_the_last_block_that_can_bear_one"
)
def test_automatic_breakpoint_stands_on_the_last_block_that_can_bear_one(ask_anthropic):
    """Thinking cannot; the same lifetime twice is no conflict."""
    thought = {"type": "thinking", "thinking": "x", "signature": "y"}
    call = ask_anthropic(
        body(cache_control=HOUR, messages=said("hi", [text("a"), thought], "go")[:2])
    )
    assert Text("a", "1h") == call.messages[1].content[0]
    same = ask_anthropic(body(cache_control=HOUR, messages=said([text("a", cache_control=HOUR)])))
    assert (Text("a", "1h"),) == same.messages[0].content


@pytest.mark.wire("anthropic.requests.raw_tool_keeps_the_order_of_its_keys")
def test_raw_tool_keeps_the_order_of_its_keys(ask_anthropic):
    """The prompt cache of production sees the order, so ours must."""
    one = ask_anthropic(body(tools=[TOOL])).tools[0].raw
    other = ask_anthropic(body(tools=[dict(reversed(TOOL.items()))])).tools[0].raw
    assert one != other


@pytest.mark.wire("anthropic.requests.options_hold_what_decides_the_cache")
def test_options_hold_what_decides_the_cache(ask_anthropic):
    """Thinking, effort and speed invalidate parts of a prompt."""
    call = ask_anthropic(
        body(
            max_tokens=3000,
            thinking={"type": "enabled", "budget_tokens": 2000},
            output_config={"effort": "low", "format": {"type": "json_schema", "schema": CLOSED}},
            speed="fast",
            tools=[{"type": "web_search_20250305", "name": "web_search"}],
        )
    )
    expected = {
        "served": "claude-old-20250929",
        "reasons": True,
        "service_tier": "fast",
        "thinking_omitted": True,
        "thinking": ("enabled", 2000),
        "effort": "low",
        "speed": "fast",
        "output_schema": CLOSED,
        "builtin_tools": ({"type": "web_search_20250305", "name": "web_search"},),
    }
    assert expected == call.options
