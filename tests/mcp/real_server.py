"""A small real server, made with the official package: what the proxy is put in front of."""

import asyncio
import os
import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("real", instructions="Be kind.", log_level="CRITICAL")
added = []


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    added.append((a, b))
    return a + b


@server.tool()
def additions() -> int:
    """How many additions there were."""
    return len(added)


@server.tool()
async def count(to: int, context: Context) -> str:
    """Count aloud."""
    for number in range(1, to + 1):
        await context.report_progress(number, to)
        await asyncio.sleep(0)
    return "done"


@server.tool()
def fall_over() -> str:
    """End the process."""
    os._exit(3)


@server.resource("note://one")
def note() -> str:
    """A note."""
    return "remember the milk"


@server.prompt()
def greet(name: str) -> str:
    """A greeting."""
    return f"Say hello to {name}."


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run("stdio")
