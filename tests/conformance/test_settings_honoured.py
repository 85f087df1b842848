"""What every dialect has to honour, asked through the SDKs, in one piece and streamed."""

import json

import anthropic
import openai
import pytest

from chaoskit.agent import Agent
from chaoskit.journal import Failed
from chaoskit.run import play
from chaoskit.scenario import parse

SCENARIO = """
title = "test"
[workload]
prompt = "go"
[[promises]]
check = "no_crash"
[behaviour]
use = "helpful"
parallel = 2
answer_tokens = 60
"""
HI = [{"role": "user", "content": "Why did the deploy of the shop fail?"}]
SCHEMA = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
    "additionalProperties": False,
}
NAMES = ("deploy_logs", "shop_orders")


class Claude:
    """The Messages API in neutral words."""

    maker = anthropic.Anthropic

    def ask(self, client, *, stream, limit=300, stop=None, choice=None, parallel=True, shape=False):
        given = {"model": "claude-opus-4-6", "max_tokens": limit, "messages": HI}
        if stop:
            given["stop_sequences"] = [stop]
        if choice:
            given["tools"] = [{"name": n, "description": n, "input_schema": SCHEMA} for n in NAMES]
            kind = {"type": choice} if choice in ("auto", "any", "none") else None
            kind = kind or {"type": "tool", "name": choice}
            if not parallel:
                kind["disable_parallel_tool_use"] = True
            given["tool_choice"] = kind
        if shape:
            given["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if stream:
            with client.messages.stream(**given) as events:
                made = events.get_final_message()
        else:
            made = client.messages.create(**given)
        text = "".join(block.text for block in made.content if block.type == "text")
        calls = [(b.name, b.input) for b in made.content if b.type == "tool_use"]
        return text, calls, made.stop_reason, made.usage.model_dump(exclude_none=True)


class Chat:
    """Chat Completions in neutral words."""

    maker = openai.OpenAI

    def ask(self, client, *, stream, limit=300, stop=None, choice=None, parallel=True, shape=False):
        given = {"model": "gpt-4.1", "max_completion_tokens": limit, "messages": HI}
        if stop:
            given["stop"] = stop
        if choice:
            given["tools"] = [
                {"type": "function", "function": {"name": n, "parameters": SCHEMA}} for n in NAMES
            ]
            words = {"auto": "auto", "any": "required", "none": "none"}
            named = {"type": "function", "function": {"name": choice}}
            given |= {"tool_choice": words.get(choice, named), "parallel_tool_calls": parallel}
        if shape:
            inner = {"name": "a", "schema": SCHEMA, "strict": True}
            given["response_format"] = {"type": "json_schema", "json_schema": inner}
        if stream:
            options = {"include_usage": True}
            with client.chat.completions.stream(**given, stream_options=options) as events:
                try:
                    made = events.until_done().get_final_completion()
                except openai.LengthFinishReasonError as error:  # the helper's way to say so
                    made = error.completion
        else:
            made = client.chat.completions.create(**given)
        (one,) = made.choices
        calls = [
            (call.function.name, json.loads(call.function.arguments))
            for call in one.message.tool_calls or ()
        ]
        return one.message.content or "", calls, one.finish_reason, made.usage.model_dump()


class Responses:
    """Responses in neutral words; they have no stop sequences."""

    maker = openai.OpenAI

    def ask(self, client, *, stream, limit=300, stop=None, choice=None, parallel=True, shape=False):
        given = {"model": "gpt-4.1", "max_output_tokens": limit, "input": HI}
        if choice:
            given["tools"] = [
                {"type": "function", "name": n, "parameters": SCHEMA, "strict": True} for n in NAMES
            ]
            words = {"auto": "auto", "any": "required", "none": "none"}
            named = {"type": "function", "name": choice}
            given |= {"tool_choice": words.get(choice, named), "parallel_tool_calls": parallel}
        if shape:
            form = {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}
            given["text"] = {"format": form}
        if stream:
            made = list(client.responses.create(**given, stream=True))[-1].response
        else:
            made = client.responses.create(**given)
        calls = [
            (i.name, json.loads(i.arguments)) for i in made.output if i.type == "function_call"
        ]
        reason = made.incomplete_details.reason if made.incomplete_details else made.status
        return made.output_text, calls, reason, made.usage.model_dump()


DIALECTS = [Claude(), Chat(), Responses()]
EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: type(dialect).__name__)


def asked(dialect, **given):
    """What an answer says, in one piece; a stream says the same and counts the same."""
    seen = []

    def agent(prompt):
        client = dialect.maker(max_retries=0)
        seen.extend(dialect.ask(client, stream=stream, **given) for stream in (False, True))
        return "done"

    journal = play(parse(SCENARIO, "t.chaos.toml"), Agent.of(agent)).journal
    (failed, *_) = [*(event for event in journal if isinstance(event, Failed)), None]
    assert failed is None, failed
    plain, streamed = seen
    assert streamed == plain
    return plain


def output_of(usage):
    return usage.get("completion_tokens") or usage.get("output_tokens")


@pytest.mark.wire("engine.honoured.limit")
@EACH
def test_limit_on_the_output(dialect):
    """To the token, and the reason says so."""
    text, _, reason, usage = asked(dialect, limit=16)
    whole, _, ended, _ = asked(dialect)
    assert whole.startswith(text)
    assert len(text) < len(whole)
    assert output_of(usage) == 16
    assert (reason, ended) in {
        ("max_tokens", "end_turn"),
        ("length", "stop"),
        ("max_output_tokens", "completed"),
    }


@pytest.mark.wire("engine.honoured.stop")
@pytest.mark.parametrize("dialect", DIALECTS[:2], ids=["Claude", "Chat"])
def test_stop_sequence(dialect):
    """The text ends before it."""
    whole, *_ = asked(dialect)
    text, _, reason, _ = asked(dialect, stop="shop")
    assert text == whole[: whole.index("shop")]
    assert reason == ("stop_sequence" if dialect is DIALECTS[0] else "stop")


@pytest.mark.wire("engine.honoured.tools")
@EACH
def test_choice_of_tools(dialect):
    """None, any, this one; one at a time or several."""

    def called(**given):
        return [name for name, _ in asked(dialect, **given)[1]]

    assert called(choice="none") == []
    assert called(choice="auto") == list(NAMES)
    assert called(choice="auto", parallel=False) == ["deploy_logs"]
    assert called(choice="any", parallel=False) == ["deploy_logs"]
    assert called(choice="shop_orders") == ["shop_orders"]


@pytest.mark.wire("engine.honoured.shape")
@EACH
def test_shape_of_the_answer(dialect):
    """JSON of the schema, whole and nothing else."""
    text, *_ = asked(dialect, shape=True)
    assert set(json.loads(text)) == {"query"}
