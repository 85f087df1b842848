"""OpenAI Agents: its runner, on both APIs of OpenAI, and over WebSockets."""

import openai
from agents import (
    Agent,
    ModelRetrySettings,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    OpenAIResponsesWSModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.retry import RetryDecision

set_tracing_disabled(True)
APIS = {
    "openai chat": OpenAIChatCompletionsModel,
    "openai responses": OpenAIResponsesModel,
    "openai websocket": OpenAIResponsesWSModel,
}
ASKED = "Search the logs: why did the last deploy fail?"


def as_asked(context):
    """Wait as an error event asks, which the framework does not read by itself."""
    payload = getattr(context.error, "payload", {})
    headers = payload.get("error", {}).get("headers", {})
    again = payload.get("status") == 429
    return RetryDecision(retry=again, delay=float(headers.get("retry-after", 0)))


def agent(api, **more):
    model = APIS[api]("gpt-4o-mini", openai.AsyncOpenAI())
    if api == "openai websocket":
        retry = ModelRetrySettings(max_retries=2, policy=as_asked)
        more["model_settings"] = ModelSettings(retry=retry)
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
