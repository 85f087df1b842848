"""The tokens of a prompt, part by part."""

import json
from dataclasses import replace

import pytest

from chaoskit.exchange import (
    Call,
    Image,
    Message,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from chaoskit.provider.catalogue import Catalogue
from chaoskit.provider.prompt import builtin_tools, count, part_tokens, unmarked
from chaoskit.provider.tokens import TokenCounter

COUNTER = TokenCounter()
CATALOGUE = Catalogue()
SONNET = CATALOGUE.model("claude-sonnet-4-6", "anthropic")
OPUS = CATALOGUE.model("claude-opus-5", "anthropic")
GPT = CATALOGUE.model("gpt-5.4", "openai")
CALL = Call(dialect="anthropic", provider="anthropic", model="claude-sonnet-4-6")


def user(*parts):
    return Message(role="user", content=tuple(parts))


def tool(name, cache=None, **more):
    whole = {"name": name, "input_schema": {"type": "object"}, **more}
    raw = json.dumps(whole, separators=(",", ":"))
    return ToolSpec(name=name, description="", schema={}, raw=raw, cache=cache)


def test_documented_sample_of_the_vendor():
    """System "You are a scientist" and "Hello, Claude" are 14 tokens."""
    call = replace(
        CALL, system=(Text("You are a scientist"),), messages=(user(Text("Hello, Claude")),)
    )
    assert count(call, SONNET, COUNTER).total == pytest.approx(14, abs=1)


def test_documented_sample_with_a_tool():
    """The weather tool and its question are 403 tokens, most of them hidden instructions."""
    weather = ToolSpec(
        name="get_weather",
        description="Get the current weather in a given location",
        schema={},
        raw=json.dumps(
            {
                "name": "get_weather",
                "description": "Get the current weather in a given location",
                "input_schema": {
                    "type": "object",
                    "properties": {
                        "location": {
                            "type": "string",
                            "description": "The city and state, e.g. San Francisco, CA",
                        }
                    },
                    "required": ["location"],
                },
            },
            separators=(",", ":"),
        ),
    )
    question = user(Text("What's the weather like in San Francisco?"))
    call = replace(CALL, tools=(weather,), messages=(question,))
    assert count(call, SONNET, COUNTER).total == pytest.approx(403, rel=0.02)


def test_plain_chat_follows_the_recipe():
    """Three a message, its role, its content, and three once."""
    messages = (
        Message(role="system", content=(Text("Be brief."),)),
        user(Text("Hello")),
    )
    call = Call(dialect="openai_chat", provider="openai", model="gpt-5.4", messages=messages)
    assert count(call, GPT, COUNTER).total == (3 + 1 + 3) + (3 + 1 + 1) + 3


def test_parts_add_up_to_the_total():
    """Tools, system, messages and overhead are everything; blocks are all but the overhead."""
    call = replace(
        CALL,
        tools=(tool("a"), tool("b")),
        system=(Text("One."), Text("Two.")),
        messages=(
            user(Text("Look"), Image(source="x", width=100, height=100)),
            Message(role="assistant", content=()),
            user(ToolResult(call_id="1", content=(Text("found"),))),
        ),
    )
    counted = count(call, SONNET, COUNTER)
    assert len(counted.messages) == 3
    assert counted.total == (
        counted.tools + counted.system + sum(counted.messages) + counted.overhead
    )
    assert [7, SONNET.overhead.message] == [len(counted.blocks), counted.messages[1]]
    assert sum(counted.blocks) == counted.total - counted.overhead - counted.messages[1]
    assert counted.images == 14


def test_newer_models_count_more():
    """Their tokenizer yields about 30% more tokens for the same text."""
    text = Text(
        "All happy families are alike; each unhappy family is unhappy in its own way. " * 20
    )
    assert part_tokens(text, OPUS, COUNTER) == pytest.approx(
        1.3 * part_tokens(text, SONNET, COUNTER), abs=1
    )


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("claude-sonnet-4-6", 200, 200, 54),
        ("claude-sonnet-4-6", 1000, 1000, 1334),
        ("claude-sonnet-4-6", 8000, 8000, 1600),
        ("claude-opus-5", 2576, 1000, 3435),
        ("claude-opus-5", 8000, 8000, 4784),
        ("gpt-4o", 1024, 1024, 765),
        ("gpt-4o", 2048, 4096, 1105),
        ("gpt-4o", 0, 0, 765),
        ("gpt-5", 100, 100, 210),
        ("gpt-5-mini", 1024, 1024, 1659),
        ("gpt-5-mini", 1800, 2400, 2353),
    ],
)
def test_picture_counts_by_its_size(model, width, height, tokens):
    """The vendors' documented examples, and their upper bounds."""
    found = CATALOGUE.model(model, "anthropic") or CATALOGUE.model(model, "openai")
    picture = Image(source="x", width=width, height=height)
    assert tokens == part_tokens(picture, found, COUNTER)


def test_every_kind_of_part_counts():
    """Tool calls, results, reasoning and unknown blocks have their tokens."""
    over = SONNET.overhead
    search = ToolCall(id="1", name="search", arguments='{"q":"a"}')
    assert part_tokens(search, SONNET, COUNTER) == over.call + 1 + COUNTER.text('{"q":"a"}')
    assert part_tokens(Thinking(text="Hello"), SONNET, COUNTER) == 1
    assert part_tokens(ToolResult(call_id="1", content=()), SONNET, COUNTER) == over.result
    raw = '{"type":"search_result","title":"x"}'
    opaque = Opaque(kind="search_result", raw=raw)
    assert part_tokens(opaque, SONNET, COUNTER) == COUNTER.text(raw)


def test_attached_bytes_are_not_counted_as_text():
    """A PDF is pages; its base64 as text would be twenty times as much."""
    raw = json.dumps({"type": "document", "source": {"type": "base64", "data": "QUJD" * 25_000}})
    tokens = part_tokens(Opaque(kind="document", raw=raw), SONNET, COUNTER)
    assert 3_000 < tokens < 4_000


def test_cache_breakpoint_is_not_part_of_the_prompt():
    """Moving it changes no count."""
    mark = {"cache_control": {"type": "ephemeral"}}
    plain = replace(CALL, tools=(tool("a"),), messages=(user(Text("Hi")),))
    marked = replace(
        CALL, tools=(tool("a", cache="5m", **mark),), messages=(user(Text("Hi", cache="5m")),)
    )
    assert count(plain, SONNET, COUNTER) == count(marked, SONNET, COUNTER)
    raw = '{"type":"x","cache_control":{"type":"ephemeral"}}'
    assert unmarked(raw) == '{"type":"x"}'
    assert part_tokens(Opaque(kind="x", raw=raw, cache="5m"), SONNET, COUNTER) == COUNTER.text(
        '{"type":"x"}'
    )


def test_tools_of_the_vendor_count_as_well():
    """Dialects keep them aside; they are in the prompt all the same."""
    web = {"type": "web_search_20250305", "name": "web_search", "cache_control": {}}
    call = replace(CALL, options={"builtin_tools": (web,)}, messages=(user(Text("Hi")),))
    assert builtin_tools(call) == ('{"type": "web_search_20250305", "name": "web_search"}',)
    counted = count(call, SONNET, COUNTER)
    assert counted.tools > SONNET.overhead.tools
    assert builtin_tools(replace(call, options={"builtin_tools": 3})) == ()
