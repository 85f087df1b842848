"""The SDKs have a name for everything that they are sent, over every operation that they know."""

import json

import anthropic
import openai
import pydantic
import pytest

from chaoskit.agent import Agent
from chaoskit.journal import Failed
from chaoskit.run import play
from chaoskit.scenario import parse

SCENARIO = parse(
    'title = "test"\n[workload]\nprompt = "go"\n[[promises]]\ncheck = "no_crash"\n', "t.chaos.toml"
)
HI = [{"role": "user", "content": "Why did the deploy of the shop fail?"}]
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
CLAUDE = {"model": "claude-opus-4-6", "max_tokens": 2000, "messages": HI}
CLAUDE_TOOL = {"name": "look", "description": "Looks into the deploy.", "input_schema": SCHEMA}
CHAT = {"model": "gpt-4.1", "messages": HI}
CHAT_TOOL = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
RESPOND = {"model": "gpt-5", "input": HI, "reasoning": {"summary": "auto"}}
RESPOND_TOOL = {"type": "function", "name": "look", "parameters": SCHEMA}
KNOWN = {  # sent by the vendors, and no fields of the SDK's
    ("Response", "store"),
    ("ResponseFunctionCallArgumentsDoneEvent", "name"),
}


def leftovers(value):
    """The fields that a model of the SDK has beyond its own, and the models within it."""
    if isinstance(value, pydantic.BaseModel):
        names = {name for name in value.model_extra or {} if name != "_request_id"}
        yield from ((type(value).__name__, name) for name in names if name != "obfuscation")
        for name in type(value).model_fields:
            yield from leftovers(getattr(value, name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from leftovers(inner)


def claude(client):
    """Everything that the SDK of Claude can ask of the simulation."""
    first = client.messages.create(**CLAUDE, diagnostics={"previous_message_id": None})
    yield first
    yield client.messages.create(**CLAUDE, diagnostics={"previous_message_id": first.id})
    thinking = {"thinking": {"type": "adaptive"}, "tools": [CLAUDE_TOOL]}
    yield client.messages.create(**CLAUDE, **thinking)
    yield list(client.messages.create(**CLAUDE, **thinking, stream=True))
    for messages in (client.messages, client.beta.messages):
        with messages.stream(**CLAUDE, **thinking) as events:
            yield list(events)
            yield events.get_final_message()
    yield client.beta.messages.create(
        **CLAUDE, thread={"type": "create"}, betas=["message-threads-2026-08-12"]
    )
    yield client.messages.count_tokens(model=CLAUDE["model"], messages=HI)
    yield list(client.models.list())
    requests = [{"custom_id": "a", "params": CLAUDE}, {"custom_id": "b", "params": {}}]
    batch = client.messages.batches.create(requests=requests)
    yield batch
    yield client.messages.batches.retrieve(batch.id)
    yield list(client.messages.batches.results(batch.id))
    yield list(client.messages.batches.list())
    file = client.files.upload(file=("a.txt", b"x", "text/plain"))
    yield file
    yield client.files.delete(file.id)


def gpt(client):
    """Everything that the SDK of OpenAI can ask of the simulation."""
    yield client.chat.completions.create(**CHAT)
    asked = CHAT | {"tools": [CHAT_TOOL], "logprobs": True, "top_logprobs": 2}
    yield client.chat.completions.create(**asked)
    options = {"include_usage": True}
    yield list(client.chat.completions.create(**asked, stream=True, stream_options=options))
    made = client.responses.create(**RESPOND, include=["reasoning.encrypted_content"])
    yield made
    yield list(client.responses.create(**RESPOND, tools=[RESPOND_TOOL], stream=True))
    likely = {"include": ["message.output_text.logprobs"], "stream": True}
    yield list(client.responses.create(model="gpt-4.1", input=HI, **likely))
    yield client.responses.retrieve(made.id)
    yield list(client.responses.input_items.list(made.id))
    yield client.responses.input_tokens.count(model="gpt-4.1", input="x")
    yield client.responses.compact(model="gpt-4.1", input=HI)
    later = client.responses.create(model="gpt-5.6-luna", input="y", background=True)
    yield [later, client.responses.cancel(later.id)]
    held = client.conversations.create(items=[{"type": "message", "role": "user", "content": "x"}])
    yield held
    yield client.responses.create(model="gpt-4.1", input="y", conversation=held.id)
    yield list(client.conversations.items.list(held.id))
    yield client.embeddings.create(model="text-embedding-3-small", input="x")
    yield list(client.models.list())
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
    file = client.files.create(file=("a.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    yield [file, batch, client.batches.retrieve(batch.id), client.files.delete(file.id)]


@pytest.mark.wire("sdk.no_leftovers")
@pytest.mark.parametrize(
    ("maker", "use"), [(anthropic.Anthropic, claude), (openai.OpenAI, gpt)], ids=["claude", "gpt"]
)
def test_nothing_is_sent_that_the_sdk_does_not_know(maker, use):
    """But for what the vendors send beyond their own SDKs."""
    seen = []

    def agent(prompt):
        seen.extend(use(maker(max_retries=0)))
        return "done"

    journal = play(SCENARIO, Agent.of(agent)).journal
    (failed, *_) = [*(event for event in journal if isinstance(event, Failed)), None]
    assert failed is None, failed
    assert len(seen) > 10
    assert {found for made in seen for found in leftovers(made)} - KNOWN == set()
