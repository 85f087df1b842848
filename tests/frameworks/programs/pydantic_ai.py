"""Pydantic AI: its agents, on both vendors."""

from pydantic_ai import Agent

APIS = {
    "anthropic": "anthropic:claude-sonnet-4-6",
    "openai chat": "openai-chat:gpt-4o-mini",
    "openai responses": "openai-responses:gpt-4o-mini",
}
ASKED = "Search the logs: why did the last deploy fail?"


async def plain(api):
    return (await Agent(APIS[api]).run(ASKED)).output


async def streamed(api):
    async with Agent(APIS[api]).run_stream(ASKED) as answer:
        async for piece in answer.stream_text(delta=True, debounce_by=None):
            yield piece


async def tool(api, search_logs):
    return (await Agent(APIS[api], tools=[search_logs]).run(ASKED)).output


async def structure(api, kind):
    return (await Agent(APIS[api], output_type=kind).run(ASKED)).output


async def repaired(api, kind):
    return (await Agent(APIS[api], output_type=kind, retries=2).run(ASKED)).output
