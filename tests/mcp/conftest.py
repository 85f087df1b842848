"""Worlds with tools in them, and what the official MCP client says of what it meets there."""

import asyncio
import contextlib

import pytest
from mcp import Client, MCPError

from chaoskit.agent import Agent
from chaoskit.run import play
from chaoskit.scenario import parse

URL = "https://tools.test/mcp"
WORLD = """
title = "A tool server"
[workload]
prompt = "-"
[[tools]]
name = "search"
description = "Search."
input = { query = "string" }
result = { text = "found it" }
[[tools]]
name = "count"
input = { of = "string" }
output = { number = "integer" }
result = { number = 3 }
[[promises]]
check = "no_crash"
"""


def said(result):
    """A result as the words of a test: its texts, and whether it is an error."""
    texts = [block.text for block in result.content]
    return ("error" if result.is_error else "ok", *texts)


@contextlib.contextmanager
def told():
    """Turn what the client raises into words of a test."""
    words = []
    try:
        yield words
    except MCPError as error:
        words.append(("raised", error.code, str(error)))


@pytest.fixture
def world():
    """Let an async function live in a world with tools; return its answer and the journal."""

    def live(body, *faults, mode="auto", more="", **client):
        answers = []
        text = WORLD + more + "".join(faults)

        async def agent(prompt):
            async with Client(URL, mode=mode, **client) as asking:
                answers.append(await body(asking))
            return "done"

        journal = play(parse(text, "world.chaos.toml"), Agent.of(agent), seed=1).journal
        return (answers[0] if answers else None), journal

    return live


@pytest.fixture
def ask():
    """Call a tool once and put what comes of it into words."""

    async def call(client, tool="search", **arguments):
        try:
            return said(await client.call_tool(tool, arguments or {"query": "x"}))
        except MCPError as error:
            return ("raised", error.code, str(error))

    return call


@pytest.fixture
def run():
    """Run a coroutine on the machine's own time."""
    return asyncio.run
