"""Laws of answers: sent back they mean what they meant, and cut anywhere they are a beginning."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.dialect import Envelope, ModelFacts, Stateful
from chaoskit.dialects import DIALECTS
from chaoskit.exchange import (
    Call,
    Found,
    Hosted,
    HttpRequest,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from chaoskit.provider.shelf import Shelf

NAMED = {dialect.name: dialect for dialect in DIALECTS}
PATHS = {
    "anthropic": "/v1/messages",
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
}
USER = {"role": "user", "content": "hi"}

spoken = st.text(min_size=1, max_size=60).filter(lambda text: not text.isspace())
inputs = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9), max_size=3)
calls = st.builds(
    ToolCall, id=st.just(""), name=st.sampled_from(["a", "b"]), arguments=inputs.map(json.dumps)
)
thoughts = st.builds(Thinking, text=spoken)
counts = st.integers(min_value=0, max_value=10**6)
usages = st.builds(
    Usage, input=counts, cache_read=counts, cache_write_5m=counts, output=counts, reasoning=counts
)
pages = st.lists(st.builds(Found, title=spoken, url=spoken, text=spoken), max_size=2).map(tuple)
uses = st.builds(
    Hosted,
    tool=st.sampled_from(
        ["web_search", "web_fetch", "code_execution", "file_search", "image_generation", "mcp"]
    ),
    query=spoken,
    found=pages,
    output=spoken,
    error=st.sampled_from(["", "unavailable"]),
    name=st.just("n"),
    server=st.just("s"),
)
contents = st.tuples(
    st.lists(thoughts, max_size=1),
    st.lists(uses, max_size=2),
    st.lists(st.builds(Text, spoken, sources=pages), max_size=1),
    st.lists(calls, max_size=3),
).map(lambda parts: tuple(part for some in parts for part in some))
replies = st.builds(Reply, content=contents.filter(bool), stop=st.just("end"), usage=usages)


class AnyModel:
    """Knows every name; all of them may be begun, and tell what they think."""

    def find(self, name, provider):
        return ModelFacts(
            name=name,
            provider=provider,
            window=200_000,
            max_output=64_000,
            features=frozenset({"prefill", "thinking_enabled", "thinking_shown"}),
        )

    def all(self, provider):
        return ()


def envelope(shelf=None):
    return Envelope(ids=random.Random(3), wall=1_795_330_800.0, shelf=shelf)


def decoded(name, said, shelf=None, **more):
    """The call of a conversation."""
    key = "input" if name == "openai_responses" else "messages"
    body = {"model": "m", key: said} | ({"max_tokens": 99} if name == "anthropic" else {}) | more
    headers = {"authorization": "Bearer test"}
    if name == "anthropic":
        headers |= {
            "anthropic-version": "2026-10-21",
            "anthropic-beta": "message-threads-2026-08-12",
        }
    request = HttpRequest(
        method="POST",
        host="localhost",
        path=PATHS[name],
        headers=headers,
        body=json.dumps(body).encode(),
    )
    found = NAMED[name].decode(request, AnyModel())
    if isinstance(found, Call) and isinstance(NAMED[name], Stateful):
        return NAMED[name].recall(found, shelf or Shelf(), 0.0)
    return found


def resent(name, made):
    """The answer and results for its calls, as a client sends them back."""
    if name == "anthropic":
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": "x"}
            for block in made["content"]
            if block["type"] == "tool_use"
        ]
        said = {"role": "assistant", "content": made["content"]}
        return [USER, said, {"role": "user", "content": [*results, {"type": "text", "text": "ok"}]}]
    if name == "openai_chat":
        said = made["choices"][0]["message"]
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": "x"}
            for call in said.get("tool_calls", ())
        ]
        return [USER, {k: v for k, v in said.items() if v is not None}, *results, USER]
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "x"}
        for item in made["output"]
        if item["type"] == "function_call"
    ]
    return [USER, *made["output"], *results, USER]


def meant(parts, *, thoughts):
    """What parts say, without ids and signatures."""
    found = []
    for part in parts:
        if isinstance(part, Text):
            found += [part.text] if part.text else []
        elif isinstance(part, ToolCall):
            found.append((part.name, json.loads(part.arguments)))
        elif thoughts and isinstance(part, Thinking):
            found.append(("thought", part.text))
    return found


@pytest.mark.parametrize("name", PATHS)
@given(reply=replies)
def test_answer_sent_back_means_what_it_meant(name, reply):
    """Decoding undoes encoding: texts, calls, arguments; thoughts where the service tells them."""
    if name == "openai_responses" and isinstance(reply.content[-1], Thinking):
        return  # reasoning that nothing follows is refused, as in production
    call = decoded(name, [USER])
    made = json.loads(NAMED[name].plain(reply, call, envelope()).body)
    if name == "anthropic" and not made["content"]:
        return  # an answer that says nothing cannot be sent back, as in production
    again = decoded(name, resent(name, made))
    assert isinstance(again, Call), again
    said = [part for m in again.messages if m.role == "assistant" for part in m.content]
    told = name == "anthropic"
    assert meant(said, thoughts=told) == meant(reply.content, thoughts=told)


@given(replies, spoken)
def test_thread_is_the_conversation_sent_whole(reply, more):
    """The same messages, whoever keeps them."""
    dialect, shelf = NAMED["anthropic"], Shelf()
    created = decoded("anthropic", [USER], shelf, thread={"type": "create"})
    made = json.loads(dialect.plain(reply, created, envelope(shelf)).body)
    if not made["content"]:
        return
    _, _, last = resent("anthropic", made)
    thread = {"type": "continue", "previous_message_id": made["id"]}
    continued = decoded("anthropic", [last], shelf, thread=thread)
    whole = decoded("anthropic", resent("anthropic", made))
    assert continued.messages == whole.messages
    again = decoded("anthropic", [last], shelf, thread=thread | {"previous_message_id": more})
    assert isinstance(again, Refusal) or more == made["id"]


def pieces(name, frame):
    """The text that one event of a stream adds."""
    if frame.data == "[DONE]":
        return ""
    event = json.loads(frame.data)
    if name == "openai_chat":
        return "".join(c["delta"].get("content") or "" for c in event["choices"])
    if name == "openai_responses":
        told = event["type"] == "response.output_text.delta"
        return event["delta"] if told else ""
    return event.get("delta", {}).get("text", "")


@pytest.mark.parametrize("name", PATHS)
@given(reply=replies, data=st.data())
def test_stream_cut_at_any_byte_holds_exactly_that_beginning(name, reply, data):
    """The events that are whole add up to what was sent of the text, and to nothing else."""
    call = decoded(name, [USER], stream=True)
    _, frames = NAMED[name].stream(reply, call, envelope())
    sent = [frame.encode() for frame in frames]
    whole = b"".join(sent)
    cut = data.draw(st.integers(min_value=0, max_value=len(whole)))
    arrived, end = 0, 0
    while arrived < len(sent) and end + len(sent[arrived]) <= cut:
        end += len(sent[arrived])
        arrived += 1
    events = whole[:cut].decode("utf-8", "ignore").split("\n\n")[:-1]
    assert len(events) == arrived
    text = "".join(pieces(name, frame) for frame in frames[:arrived])
    assert reply.text.startswith(text)
    assert text != reply.text or all(not pieces(name, frame) for frame in frames[arrived:])


@pytest.mark.parametrize("name", PATHS)
@given(reply=replies, top=st.integers(min_value=0, max_value=5))
def test_stream_and_plain_answer_have_the_same_usage_and_logprobs(name, reply, top):
    """Reasoning and its share of the tokens included."""
    more = {"stream_options": {"include_usage": True}} if name == "openai_chat" else {}
    if name == "openai_chat":
        more |= {"logprobs": True, "top_logprobs": top}
    if name == "openai_responses":
        more |= {"include": ["message.output_text.logprobs"], "top_logprobs": top}
    streaming = decoded(name, [USER], stream=True, **more)
    _, frames = NAMED[name].stream(reply, streaming, envelope())
    plain = json.loads(NAMED[name].plain(reply, streaming, envelope()).body)
    events = [json.loads(frame.data) for frame in frames if frame.data != "[DONE]"]
    if name == "anthropic":
        usage = {}
        for event in events:
            usage |= event.get("message", event).get("usage", {})
        assert usage == plain["usage"]
        assert usage["output_tokens_details"] == {"thinking_tokens": reply.usage.reasoning}
    elif name == "openai_chat":
        assert events[-1]["usage"] == plain["usage"]
        told = [
            t
            for e in events
            for c in e["choices"]
            for t in (c["logprobs"] or {}).get("content", ())
        ]
        assert told == plain["choices"][0]["logprobs"]["content"]
        assert "".join(token["token"] for token in told) == reply.text
    else:
        assert events[-1]["response"]["usage"] == plain["usage"]
        assert events[-1]["response"]["output"] == plain["output"]


wild = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3000) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["custom_id", "params", "requests", "type", "previous_message_id", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NEW_FIELDS = {
    "anthropic": ["thread", "diagnostics", "thinking", "context_management"],
    "openai_chat": ["logprobs", "top_logprobs", "service_tier", "prompt_cache_options"],
    "openai_responses": ["prompt", "top_logprobs", "include", "prompt_cache_options", "reasoning"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHS)
@given(data=st.data())
def test_any_setting_is_taken_or_refused(name, data):
    """Whatever stands in the fields that few clients send."""
    more = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(NEW_FIELDS[name], wild)))
    shelf = Shelf()
    found = decoded(name, [USER], shelf, **more)
    if isinstance(found, Refusal):
        assert NAMED[name].refuse(found, None, envelope(shelf)).status in {400, 404}
    else:
        reply = Reply(content=(Thinking(text="hm", tokens=64), Text("x")))
        assert NAMED[name].plain(reply, found, envelope(shelf)).status == 200


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@given(
    body=wild,
    path=st.sampled_from(["batches", "batches/a", "batches/a/results", "batches/a/cancel"]),
    raw=st.binary(max_size=40),
    file=st.booleans(),
)
def test_whatever_is_to_be_kept_has_an_answer(method, body, path, raw, file):
    """The vendor's, and never our stack trace."""
    dialect, shelf = NAMED["anthropic"], Shelf()
    request = HttpRequest(
        method=method,
        host="api.anthropic.com",
        path="/v1/files" if file else f"/v1/messages/{path}",
        headers={
            "x-api-key": "test",
            "anthropic-version": "2026-10-21",
            "content-type": "multipart/form-data; boundary=b",
        },
        body=b"--b\r\n" + raw if file else json.dumps(body).encode(),
    )
    found = dialect.decode(request, AnyModel())
    if isinstance(found, Refusal):
        assert dialect.refuse(found, None, envelope(shelf)).status in {400, 404, 405}
    else:
        assert dialect.stored(found, envelope(shelf)).status in {200, 400, 404}
