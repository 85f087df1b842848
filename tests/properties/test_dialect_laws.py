"""Laws of the dialects: nothing is lost in a stream, and no body can break the decoder."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.dialect import Envelope, ModelFacts
from chaoskit.dialects import DIALECTS
from chaoskit.dialects._pieces import deltas, fragments
from chaoskit.exchange import Call, HttpRequest, Refusal, Reply, Text, ToolCall, Usage
from chaoskit.provider.shelf import Shelf

NAMED = {dialect.name: dialect for dialect in DIALECTS}
ANTHROPIC, OPENAI = NAMED["anthropic"], NAMED["openai_chat"]

texts = st.text(max_size=200)
arguments = st.one_of(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9), max_size=3).map(
        json.dumps
    ),
    st.text(max_size=30),
)
calls = st.builds(ToolCall, id=st.just(""), name=st.just("search"), arguments=arguments)
counts = st.integers(min_value=0, max_value=10**6)
usages = st.builds(
    Usage,
    input=counts,
    cache_read=counts,
    cache_write_5m=counts,
    cache_write_1h=counts,
    output=counts,
)
stops = st.sampled_from(["end", "max_tokens", "tool_use", "refusal", "window_exceeded"])
replies = st.builds(
    Reply,
    content=st.lists(texts.map(Text) | calls, max_size=4).map(tuple),
    stop=stops,
    usage=usages,
)


class AnyModel:
    """Knows every name."""

    def find(self, name, provider):
        return ModelFacts(name=name, provider=provider, window=200_000, max_output=64_000)

    def all(self, provider):
        return ()


def envelope():
    return Envelope(ids=random.Random(3), wall=1_795_330_800.0)


def call(dialect, **options):
    return Call(dialect=dialect.name, provider=dialect.provider, model="m", options=options)


def parsed(frames):
    return [json.loads(frame.data) for frame in frames if frame.data != "[DONE]"]


@given(texts)
def test_deltas_joined_are_the_text(text):
    """Whitespace and characters of any width survive."""
    assert text == "".join(deltas(text))
    assert all(deltas(text))


@given(texts)
def test_fragments_joined_are_the_arguments(text):
    """Broken JSON included."""
    assert text == "".join(fragments(text))


def value_of(text):
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


@given(replies)
def test_anthropic_stream_accumulates_to_the_plain_answer(reply):
    """Ids, content, usage and the reason to stop."""
    plain = json.loads(ANTHROPIC.plain(reply, call(ANTHROPIC), envelope()).body)
    _, frames = ANTHROPIC.stream(reply, call(ANTHROPIC), envelope())
    message = {}
    for event in parsed(frames):
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "content_block_start":
            assert len(message["content"]) == event["index"]
            message["content"].append(event["content_block"] | {"joined": ""})
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            message["content"][event["index"]]["joined"] += delta.get(
                "text", delta.get("partial_json")
            )
        elif event["type"] == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    for block in message["content"]:
        joined = block.pop("joined")
        if block["type"] == "text":
            block["text"] = joined
        else:
            block["input"] = value_of(joined)
    assert plain == message


@given(replies)
def test_openai_stream_accumulates_to_the_plain_answer(reply):
    """Ids, content, usage and the reason to finish."""
    given_call = call(OPENAI, include_usage=True)
    plain = json.loads(OPENAI.plain(reply, given_call, envelope()).body)
    _, frames = OPENAI.stream(reply, given_call, envelope())
    *chunks, last = parsed(frames)
    content, tools, finish = None, [], None
    for chunk in chunks:
        (choice,) = chunk["choices"]
        finish = choice["finish_reason"]
        delta = choice["delta"]
        if delta.get("content") is not None:
            content = (content or "") + delta["content"]
        for part in delta.get("tool_calls", ()):
            if "id" in part:
                tools.append({key: part[key] for key in ("id", "type", "function")})
            else:
                tools[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
    message = plain["choices"][0]["message"]
    assert message["content"] == content
    assert message.get("tool_calls", []) == tools
    assert plain["choices"][0]["finish_reason"] == finish
    assert plain["usage"] == last["usage"]
    assert {plain["id"]} == {chunk["id"] for chunk in [*chunks, last]}


keys = st.sampled_from(
    [
        "cache_control",
        "content",
        "function",
        "id",
        "image_url",
        "input",
        "input_schema",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "name",
        "output_config",
        "parameters",
        "response_format",
        "role",
        "source",
        "stop",
        "stop_sequences",
        "stream",
        "stream_options",
        "strict",
        "system",
        "temperature",
        "text",
        "thinking",
        "tool_call_id",
        "tool_calls",
        "tool_choice",
        "tool_use_id",
        "tools",
        "ttl",
        "type",
        "url",
    ]
)
words = st.sampled_from(
    [
        "any",
        "assistant",
        "auto",
        "base64",
        "enabled",
        "ephemeral",
        "function",
        "image",
        "json_object",
        "json_schema",
        "required",
        "search",
        "text",
        "thinking",
        "tool",
        "tool_result",
        "tool_use",
        "user",
    ]
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3000) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)
message = st.dictionaries(st.sampled_from(["role", "content", "tool_calls", "tool_call_id"]), junk)
bodies = st.fixed_dictionaries(
    {"model": st.just("m"), "max_tokens": st.just(10), "messages": st.lists(message | junk)},
    optional=dict.fromkeys(
        [
            "cache_control",
            "metadata",
            "n",
            "output_config",
            "response_format",
            "stop",
            "stop_sequences",
            "stream",
            "stream_options",
            "system",
            "temperature",
            "thinking",
            "tool_choice",
            "tools",
        ],
        junk,
    ),
)
PATHS = {
    "anthropic": "/v1/messages",
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "openai_embeddings": "/v1/embeddings",
    "openai_files": "/v1/batches",
}


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(body=bodies | junk)
def test_any_body_is_a_call_or_a_refusal(dialect, body):
    """Whatever an agent sends, it gets the vendor's answer and never our stack trace."""
    request = HttpRequest(
        method="POST",
        host="localhost",
        path=PATHS[dialect.name],
        headers={"authorization": "Bearer test", "anthropic-version": "2023-06-01"},
        body=json.dumps(body).encode(),
    )
    decoded = dialect.decode(request, AnyModel())
    assert isinstance(decoded, Call | Refusal)
    if isinstance(decoded, Refusal):
        assert decoded.message
        assert dialect.refuse(decoded, None, envelope()).status in {400, 403, 404}


texts_or_junk = st.text(max_size=8) | junk
forms = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        [
            *("bytes", "completion_window", "endpoint", "filename", "input_file_id", "items"),
            *("metadata", "mime_type", "part_ids", "purpose"),
        ],
        texts_or_junk,
    ),
)
KEEPING = [
    ("openai_files", "/v1/batches"),
    ("openai_files", "/v1/uploads"),
    ("openai_files", "/v1/uploads/upload_1/complete"),
    ("openai_responses", "/v1/conversations"),
    ("openai_responses", "/v1/conversations/conv_1"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "path"), KEEPING)
@given(body=forms)
def test_whatever_is_to_be_kept_has_an_answer(name, path, body):
    """The vendor's, and never our stack trace."""
    dialect = NAMED[name]
    request = HttpRequest(
        method="POST",
        host="api.openai.com",
        path=path,
        headers={"authorization": "Bearer test"},
        body=json.dumps(body).encode(),
    )
    decoded = dialect.decode(request, AnyModel())
    shelved = Envelope(ids=random.Random(3), wall=1_795_330_800.0, shelf=Shelf())
    if isinstance(decoded, Refusal):
        assert dialect.refuse(decoded, None, shelved).status == 400
    else:
        assert dialect.stored(decoded, shelved).status in {200, 400, 404}


@pytest.mark.slow
@given(st.binary(max_size=300), st.sampled_from(["", "multipart/form-data", "x; boundary=b"]))
def test_no_bytes_break_a_form(data, kind):
    """They are fields, or they are refused."""
    request = HttpRequest(
        method="POST",
        host="api.openai.com",
        path="/v1/files",
        headers={"authorization": "Bearer test", "content-type": f"{kind}; boundary=b"},
        body=b"--b\r\n" + data,
    )
    assert isinstance(NAMED["openai_files"].decode(request, AnyModel()), Call | Refusal)
