"""OpenAI Agents: its runner, on both APIs of OpenAI."""

import openai
from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)

set_tracing_disabled(True)
APIS = {"openai chat": OpenAIChatCompletionsModel, "openai responses": OpenAIResponsesModel}
ASKED = "Search the logs: why did the last deploy fail?"


def agent(api, **more):
    model = APIS[api]("gpt-4o-mini", openai.AsyncOpenAI())
    return Agent(name="oncall", instructions="Answer questions on deploys.", model=model, **more)


async def plain(api):
    return (await Runner.run(agent(api), ASKED)).final_output


async def streamed(api):
    async for event in Runner.run_streamed(agent(api), ASKED).stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            yield event.data.delta


async def tool(api, search_logs):
    return (await Runner.run(agent(api, tools=[function_tool(search_logs)]), ASKED)).final_output


async def structure(api, kind):
    return (await Runner.run(agent(api, output_type=kind), ASKED)).final_output
