"""LlamaIndex: its models and its agent, on both vendors."""

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.openai import OpenAI, OpenAIResponses

APIS = {
    "anthropic": lambda: Anthropic(model="claude-sonnet-4-5", max_tokens=300),
    "openai chat": lambda: OpenAI(model="gpt-4o-mini"),
    "openai responses": lambda: OpenAIResponses(model="gpt-4o-mini"),
}
ASKED = "Search the logs: why did the last deploy fail?"
MESSAGES = [ChatMessage(role="user", content=ASKED)]


async def plain(api):
    return (await APIS[api]().achat(MESSAGES)).message.content


async def streamed(api):
    async for piece in await APIS[api]().astream_chat(MESSAGES):
        yield piece.delta or ""


async def tool(api, search_logs):
    return str(await FunctionAgent(tools=[search_logs], llm=APIS[api]()).run(ASKED))


async def structure(api, kind):
    return (await APIS[api]().as_structured_llm(kind).achat(MESSAGES)).raw
