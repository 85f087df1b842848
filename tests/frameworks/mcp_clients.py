"""What the MCP clients of frameworks make of a broken tool server.

It is run by hand, with the Python of an environment that has one or more of fastmcp,
pydantic-ai-slim[mcp], openai-agents and langchain-mcp-adapters, and `chaoskit` on the PATH or in the
variable CHAOSKIT:

    CHAOSKIT=.venv/bin/chaoskit /path/to/env/bin/python tests/frameworks/mcp_clients.py

For each client and each fault it prints what became of one call of a tool, over HTTP; `stdio` asks
the same of a command. A client that cannot be imported is passed by, with the reason.
"""

import asyncio
import importlib
import json
import logging
import os
import shlex
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

CHAOSKIT = shlex.split(os.environ.get("CHAOSKIT", "chaoskit"))
SCENARIO = """
title = "Broken tools"
[workload]
prompt = "-"
[[tools]]
name = "search"
description = "Search."
input = { query = "string" }
result = { text = "found it" }
[[promises]]
check = "no_crash"
optional = true
"""
TOOL = {"tool": "search", "calls": 1}
FAULTS = [
    {"fault": "none"},
    {"fault": "error_result", "when": TOOL, "error": "the index is being rebuilt"},
    {"fault": "json_rpc_error", "when": TOOL, "code": -32000, "message": "gone"},
    {"fault": "rate_limited", "when": TOOL, "retry_after": "1s"},
    {"fault": "server_error", "when": TOOL, "status": 502, "html": True},
    {"fault": "unauthorised", "when": TOOL},
    {"fault": "session_expired", "when": {"calls": 1}},
    {"fault": "wrong_id", "when": TOOL},
    {"fault": "broken_event", "when": TOOL},
    {"fault": "duplicated_event", "when": TOOL},
    {"fault": "empty_content", "when": TOOL},
    {"fault": "unknown_content", "when": TOOL},
    {"fault": "log_noise", "when": TOOL},
    {"fault": "cut_stream", "when": TOOL, "after": 0, "within": True},
    {"fault": "connect_error", "when": TOOL},
    {"fault": "crash", "when": TOOL},
    {"fault": "hang", "when": TOOL},
]
PATIENCE = float(os.environ.get("PATIENCE", "3"))  # seconds


async def by_fastmcp(where, body):
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    target = where if isinstance(where, str) else StdioTransport(where[0], where[1:])
    async with Client(target) as client:

        async def call():
            result = await client.call_tool("search", {"query": "x"}, raise_on_error=False)
            return result.is_error, [getattr(block, "text", block.type) for block in result.content]

        return await body(call)


async def by_pydantic_ai(where, body):
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai.mcp import MCPToolset

    target = where if isinstance(where, str) else StdioTransport(where[0], where[1:])
    async with MCPToolset(target) as tools:

        async def call():
            return await tools.direct_call_tool("search", {"query": "x"})

        return await body(call)


async def by_openai_agents(where, body):
    from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

    if isinstance(where, str):
        server = MCPServerStreamableHttp({"url": where})
    else:
        server = MCPServerStdio({"command": where[0], "args": where[1:]})
    async with server as client:

        async def call():
            result = await client.call_tool("search", {"query": "x"})
            failed = getattr(result, "isError", getattr(result, "is_error", None))
            return failed, [getattr(block, "text", block.type) for block in result.content]

        return await body(call)


async def by_langchain(where, body):
    from langchain_mcp_adapters.client import MultiServerMCPClient

    if isinstance(where, str):
        server = {"url": where, "transport": "streamable_http"}
    else:
        server = {"command": where[0], "args": where[1:], "transport": "stdio"}
    (tool,) = await MultiServerMCPClient({"tools": server}).get_tools()

    async def call():
        return await tool.ainvoke({"query": "x"})

    return await body(call)


CLIENTS = {
    "fastmcp": by_fastmcp,
    "pydantic_ai": by_pydantic_ai,
    "agents": by_openai_agents,
    "langchain_mcp_adapters": by_langchain,
}


def in_words(error):
    """The first error of a group, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


async def two_calls(call):
    """What comes of the call that is struck, and of the next one."""
    seen = []
    for _ in range(2):
        try:
            seen.append(str(await asyncio.wait_for(call(), PATIENCE)))
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - what it raises is what is asked
            seen.append(in_words(error))
    return seen


async def tried(client, where):
    try:
        return await asyncio.wait_for(client(where, two_calls), 5 * PATIENCE)
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - likewise
        return [f"the client itself raised {in_words(error)}"]


def available(name):
    module = {"pydantic_ai": "pydantic_ai.mcp", "agents": "agents.mcp"}.get(name, name)
    module = {"langchain_mcp_adapters": "langchain_mcp_adapters.client"}.get(name, module)
    try:
        importlib.import_module(module)
    except ImportError as error:
        print(f"{name}: passed by, {error}")  # noqa: T201 - the reason is for people
        return False
    return True


def over_http(names, folder):
    scenario = folder / "broken.chaos.toml"
    scenario.write_text(SCENARIO)
    serving = subprocess.Popen(
        [*CHAOSKIT, "serve", str(scenario), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        url = next(line for line in serving.stdout if "CHAOS_MCP_URL" in line)
        url = url.split("=", 1)[1].strip().removesuffix("/mcp")
        for name in names:
            for number, fault in enumerate(FAULTS):
                base = f"{url}/~{name}-{number}"
                if fault["fault"] != "none":
                    data = json.dumps(fault).encode()
                    urllib.request.urlopen(f"{base}/_chaos/faults", data).read()
                show(name, fault, asyncio.run(tried(CLIENTS[name], f"{base}/mcp")))
    finally:
        serving.terminate()
        serving.wait()


def over_stdio(names, folder):
    for name in names:
        for number, fault in enumerate(FAULTS):
            scenario = folder / f"broken-{number}.chaos.toml"
            scenario.write_text(SCENARIO + as_toml(fault))
            words = [*CHAOSKIT, "mcp", str(scenario)]
            show(name, fault, asyncio.run(tried(CLIENTS[name], words)))


def as_toml(fault):
    if fault["fault"] == "none":
        return ""
    when = ", ".join(f"{key} = {json.dumps(value)}" for key, value in fault["when"].items())
    rest = [f"{key} = {json.dumps(value)}" for key, value in fault.items() if key != "when"]
    return "\n".join(["\n[[faults]]", *rest, f"when = {{ {when} }}", ""])


def show(name, fault, seen):
    print(f"{name:24}{fault['fault']:18}{' | '.join(one[:110] for one in seen)}", flush=True)  # noqa: T201 - the result is for people


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    usable = [name for name in CLIENTS if available(name)]
    with tempfile.TemporaryDirectory() as made:
        run = over_stdio if "stdio" in sys.argv[1:] else over_http
        run(usable, Path(made))
