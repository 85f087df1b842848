"""CrewAI: a crew of one, on both vendors, by the SDKs and without LiteLLM."""

from crewai import LLM, Agent, Crew, Task
from crewai.events import LLMStreamChunkEvent, crewai_event_bus
from crewai.tools import tool as described

APIS = {
    "anthropic": {"model": "anthropic/claude-sonnet-4-6"},
    "openai chat": {"model": "openai/gpt-4o-mini"},
    "openai responses": {"model": "openai/gpt-4o-mini", "api": "responses"},
}
ASKED = "Search the logs: why did the last deploy fail?"


def model(api, **more):
    return LLM(max_tokens=300, **APIS[api], **more)


def crew(api, tools=(), **more):
    agent = Agent(
        role="oncall",
        goal="answer questions on deploys",
        backstory="an engineer",
        llm=model(api),
        tools=list(tools),
        max_retry_limit=0,  # it takes the model for its own matter, and asks again after a 401
    )
    return Crew(
        agents=[agent],
        tasks=[Task(description=ASKED, expected_output="a sentence", agent=agent, **more)],
    )


def plain(api):
    return crew(api).kickoff().raw


def streamed(api):
    pieces = []
    with crewai_event_bus.scoped_handlers():

        @crewai_event_bus.on(LLMStreamChunkEvent)
        def heard(source, event):
            pieces.append(event.chunk)

        model(api, stream=True).call(ASKED)
        crewai_event_bus.flush()
    return pieces


def tool(api, search_logs):
    return crew(api, [described("search_logs")(search_logs)]).kickoff().raw


def structure(api, kind):
    return crew(api, output_pydantic=kind).kickoff().pydantic
