"""An agent of openai-agents with a tool, on Responses."""
# ruff: noqa: T201 - a script prints

from agents import Agent, Runner, function_tool, set_tracing_disabled

set_tracing_disabled(True)


@function_tool
def search_logs(query: str) -> str:
    """Search the deploy logs."""
    return f"2026-11-20 ERROR migration 0042 failed ({query})"


agent = Agent(name="oncall", instructions="Answer questions on deploys.", tools=[search_logs])
print(Runner.run_sync(agent, "Search the logs: why did the last deploy fail?").final_output)
