"""An agent of Pydantic AI with a tool, on Claude and on OpenAI."""
# ruff: noqa: T201 - a script prints

from pydantic_ai import Agent

for model in ("anthropic:claude-sonnet-4-6", "openai-chat:gpt-4o-mini"):
    agent = Agent(model)

    @agent.tool_plain
    def search_logs(query: str) -> str:
        """Search the deploy logs."""
        return f"2026-11-20 ERROR migration 0042 failed ({query})"

    print(agent.run_sync("Search the logs: why did the last deploy fail?").output)
