"""An agent of LangGraph with a tool, on Claude."""
# ruff: noqa: T201 - a script prints

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic


def search_logs(query: str) -> str:
    """Search the deploy logs."""
    return f"2026-11-20 ERROR migration 0042 failed ({query})"


agent = create_agent(ChatAnthropic(model="claude-sonnet-4-6", max_tokens=400), [search_logs])
asked = {"role": "user", "content": "Search the logs: why did the last deploy fail?"}
print(agent.invoke({"messages": [asked]})["messages"][-1].text)
