"""Runs in a few lines: a scenario, agents without any care, and what comes of them."""

import json

import anthropic

from chaoskit.agent import Agent
from chaoskit.run import play, run
from chaoskit.scenario import parse

MODEL = "claude-sonnet-4-6"
SEARCH = {
    "name": "search_logs",
    "description": "Search the logs.",
    "input_schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
        "additionalProperties": False,
    },
}


def scenario(text="", *, users=1, prompt="Why did the deploy fail?", promises=("no_crash",)):
    """A scenario from a few lines of TOML, after its head."""
    head = f'title = "test"\n[workload]\nusers = {users}\nprompt = "{prompt}"\n'
    tail = "".join(f'[[promises]]\ncheck = "{name}"\n' for name in promises)
    return parse(head + text + tail, "test.chaos.toml")


def ask(prompt, **settings):
    """One question through the sync SDK."""
    client = anthropic.Anthropic(**settings)
    reply = client.messages.create(
        model=MODEL, max_tokens=200, messages=[{"role": "user", "content": prompt}]
    )
    return reply.content[0].text


def search_logs(query):
    """A tool of the agent under test."""
    return {"results": [{"id": "dep-4711", "line": f"deploy 4711 failed: {query.lower()}"}]}


def with_tool(prompt):
    """A tool loop without any care."""
    client, messages = anthropic.Anthropic(), [{"role": "user", "content": prompt}]
    while True:
        reply = client.messages.create(
            model=MODEL, max_tokens=300, tools=[SEARCH], messages=messages
        )
        if reply.stop_reason != "tool_use":
            return reply.content[0].text
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": json.dumps(search_logs(**block.input)),
            }
            for block in reply.content
            if block.type == "tool_use"
        ]
        messages += [
            {"role": "assistant", "content": reply.content},
            {"role": "user", "content": results},
        ]


def outcome_of(agent, given, **settings):
    """Run an agent that is a plain function."""
    return run(given, Agent.of(agent), **settings)


def played(agent, given, **settings):
    """The journal of one run."""
    return play(given, Agent.of(agent), **settings).journal
