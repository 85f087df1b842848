"""An agent of openai-agents with a tool, on the WebSocket mode of Responses."""
# ruff: noqa: T201 - a script prints

import asyncio

from agents import (
    Agent,
    ModelRetrySettings,
    ModelSettings,
    function_tool,
    responses_websocket_session,
    set_tracing_disabled,
)
from agents.retry import RetryDecision

set_tracing_disabled(True)


@function_tool
def search_logs(query: str) -> str:
    """Search the deploy logs."""
    return f"2026-11-20 ERROR migration 0042 failed ({query})"


def as_asked(context):
    """Wait as the error event asks, which the framework does not read by itself."""
    payload = getattr(context.error, "payload", {})
    headers = payload.get("error", {}).get("headers", {})
    again = payload.get("status") == 429
    return RetryDecision(retry=again, delay=float(headers.get("retry-after", 0)))


agent = Agent(
    name="oncall",
    instructions="Answer questions on deploys.",
    tools=[search_logs],
    model_settings=ModelSettings(retry=ModelRetrySettings(max_retries=2, policy=as_asked)),
)


async def main():
    """Ask twice on one connection; the second question continues the first answer."""
    async with responses_websocket_session() as session:
        first = await session.run(agent, "Search the logs: why did the last deploy fail?")
        print(first.final_output)
        second = await session.run(
            agent, "And what is next?", previous_response_id=first.last_response_id
        )
        print(second.final_output)


asyncio.run(main())
