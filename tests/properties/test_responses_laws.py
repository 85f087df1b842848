"""Laws of Responses: what was said comes back as it was meant, however it is sent."""

import functools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.dialect import Envelope, ModelFacts
from chaoskit.dialects import OpenAIResponsesDialect
from chaoskit.exchange import Call, HttpRequest, Refusal, Reply, Text, ToolCall, Usage
from chaoskit.provider.shelf import Shelf

DIALECT = OpenAIResponsesDialect()
USER = {"role": "user", "content": "hi"}

texts = st.text(max_size=60).map(Text)
calls = st.builds(
    ToolCall, id=st.just(""), name=st.sampled_from(["a", "b"]), arguments=st.text(max_size=30)
)
counts = st.integers(min_value=0, max_value=10**6)
replies = st.builds(
    Reply,
    content=st.lists(texts | calls, max_size=4).map(tuple),
    stop=st.sampled_from(["end", "max_tokens", "tool_use", "refusal", "window_exceeded"]),
    usage=st.builds(Usage, input=counts, cache_read=counts, cache_write_5m=counts, output=counts),
)
rounds = st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=4)


class AnyModel:
    """Knows every name; all of them reason."""

    def find(self, name, provider):
        thinks = {"reasoning", "reasons"} if name == "thinker" else set()
        features = frozenset({"structured_output", *thinks})
        return ModelFacts(
            name=name, provider=provider, window=200_000, max_output=64_000, features=features
        )

    def all(self, provider):
        return ()


def ask(items, shelf=None, **more):
    request = HttpRequest(
        method="POST",
        host="localhost",
        path="/v1/responses",
        headers={"authorization": "Bearer test"},
        body=json.dumps({"model": "m", "input": items} | more).encode(),
    )
    decoded = DIALECT.decode(request, AnyModel())
    if shelf is None or isinstance(decoded, Refusal):
        return decoded
    return DIALECT.recall(decoded, shelf, 0.0)


def envelope(shelf=None):
    return Envelope(ids=random.Random(3), wall=1_795_330_800.0, shelf=shelf)


def results_of(output):
    return [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "x"}
        for item in output
        if item["type"] == "function_call"
    ]


def folded(frames):
    """The response that the events of a stream build, piece by piece."""
    response, output = None, []
    for frame in frames:
        event = json.loads(frame.data)
        kind = event["type"].removeprefix("response.")
        if kind == "created":
            response = event["response"]
        elif kind == "output_item.added":
            assert event["output_index"] == len(output)
            output.append(event["item"])
        elif kind == "content_part.added":
            output[event["output_index"]]["content"].append(event["part"])
        elif kind == "output_text.delta":
            part = output[event["output_index"]]["content"][event["content_index"]]
            part["text"] += event["delta"]
        elif kind == "function_call_arguments.delta":
            output[event["output_index"]]["arguments"] += event["delta"]
        elif kind == "output_item.done":
            told = output[event["output_index"]]
            assert told | {"status": ""} == event["item"] | {"status": ""}
            output[event["output_index"]] = event["item"]
    ending = json.loads(frames[-1].data)["response"]
    changed = ("status", "usage", "completed_at", "incomplete_details")
    return response | {"output": output} | {key: ending[key] for key in changed}, ending


@given(replies, st.sampled_from(["m", "thinker"]))
def test_stream_accumulates_to_the_plain_answer(reply, model):
    """Ids, content, usage and the reason to stop; its numbers have no gap."""
    call = ask("hi", model=model)
    plain = json.loads(DIALECT.plain(reply, call, envelope()).body)
    _, frames = DIALECT.stream(reply, call, envelope())
    built, ending = folded(frames)
    assert plain == ending == built
    numbers = [json.loads(frame.data)["sequence_number"] for frame in frames]
    assert numbers == list(range(len(frames)))


def merged(parts):
    """The parts of a reply, neighbouring texts joined, and without ids."""
    found = []
    for part in parts:
        if isinstance(part, Text) and found and isinstance(found[-1], Text):
            found[-1] = Text(found[-1].text + part.text)
        elif isinstance(part, ToolCall):
            found.append((part.name, part.arguments))
        else:
            found.append(part)
    return found


@given(replies, st.booleans())
def test_answer_sent_back_means_what_it_meant(reply, chained):
    """Resent item by item, or by the id of the response."""
    shelf = Shelf()
    made = json.loads(DIALECT.plain(reply, ask("hi", shelf), envelope(shelf)).body)
    results = results_of(made["output"])
    if chained:
        again = ask([*results, USER], shelf, previous_response_id=made["id"])
    else:
        again = ask([USER, *made["output"], *results, USER], shelf)
    assert isinstance(again, Call), again
    said = [m for m in again.messages if m.role == "assistant"]
    meant = [part for message in said for part in message.content]
    assert merged(meant) == merged(reply.content)
    assert [m.role for m in again.messages if m.role == "user"] == ["user", "user"]


words = st.sampled_from(
    [
        *("message", "function_call", "function_call_output", "reasoning", "item_reference"),
        *("user", "assistant", "developer", "tool", "input_text", "output_text", "input_image"),
        *("function", "allowed_tools", "required", "json_schema", "search", "rs_1", "fc_1"),
    ]
)
keys = st.sampled_from(
    [
        *("type", "role", "content", "call_id", "id", "output", "name", "arguments", "summary"),
        *("text", "image_url", "tools", "mode", "schema", "strict", "format", "effort"),
        *("parameters", "properties", "description", "encrypted_content", "input"),
    ]
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3000) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)
WHOLE = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "a", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_text", "text": "x"}],
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://h/a.png"}]},
    ],
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 100,
    "metadata": {"a": "b"},
    "parallel_tool_calls": False,
    "prompt_cache_key": "k",
    "store": True,
    "stream": True,
    "stream_options": {"include_obfuscation": False},
    "temperature": 0.5,
    "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "o", "schema": {}}},
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function"}]},
    "tools": [
        {"type": "function", "name": "a", "parameters": {"type": "object"}, "strict": False},
        {"type": "web_search"},
    ],
    "truncation": "auto",
}


def places(value, path=()):
    """The paths to everything inside of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from places(item, (*path, key))


PLACES = list(places(WHOLE))


def test_the_undamaged_body_is_a_call():
    """Or the law below would be about refusals only."""
    assert isinstance(ask(WHOLE["input"], **WHOLE), Call)


@pytest.mark.slow
@given(st.sampled_from(PLACES), junk, st.booleans())
def test_any_damage_leaves_a_call_or_a_refusal(place, value, remove):
    """Whatever an agent sends gets the vendor's answer; a call has an answer of each form."""
    body = json.loads(json.dumps(WHOLE))
    *way, last = place
    inside = functools.reduce(lambda found, key: found[key], way, body)
    if remove:
        del inside[last]
    else:
        inside[last] = value
    shelf = Shelf()
    items = body.pop("input", None)
    decoded = ask(items, shelf, **body)
    if isinstance(decoded, Refusal):
        assert DIALECT.refuse(decoded, None, envelope()).status in {400, 404}
        assert decoded.message
    else:
        reply = Reply(content=(Text("x"),))
        assert DIALECT.plain(reply, decoded, envelope(shelf)).status == 200
        assert DIALECT.stream(reply, decoded, envelope(shelf))[1][-1].kind == "done"


def conversation(sizes):
    """A valid conversation: in each round so many calls, answered in reverse order."""
    items = [USER]
    for at, size in enumerate(sizes):
        ids = [f"call_{at}_{n}" for n in range(size)]
        items += [
            {"type": "function_call", "call_id": i, "name": "a", "arguments": "{}"} for i in ids
        ]
        items += [
            {"type": "function_call_output", "call_id": i, "output": "x"} for i in reversed(ids)
        ]
    return [*items, USER]


@given(rounds, st.data())
def test_valid_conversation_is_accepted_and_each_breakage_refused(sizes, data):
    """Any call or result that is taken away, by itself, is missed."""
    items = conversation(sizes)
    assert isinstance(ask(items), Call)
    paired = [at for at, item in enumerate(items) if "call_id" in item]
    gone = data.draw(st.sampled_from(paired))
    refusal = ask([*items[:gone], *items[gone + 1 :]])
    kind = items[gone]["type"]
    assert isinstance(refusal, Refusal)
    expected = (
        "No tool call found for function call output with call_id {}."
        if kind == "function_call"
        else "No tool output found for function call {}."
    )
    assert refusal.message == expected.format(items[gone]["call_id"])


@given(rounds)
def test_chain_is_the_conversation_sent_whole(sizes):
    """The same messages, whoever keeps them."""
    shelf, previous, new, whole = Shelf(), None, [USER], [USER]
    for size in sizes:
        chained = ask(new, shelf, previous_response_id=previous)
        resent = ask(whole, shelf)
        assert chained.messages == resent.messages
        content = tuple([ToolCall(id="", name="a", arguments="{}") for _ in range(size)])
        reply = Reply(content=content, stop="tool_use")
        made = json.loads(DIALECT.plain(reply, chained, _fresh(shelf, previous)).body)
        new, previous = results_of(made["output"]), made["id"]
        whole = [*whole, *made["output"], *new]


def _fresh(shelf, previous):
    """An envelope with ids of its own for each link of a chain."""
    return Envelope(ids=random.Random(str(previous)), wall=1_795_330_800.0, shelf=shelf)
