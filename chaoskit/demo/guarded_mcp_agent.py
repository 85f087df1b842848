"""The same agent with the guards, whose list of tools is read again when it has grown old."""

from __future__ import annotations

from typing import Any

from mcp import Client

from chaoskit.demo.naive_mcp_agent import URL
from chaoskit_guards import AgentLoop, FallbackRouter, MaxIters, ProviderConfig, RetryConfig

__all__ = ["guarded_mcp", "startup"]


class McpTools:
    """The tools of an MCP server, for an `AgentLoop`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._specs: list[dict[str, Any]] = []

    def schemas(self) -> list[dict[str, Any]]:
        """Return the tools as they were listed last."""
        return self._specs

    async def refresh(self) -> None:
        """Ask the server which tools there are."""
        async with Client(self._url) as server:
            listed = await server.list_tools()
        self._specs = [
            {"name": it.name, "description": it.description or "", "input_schema": it.input_schema}
            for it in listed.tools
        ]

    async def dispatch(self, name: str, arguments: Any) -> str:
        """Run a tool; after a failure the list is read again, since it may be the reason."""
        async with Client(self._url) as server:
            result = await server.call_tool(name, arguments)
        text = "\n".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            await self.refresh()
            raise RuntimeError(text)
        return text


tools = McpTools(URL)
claude = ProviderConfig(name="anthropic", model="claude-sonnet-4-6", priority=1, timeout=20)
gpt = ProviderConfig(name="openai", model="gpt-5.4", priority=2, timeout=20)
agent = AgentLoop(
    FallbackRouter([claude, gpt], deadline=120),
    tools,
    retry=RetryConfig(max_attempts=6, deadline=240),
    conditions=[MaxIters(12)],
)


async def startup() -> None:
    """Ask which tools there are, before traffic."""
    await tools.refresh()


async def guarded_mcp(prompt: str) -> str:
    """Answer a prompt."""
    return (await agent.arun([{"role": "user", "content": prompt}])).text
