"""An agent whose tools are on an MCP server, as everyone connects to one first."""

from __future__ import annotations

from functools import cache
from typing import Any

import anthropic
from mcp import Client

__all__ = ["URL", "naive_mcp", "startup"]

MODEL = "claude-sonnet-4-6"
URL = "http://tools.internal/mcp"

tools: list[Any] = []


@cache
def _client() -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic()


async def startup() -> None:
    """Ask once which tools there are."""
    async with Client(URL) as server:
        tools[:] = [
            {"name": it.name, "description": it.description or "", "input_schema": it.input_schema}
            for it in (await server.list_tools()).tools
        ]


async def naive_mcp(prompt: str) -> str:
    """Answer a prompt."""
    messages: list[Any] = [{"role": "user", "content": prompt}]
    async with Client(URL) as server:
        while True:
            reply = await _client().messages.create(
                model=MODEL, max_tokens=1024, tools=tools, messages=messages
            )
            if reply.stop_reason != "tool_use":
                return str(reply.content[0].text)  # type: ignore[union-attr]  # what everyone writes
            results = []
            for block in reply.content:
                if block.type == "tool_use":
                    result = await server.call_tool(block.name, block.input)
                    text = "\n".join(part.text for part in result.content if part.type == "text")
                    results.append(
                        {"type": "tool_result", "tool_use_id": block.id, "content": text}
                    )
            messages.append({"role": "assistant", "content": reply.content})
            messages.append({"role": "user", "content": results})
