"""Every reason for which the Claude API refuses a request, with the words of production."""

import pytest

from chaoskit.exchange import Call, HttpRequest, Refusal, Text, Thinking
from messages_bodies import EPHEMERAL, HOUR, TOOL, USER, body, result, said, text, use

PREFILL = "This model does not support assistant message prefill. The conversation must end with a user message."
UNANSWERED = (
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each "
    "`tool_use` block must have a corresponding `tool_result` block in the next message."
)
ORPHAN = (
    "messages.{}: unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` block "
    "must have a corresponding `tool_use` block in the previous message."
)
ADAPTIVE = (
    '"thinking.type.{}" is not supported for this model. Use "thinking.type.adaptive" and '
    '"output_config.effort" to control thinking behavior.'
)
EDITED = (
    "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message "
    "cannot be modified. These blocks must remain as they were in the original response."
)
REFUSED = [
    # the schema
    (body(max_tokens=...), "max_tokens: Field required"),
    (body(messages=...), "messages: Field required"),
    (body(model=...), "model: Field required"),
    (body(max_tokens="1"), "max_tokens: Input should be a valid integer"),
    (body(max_tokens=True), "max_tokens: Input should be a valid integer"),
    (body(max_tokens=-1), "max_tokens: Input should be greater than or equal to 0"),
    (body(model=5), "model: Input should be a valid string"),
    (body(foo=1), "foo: Extra inputs are not permitted"),
    (body(stream="yes"), "stream: Input should be a valid boolean"),
    (body(temperature=2), "temperature: Input should be less than or equal to 1"),
    (body(temperature=-1), "temperature: Input should be greater than or equal to 0"),
    (body(temperature="hot"), "temperature: Input should be a valid number"),
    (body(top_k=0.5), "top_k: Input should be a valid integer"),
    (body(stop_sequences="x"), "stop_sequences: Input should be a valid list"),
    (body(stop_sequences=[" "]), "stop_sequences: each stop sequence must contain non-whitespace"),
    (body(metadata={"team": 1}), "metadata.team: Extra inputs are not permitted"),
    (body(system=5), "system: Input should be a valid list"),
    (body(messages={}), "messages: Input should be a valid list"),
    (body(messages=[]), "messages: at least one message is required"),
    (body(messages=["hi"]), "messages.0: Input should be a valid dictionary"),
    (body(messages=[{"content": "hi"}]), "messages.0.role: Field required"),
    (body(messages=[{"role": "user"}]), "messages.0.content: Field required"),
    (
        body(messages=[{"role": "tool", "content": "x"}]),
        "messages.0.role: Input should be 'user' or 'assistant'",
    ),
    (body(messages=[USER | {"name": "Al"}]), "messages.0.name: Extra inputs are not permitted"),
    (body(messages=said([{"text": "x"}])), "messages.0.content.0.type: Field required"),
    (body(messages=said([{"type": "text"}])), "messages.0.content.0.text.text: Field required"),
    (
        body(messages=said([text(5)])),
        "messages.0.content.0.text.text: Input should be a valid string",
    ),
    (
        body(messages=said([text(index=0)])),
        "messages.0.content.0.text.index: Extra inputs are not permitted",
    ),
    (
        body(messages=said("hi", [{"type": "tool_use", "id": "a", "name": "b"}])),
        "messages.1.content.0.tool_use.input: Field required",
    ),
    (
        body(messages=said("hi", [use("a b")])),
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ),
    (
        body(messages=said([result(is_error="no")])),
        "messages.0.content.0.tool_result.is_error: Input should be a valid boolean",
    ),
    (
        body(messages=said([result(content=[{"type": "text"}])])),
        "messages.0.content.0.tool_result.content.0.text.text: Field required",
    ),
    (
        body(messages=said("hi", [{"type": "thinking", "thinking": "x"}])),
        "messages.1.content.0.thinking.signature: Field required",
    ),
    (
        body(
            messages=said(
                "hi",
                [
                    {
                        "type": "thinking",
                        "thinking": "x",
                        "signature": "y",
                        "cache_control": EPHEMERAL,
                    }
                ],
            )
        ),
        "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted",
    ),
    (
        body(
            messages=said(
                [
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/bmp", "data": ""},
                    }
                ]
            )
        ),
        "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
    ),
    (
        body(messages=said([text(cache_control={"type": "forever"})])),
        "messages.0.content.0.text.cache_control.type: Input should be 'ephemeral'",
    ),
    (
        body(messages=said([text(cache_control=EPHEMERAL | {"ttl": "2h"})])),
        "messages.0.content.0.text.cache_control.ttl: Input should be '5m' or '1h'",
    ),
    (body(tools=[{"name": "a"}]), "tools.0.custom.input_schema: Field required"),
    (body(tools=[{"input_schema": {"type": "object"}}]), "tools.0.custom.name: Field required"),
    (
        body(tools=[TOOL | {"name": "a b"}]),
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    ),
    (
        body(tools=[TOOL | {"name": "a" * 129}]),
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
    ),
    (
        body(tools=[TOOL | {"input_schema": {"type": "array"}}]),
        "tools.0.custom.input_schema.type: Input should be 'object'",
    ),
    (
        body(tools=[TOOL | {"parameters": {}}]),
        "tools.0.custom.parameters: Extra inputs are not permitted",
    ),
    (body(tools=[TOOL], tool_choice="auto"), "tool_choice: Input should be a valid dictionary"),
    (body(tools=[TOOL], tool_choice={"type": "tool"}), "tool_choice.tool.name: Field required"),
    (body(thinking={"type": "enabled"}), "thinking.enabled.budget_tokens: Field required"),
    (
        body(thinking={"type": "enabled", "budget_tokens": 5}),
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    ),
    (
        body(output_config={"format": {"type": "json_schema"}}),
        "output_config.format.schema: Field required",
    ),
    # fields and the model
    (
        body(max_tokens=64_001),
        "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-old",
    ),
    (body(tools=[TOOL, TOOL]), "tools: Tool names must be unique."),
    (
        body(tools=[TOOL], tool_choice={"type": "tool", "name": "b"}),
        "Tool 'b' not found in provided tools",
    ),
    (body(tool_choice={"type": "any"}), "tool_choice may only be specified while providing tools."),
    (
        body(model="claude-fable-bound", tools=[TOOL], tool_choice={"type": "any"}),
        'tool_choice: type "tool" and "any" are not supported for this model.',
    ),
    (
        body(
            max_tokens=3000,
            tools=[TOOL],
            tool_choice={"type": "any"},
            thinking={"type": "enabled", "budget_tokens": 2000},
        ),
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        body(
            model="claude-opus-new",
            max_tokens=3000,
            thinking={"type": "enabled", "budget_tokens": 2000},
        ),
        ADAPTIVE.format("enabled"),
    ),
    (body(model="claude-fable-bound", thinking={"type": "disabled"}), ADAPTIVE.format("disabled")),
    (body(thinking={"type": "adaptive"}), "adaptive thinking is not supported on this model"),
    (
        body(max_tokens=2000, thinking={"type": "enabled", "budget_tokens": 2000}),
        "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://platform.claude.com/docs/en/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
    ),
    (
        body(system=[text(cache_control=EPHEMERAL)] * 5),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        body(system=[text(cache_control=EPHEMERAL)] * 4, cache_control=EPHEMERAL),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        body(system=[text(cache_control=EPHEMERAL)], messages=said([text(cache_control=HOUR)])),
        "messages.0.content.0.text.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
    ),
    (
        body(cache_control=EPHEMERAL, messages=said([text(cache_control=HOUR)])),
        "cache_control: the last cacheable block already has a cache_control block with ttl='1h', which differs from ttl='5m'.",
    ),
    (
        body(model="claude-opus-new", temperature=0.2),
        "`temperature` is deprecated for this model.",
    ),
    (body(model="claude-opus-new", top_k=5), "`top_k` is deprecated for this model."),
    (
        body(max_tokens=3000, temperature=0.5, thinking={"type": "enabled", "budget_tokens": 2000}),
        "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://platform.claude.com/docs/en/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking",
    ),
    (
        body(cache_control=HOUR, system=[text(cache_control=EPHEMERAL)]),
        "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
    ),
    (body(speed="warp"), "speed: Input should be 'standard' or 'fast'"),
    (
        body(tools=[{"type": "function", "function": {}}]),
        "tools.0: Input tag 'function' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'text_editor_20250728', 'web_search_20250305'",
    ),
    (
        body(tool_choice={"type": "maybe"}),
        "tool_choice: Input tag 'maybe' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'",
    ),
    (
        body(thinking={"type": "maybe"}),
        "thinking: Input tag 'maybe' found using 'type' does not match any of the expected tags: 'adaptive', 'between_tools', 'disabled', 'enabled'",
    ),
    # the conversation
    (
        body(messages=said("")),
        "messages.0: all messages must have non-empty content except for the optional final assistant message",
    ),
    (
        body(messages=said("hi", [], "ho")),
        "messages.1: all messages must have non-empty content except for the optional final assistant message",
    ),
    (body(messages=said([text("")])), "messages: text content blocks must be non-empty"),
    (body(messages=said(" \n")), "messages: text content blocks must contain non-whitespace text"),
    (body(system=[text("")]), "system: text content blocks must be non-empty"),
    (body(messages=said("hi", [use()], "go on")), UNANSWERED.format("toolu_1")),
    (body(messages=said("hi", [use()])), UNANSWERED.format("toolu_1")),
    (
        body(messages=said("hi", [use(), use("toolu_2"), use("toolu_3")], [result("toolu_2")])),
        UNANSWERED.format("toolu_1, toolu_3"),
    ),
    (body(messages=said("hi", [use()], [text(), result()])), UNANSWERED.format("toolu_1")),
    (body(messages=said([result()])), ORPHAN.format("0.content.0", "toolu_1")),
    (body(messages=said("hi", "ho", [text(), result("x")])), ORPHAN.format("2.content.1", "x")),
    (
        body(messages=said("hi", [use()], [result()], "ok", [result()])),
        ORPHAN.format("4.content.0", "toolu_1"),
    ),
    (
        body(messages=said("hi", [use()], [result(), result()])),
        "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with id: toolu_1",
    ),
    (
        body(messages=said("hi", [text(), use(), use()], [result()])),
        "messages.1.content.2: `tool_use` ids must be unique",
    ),
    (
        body(
            messages=said(
                "hi",
                [
                    {
                        "type": "server_tool_use",
                        "id": "srvtoolu_1",
                        "name": "web_fetch",
                        "input": {},
                    },
                    text(),
                ],
                "go on",
            )
        ),
        "`web_fetch` tool use with id `srvtoolu_1` was found without a corresponding `web_fetch_tool_result` block",
    ),
    (body(model="claude-opus-new", messages=said("hi", "The answer is")), PREFILL),
    (
        body(messages=said("hi", "The answer is ")),
        "messages: final assistant content cannot end with trailing whitespace",
    ),
]


@pytest.mark.wire("anthropic.requests.invalid_request_is_refused_in_the_words_of_production")
@pytest.mark.parametrize(("given", "message"), REFUSED, ids=[m[:60] for _, m in REFUSED])
def test_invalid_request_is_refused_in_the_words_of_production(ask_anthropic, given, message):
    """Each is a 400 of type invalid_request_error."""
    assert Refusal(kind="invalid_request", message=message) == ask_anthropic(given)


NEWEST = [
    (body(temperature=1.0), "temperature: Extra inputs are not permitted"),
    (body(top_p=1), "top_p: Extra inputs are not permitted"),
    (body(top_k=1), "top_k: Extra inputs are not permitted"),
    (
        body(messages=said([text(citations=[{}])])),
        "messages.0.content.0.text.citations: Extra inputs are not permitted",
    ),
]


@pytest.mark.wire("anthropic.requests.newest_version_refuses_what_the_older_one_takes")
@pytest.mark.parametrize(("given", "message"), NEWEST, ids=[m[:30] for _, m in NEWEST])
def test_newest_version_refuses_what_the_older_one_takes(ask_anthropic, given, message):
    """Both versions are live; the header of each request decides."""
    assert Refusal(kind="invalid_request", message=message) == ask_anthropic(given, newest=True)
    assert isinstance(ask_anthropic(given), Call)


@pytest.mark.wire("anthropic.requests.newest_version_refuses_documents_of_the_assistant")
def test_newest_version_refuses_documents_of_the_assistant(ask_anthropic):
    """A document in a user message is fine in both."""
    document = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "x"},
    }
    spoken = body(messages=said("hi", [document], "ho"))
    refused = ask_anthropic(spoken, newest=True)
    assert refused.message.startswith("messages.1.content.0: Input tag 'document'")
    assert isinstance(ask_anthropic(spoken), Call)
    assert isinstance(ask_anthropic(body(messages=said([document])), newest=True), Call)


@pytest.mark.wire("anthropic.requests.thinking_edited_in_the_latest_answer_is_refused")
def test_thinking_edited_in_the_latest_answer_is_refused(ask_anthropic, anthropic, envelope):
    """Older answers, and signatures of other origin, are not judged."""
    import json

    from chaoskit.exchange import Reply

    call = ask_anthropic(body())
    reply = Reply(content=(Thinking(text="let me see"), Text("done")))
    block, words = json.loads(anthropic.plain(reply, call, envelope()).body)["content"]
    edited = block | {"thinking": "let me lie"}

    assert isinstance(ask_anthropic(body(messages=said("hi", [block, words], "ok"))), Call)
    assert ask_anthropic(body(messages=said("hi", [edited, words], "ok"))).message == EDITED
    older = said("hi", [edited, words], "ok", [words], "well")
    assert isinstance(ask_anthropic(body(messages=older)), Call)
    foreign = block | {"signature": "abc"}
    assert isinstance(ask_anthropic(body(messages=said("hi", [foreign, words], "ok"))), Call)


@pytest.mark.wire("anthropic.requests.unknown_model_is_not_found")
def test_unknown_model_is_not_found(ask_anthropic):
    """The lookup comes after the schema."""
    assert Refusal(kind="not_found", message="model: claude-nope") == ask_anthropic(
        body(model="claude-nope")
    )
    assert ask_anthropic(body(model="x", foo=1)).message == "foo: Extra inputs are not permitted"


HEADERS = [
    ({"x_api_key": None}, "authentication", None),
    ({"anthropic_version": None}, "invalid_request", "anthropic-version: header is required"),
    (
        {"anthropic_version": "2024-01-01"},
        "invalid_request",
        'anthropic-version: "2024-01-01" is not a valid version',
    ),
    (
        {"anthropic_beta": "token-counting-2024-11-01, nope"},
        "invalid_request",
        "Unexpected value(s) `nope` for the `anthropic-beta` header. Please consult our documentation at platform.claude.com/docs or try again without the header.",
    ),
]


@pytest.mark.wire("anthropic.requests.header_is_missing_or_wrong")
@pytest.mark.parametrize(("headers", "kind", "message"), HEADERS)
def test_header_is_missing_or_wrong(ask_anthropic, headers, kind, message):
    """Headers are looked at before the body."""
    refusal = ask_anthropic(b"{", **headers)
    assert kind == refusal.kind
    assert message in {None, refusal.message}


@pytest.mark.wire("anthropic.requests.body_is_not_json_or_no_object")
def test_body_is_not_json_or_no_object(ask_anthropic):
    """Both are the client's fault."""
    assert ask_anthropic(b"{").message.startswith("The request body is not valid JSON: ")
    assert ask_anthropic(b"\xff").message.startswith("The request body is not valid JSON: ")
    assert ask_anthropic(b"[" * 100_000).message.startswith("The request body is not valid JSON: ")
    assert ask_anthropic(b"[]").message == "Input should be a valid dictionary"


@pytest.mark.wire("anthropic.requests.path_or_method_is_wrong")
def test_path_or_method_is_wrong(ask_anthropic):
    """Both errors have the vendor's own shape."""
    assert ask_anthropic(body(), path="/v1/nope").kind == "not_found"
    assert ask_anthropic(body(), method="GET").status == 405


@pytest.mark.wire("anthropic.requests.base_url_without_a_version")
def test_base_url_without_a_version(anthropic, ask_anthropic, models):
    """Vercel's provider posts to `/messages` below the base URL that the SDK wants."""
    count = "/messages/count_tokens"
    assert ask_anthropic(body(), path="/messages").operation == "generate"
    assert ask_anthropic(body(), path="/prefix/messages/").operation == "generate"
    assert ask_anthropic(body(max_tokens=...), path=count).operation == "count_tokens"
    assert ask_anthropic(b"", path="/models", method="GET").operation == "list_models"
    assert ask_anthropic(body(), path="/nope/messages/nope").kind == "not_found"
    theirs = HttpRequest(
        method="POST",
        host="api.anthropic.com",
        path="/messages",
        headers={"anthropic-version": "2023-06-01", "x-api-key": "test"},
    )
    assert anthropic.decode(theirs, models).kind == "not_found"


@pytest.mark.wire("anthropic.requests.body_beyond_32_megabytes_is_too_large")
def test_body_beyond_32_megabytes_is_too_large(ask_anthropic):
    """The edge looks at the length alone."""
    assert Refusal(kind="too_large") == ask_anthropic(b" " * (32 * 1024 * 1024 + 1))
