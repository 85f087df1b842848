"""LangGraph: an agent of LangChain, on both vendors."""

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

APIS = {
    "anthropic": lambda: ChatAnthropic(model="claude-sonnet-4-6", max_tokens=400),
    "openai chat": lambda: ChatOpenAI(model="gpt-4o-mini", use_responses_api=False),
    "openai responses": lambda: ChatOpenAI(model="gpt-4o-mini", use_responses_api=True),
}
ASKED = {
    "messages": [{"role": "user", "content": "Search the logs: why did the last deploy fail?"}]
}


def plain(api):
    return create_agent(APIS[api](), []).invoke(ASKED)["messages"][-1].text


def streamed(api):
    for piece, _ in create_agent(APIS[api](), []).stream(ASKED, stream_mode="messages"):
        yield piece.text


def tool(api, search_logs):
    return create_agent(APIS[api](), [search_logs]).invoke(ASKED)["messages"][-1].text


def structure(api, kind):
    return create_agent(APIS[api](), [], response_format=kind).invoke(ASKED)["structured_response"]
