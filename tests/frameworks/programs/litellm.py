"""LiteLLM: sync on httpx, async on aiohttp."""

import json

from litellm import Router

APIS = {
    "anthropic": "anthropic/claude-sonnet-4-6",
    "anthropic async": "anthropic/claude-sonnet-4-6",
    "openai chat": "openai/gpt-4o-mini",
    "openai chat async": "openai/gpt-4o-mini",
    "openai responses": "openai/responses/gpt-4o-mini",
}
ASKED = {"role": "user", "content": "Why did the last deploy fail?"}
TOOL = {
    "type": "function",
    "function": {
        "name": "search_logs",
        "description": "Search the deploy logs.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}},
            "required": ["query"],
        },
    },
}


async def made(api, **asked):
    """One answer, by the router, which asks again and waits as long as it is told to."""
    options = {"model": APIS[api], "max_tokens": 300}
    model = {"model_name": "theirs", "litellm_params": options}
    router = Router(model_list=[model], num_retries=2)
    if api.endswith("async"):
        return await router.acompletion("theirs", **asked)
    return router.completion("theirs", **asked)


async def plain(api):
    return (await made(api, messages=[ASKED])).choices[0].message.content


async def streamed(api):
    stream = await made(api, messages=[ASKED], stream=True)
    if api.endswith("async"):
        return [chunk.choices[0].delta.content or "" async for chunk in stream]
    return [chunk.choices[0].delta.content or "" for chunk in stream]


async def tool(api, search_logs):
    messages = [ASKED]
    while True:
        said = (await made(api, messages=messages, tools=[TOOL])).choices[0].message
        if not said.tool_calls:
            return said.content
        messages.append(said.model_dump())
        for call in said.tool_calls:
            text = search_logs(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})


async def structure(api, kind):
    text = (await made(api, messages=[ASKED], response_format=kind)).choices[0].message.content
    return kind.model_validate_json(text)
