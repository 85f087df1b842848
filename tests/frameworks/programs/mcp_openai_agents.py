"""OpenAI Agents' MCP servers."""

import contextlib

from agents.mcp import MCPServerStdio, MCPServerStreamableHttp

APIS = ["mcp http", "mcp stdio"]


@contextlib.asynccontextmanager
async def connected(where):
    if isinstance(where, str):
        server = MCPServerStreamableHttp({"url": where})
    else:
        server = MCPServerStdio({"command": where[0], "args": where[1:]})
    async with server as client:

        async def call():
            made = await client.call_tool("search", {"query": "x"})
            failed = getattr(made, "isError", getattr(made, "is_error", None))
            return failed, [getattr(block, "text", block.type) for block in made.content]

        yield call
