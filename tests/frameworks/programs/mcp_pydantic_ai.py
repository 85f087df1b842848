"""Pydantic AI's tools over MCP."""

import contextlib

from fastmcp.client.transports import StdioTransport
from pydantic_ai.mcp import MCPToolset

APIS = ["mcp http", "mcp stdio"]


@contextlib.asynccontextmanager
async def connected(where):
    target = where if isinstance(where, str) else StdioTransport(where[0], where[1:])
    async with MCPToolset(target) as tools:

        async def call():
            return await tools.direct_call_tool("search", {"query": "x"})

        yield call
