"""A routed answer in pieces: who may take over, and until when; through the real SDKs."""

import asyncio
import json

import anthropic
import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import StreamTruncated
from two_providers import ASK, CHAT, MESSAGE, OVERLOADED, asked


def events(*pairs):
    """The body of Anthropic's stream."""
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in pairs)


STREAM = (
    {
        "type": "message_start",
        "message": {
            **MESSAGE,
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 7, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "from "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "claude"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {}},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": '{"q"'},
    },
    {
        "type": "content_block_delta",
        "index": 1,
        "delta": {"type": "input_json_delta", "partial_json": ': "x"}'},
    },
    {"type": "content_block_stop", "index": 1},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
)


def chunks(*deltas, finish="stop"):
    """The body of OpenAI's stream."""
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.4"}
    parts = [
        {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    if finish:
        parts.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        parts.append({**frame, "choices": [], "usage": CHAT["usage"]})
    body = "".join(f"data: {json.dumps(part)}\n\n" for part in parts)
    return body + ("data: [DONE]\n\n" if finish else "")


def test_a_stream_yields_text_and_ends_with_the_whole_answer(world):
    """Tool calls and usage included."""
    world.answers["anthropic"] = [(200, events(*STREAM))]
    stream = world.router().stream(messages=ASK)
    assert list(stream) == ["from ", "claude"]
    assert stream.completion.provider == "anthropic"
    assert stream.completion.text == "from claude"
    assert stream.completion.tool_calls[0]["input"] == {"q": "x"}
    assert (stream.completion.stop_reason, stream.completion.usage.output_tokens) == ("tool_use", 9)


def test_an_openai_stream_is_read_too(world):
    """Text, calls in pieces, and usage in the last chunk."""
    world.answers["openai"] = [
        (
            200,
            chunks(
                {"role": "assistant", "content": "from "},
                {"content": "gpt"},
                {
                    "tool_calls": [
                        {
                            "index": 0,
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "search", "arguments": ""},
                        }
                    ]
                },
                {"tool_calls": [{"index": 0, "function": {"arguments": '{"q": 1}'}}]},
                finish="tool_calls",
            ),
        )
    ]
    stream = world.router().stream(messages=ASK, skip_providers=["anthropic"])
    assert "".join(stream) == "from gpt"
    assert stream.completion.tool_calls[0] == {
        "type": "tool_use",
        "id": "call_1",
        "name": "search",
        "input": {"q": 1},
    }
    assert stream.completion.usage.output_tokens == 2
    assert world.requests["openai"][0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    "broken",
    [
        (529, OVERLOADED),
        (200, events(*STREAM[:3], {"type": "error", "error": OVERLOADED["error"]})),
        (200, events(*STREAM[:3])),
    ],
)
def test_a_stream_moves_on_before_its_first_text(world, broken):
    """Nobody has seen anything yet."""
    world.answers["anthropic"] = [broken]
    world.answers["openai"] = [(200, chunks({"content": "from gpt"}))]
    stream = world.router().stream(messages=ASK)
    assert "".join(stream) == "from gpt"
    assert [attempt.provider for attempt in stream.completion.attempts] == ["anthropic", "openai"]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (
            events(*STREAM[:5], {"type": "error", "error": OVERLOADED["error"]}),
            anthropic.APIStatusError,
        ),
        (events(*STREAM[:5]), StreamTruncated),
    ],
)
def test_a_stream_does_not_move_on_after_its_first_text(world, broken, error):
    """What has been shown cannot be taken back."""
    world.answers["anthropic"] = [(200, broken)]
    router = world.router(breaker=lambda name: CircuitBreaker(1, name=name, clock=world.clock))
    shown = []
    with pytest.raises(error):
        shown.extend(router.stream(messages=ASK))
    assert asked(world) == ["anthropic"]
    assert router.breakers()["anthropic"].state == "open"


def test_streams_are_async_too_and_may_be_put_away(world):
    """Without blame for the provider."""
    world.answers["anthropic"] = [(529, OVERLOADED), (200, events(*STREAM))]
    world.answers["openai"] = [(200, chunks({"content": "from gpt"}))]
    router = world.router(asynchronous=True)

    async def main():
        first = router.stream(messages=ASK)
        assert [piece async for piece in first] == ["from gpt"]
        second = aiter(router.stream(messages=ASK))
        assert await anext(second) == "from "
        await second.aclose()

    asyncio.run(main())
    assert router.breakers()["anthropic"].state == "closed"
