"""LangChain's adapters for MCP, which connect anew for each call."""

import contextlib

from langchain_mcp_adapters.client import MultiServerMCPClient

APIS = ["mcp http", "mcp stdio"]


@contextlib.asynccontextmanager
async def connected(where):
    if isinstance(where, str):
        server = {"url": where, "transport": "streamable_http"}
    else:
        server = {"command": where[0], "args": where[1:], "transport": "stdio"}
    (tool,) = await MultiServerMCPClient({"tools": server}).get_tools()

    async def call():
        return [block.get("text", block["type"]) for block in await tool.ainvoke({"query": "x"})]

    yield call
