"""Tools that the vendors run themselves, through the SDKs and a whole world behind them."""

import anthropic
import openai
import pytest

from chaoskit.serving import serving
from lived_clients import answered, leftovers

PAGE = '{ title = "Log", url = "https://example.com/log", text = "The deploy failed." }'
SCRIPT = f"""
[behaviour]
use = "scripted"
[[behaviour.turns]]
text = "It failed, says the log."
cites = {PAGE}
stop = "end"
hosted = [
    {{ tool = "web_search", query = "{{prompt}}", found = [{PAGE}] }},
    {{ tool = "web_search", query = "more", error = "max_uses_exceeded" }},
    {{ tool = "web_fetch", query = "https://example.com/log", found = [{PAGE}] }},
    {{ tool = "code_execution", query = "print(6 * 7)", output = "42" }},
    {{ tool = "mcp", server = "shop", name = "find", query = '{{"a": 1}}', output = "none" }},
    {{ tool = "mcp", server = "shop", name = "find", query = "{{}}", error = "boom" }},
    {{ tool = "file_search", query = "x", found = [{{ title = "a.txt", url = "file-1" }}] }},
    {{ tool = "image_generation", query = "a shop" }},
]
"""
HI = [{"role": "user", "content": "Why did the deploy of the shop fail?"}]
CLAUDE = {"model": "claude-opus-4-6", "max_tokens": 1000, "messages": HI}
GPT = {"model": "gpt-4.1", "input": HI}
ALL = [
    "web_search_call.action.sources",
    "file_search_call.results",
    "code_interpreter_call.outputs",
]


def streamed(client, **more):
    with client.beta.messages.stream(**CLAUDE, **more) as events:
        found = [event for event in events if list(leftovers(event))]
        assert not found
        return events.get_final_message()


@pytest.mark.wire("anthropic.hosted.blocks")
@pytest.mark.parametrize("stream", [False, True])
def test_server_tools_of_claude(stream):
    """Each use is a block and each result another; the SDK knows them all, and may send them back."""

    def use(client):
        made = streamed(client) if stream else client.beta.messages.create(**CLAUDE)
        client.beta.messages.create(**CLAUDE | {"messages": [*HI, made.to_param(), *HI]})
        return made

    made, _ = answered(anthropic.Anthropic, use, SCRIPT)
    assert not list(leftovers(made))
    assert [block.type for block in made.content] == [
        *("server_tool_use", "web_search_tool_result") * 2,
        *("server_tool_use", "web_fetch_tool_result"),
        *("server_tool_use", "bash_code_execution_tool_result"),
        *("mcp_tool_use", "mcp_tool_result") * 2,
        "text",
    ]
    uses, results = made.content[:-1:2], made.content[1:-1:2]
    assert [use.id for use in uses] == [result.tool_use_id for result in results]
    assert [use.id.partition("_")[0] for use in uses] == [*["srvtoolu"] * 4, *["mcptoolu"] * 2]
    assert uses[0].input == {"query": HI[0]["content"]}
    assert uses[3].input == {"command": "print(6 * 7)"}
    (page,) = results[0].content
    assert (page.title, page.url) == ("Log", "https://example.com/log")
    assert results[1].content.error_code == "max_uses_exceeded"
    assert results[2].content.content.source.data == "The deploy failed."
    assert results[3].content.stdout == "42"
    assert [result.is_error for result in results[4:]] == [False, True]
    (cited,) = made.content[-1].citations
    assert (cited.url, cited.cited_text) == ("https://example.com/log", "The deploy failed.")


@pytest.mark.wire("anthropic.hosted.usage")
@pytest.mark.parametrize("stream", [False, True])
def test_use_of_server_tools_is_counted(stream):
    """Searches and fetches in the usage; code runs in a container that the answer names."""

    def use(client):
        return streamed(client) if stream else client.beta.messages.create(**CLAUDE)

    made, (told,) = answered(anthropic.Anthropic, use, SCRIPT)
    used = made.usage.server_tool_use
    assert (used.web_search_requests, used.web_fetch_requests) == (2, 1)
    assert made.container.id.startswith("container_01")
    tokens = made.usage
    assert told.cost_usd == pytest.approx(
        0.01 + 5e-6 * tokens.input_tokens + 25e-6 * tokens.output_tokens
    )
    plain, _ = answered(anthropic.Anthropic, lambda client: client.messages.create(**CLAUDE))
    assert plain.container is None
    assert plain.usage.server_tool_use is None


@pytest.mark.wire("anthropic.hosted.pause")
@pytest.mark.parametrize("stream", [False, True])
def test_long_turn_pauses_and_goes_on(stream):
    """Whoever sends the answer back as it is gets the rest of the turn."""
    script = f"""
    [behaviour]
    use = "scripted"
    turns = [
        {{ hosted = {{ tool = "web_search", query = "x", found = [{PAGE}] }}, stop = "pause" }},
        {{ text = "It failed." }},
    ]
    """

    def use(client):
        first = streamed(client) if stream else client.beta.messages.create(**CLAUDE)
        rest = client.beta.messages.create(**CLAUDE | {"messages": [*HI, first.to_param()]})
        return first, rest

    (first, rest), _ = answered(anthropic.Anthropic, use, script)
    assert (first.stop_reason, rest.stop_reason) == ("pause_turn", "end_turn")
    assert rest.content[0].text == "It failed."


@pytest.mark.wire("anthropic.hosted.searches")
def test_model_searches_where_it_is_offered_a_search():
    """And cites what it found; not where it has been told not to use tools."""
    tool = {"type": "web_search_20250305", "name": "web_search"}

    def use(client):
        made = client.messages.create(**CLAUDE, tools=[tool])
        none = client.messages.create(**CLAUDE, tools=[tool], tool_choice={"type": "none"})
        return made, none

    (made, none), _ = answered(anthropic.Anthropic, use)
    assert [block.type for block in made.content] == [
        "server_tool_use",
        "web_search_tool_result",
        "text",
    ]
    assert made.content[2].citations[0].url == made.content[1].content[0].url
    assert [block.type for block in none.content] == ["text"]


def events_of(client, **more):
    events = list(client.responses.create(**GPT, **more, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    found = [(event.type, list(leftovers(event))) for event in events if list(leftovers(event))]
    assert not found
    return events


@pytest.mark.wire("openai_responses.hosted.items")
@pytest.mark.parametrize("stream", [False, True])
def test_hosted_tools_of_responses(stream):
    """Each use is one item; what it brought is told where the request asks for it."""

    def use(client):
        if stream:
            made = events_of(client, include=ALL)[-1].response
        else:
            made = client.responses.create(**GPT, include=ALL)
        silent = client.responses.create(**GPT)
        client.responses.create(**GPT | {"input": [*HI, *made.output, *HI]})
        client.responses.create(**GPT, previous_response_id=made.id)
        return made, silent

    (made, silent), (told, *_) = answered(openai.OpenAI, use, SCRIPT)
    assert not list(leftovers(made))
    search, failed, page, code, good, bad, files, image, message = made.output
    assert [item.id.partition("_")[0] for item in made.output] == [
        *("ws", "ws", "ws", "ci", "mcp", "mcp", "fs", "ig", "msg")
    ]
    assert (search.action.query, search.action.sources[0].url) == (
        HI[0]["content"],
        "https://example.com/log",
    )
    assert [item.status for item in (search, failed, bad)] == ["completed", "failed", "failed"]
    assert (page.action.type, page.action.url) == ("open_page", "https://example.com/log")
    assert (code.code, code.outputs[0].logs) == ("print(6 * 7)", "42")
    assert code.container_id.startswith("cntr_")
    assert (good.server_label, good.name, good.output, bad.output) == ("shop", "find", "none", None)
    assert (files.queries, files.results[0].file_id) == (["x"], "file-1")
    assert image.result
    (part,) = message.content
    (cited,) = part.annotations
    assert (cited.url, part.text[cited.start_index : cited.end_index]) == (
        "https://example.com/log",
        part.text,
    )
    assert silent.output[0].action.sources is None
    assert silent.output[3].outputs is None
    assert silent.output[6].results is None
    tokens = made.usage
    assert told.cost_usd == pytest.approx(
        0.01 + 0.0025 + 0.03 + 2e-6 * tokens.input_tokens + 8e-6 * tokens.output_tokens
    )


@pytest.mark.wire("openai_responses.hosted.events")
def test_hosted_tools_have_events_of_their_own():
    """Begun, at work, done; code and arguments come in pieces, citations after the text."""
    found, _ = answered(openai.OpenAI, lambda client: events_of(client, include=ALL), SCRIPT)
    by_item = {}
    for event in found:
        at = getattr(event, "output_index", None)
        if at is not None:
            by_item.setdefault(at, []).append(event.type.removeprefix("response."))
    added, done = "output_item.added", "output_item.done"
    search = [f"web_search_call.{word}" for word in ("in_progress", "searching", "completed")]
    assert by_item[0] == [added, *search, done]
    assert by_item[1] == [added, *search[:2], done]
    code = by_item[3]
    assert code[:2] == [added, "code_interpreter_call.in_progress"]
    assert "code_interpreter_call_code.delta" in code
    assert code[-4:] == [
        "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting",
        "code_interpreter_call.completed",
        done,
    ]
    assert by_item[4][-3:] == ["mcp_call_arguments.done", "mcp_call.completed", done]
    assert by_item[5][-2:] == ["mcp_call.failed", done]
    assert by_item[7][1:-1] == [
        f"image_generation_call.{word}" for word in ("in_progress", "generating", "completed")
    ]
    text = by_item[8]
    assert text.index("output_text.annotation.added") + 1 == text.index("output_text.done")
    pieces = [e.delta for e in found if e.type == "response.code_interpreter_call_code.delta"]
    assert "".join(pieces) == "print(6 * 7)"


@pytest.mark.wire("openai_responses.hosted.searches")
@pytest.mark.parametrize("tool", ["web_search", "file_search"])
def test_model_searches_in_responses(tool):
    """Where it is offered a search; files are cited by their ids."""
    given = {"type": tool} | ({"vector_store_ids": ["vs_1"]} if tool == "file_search" else {})
    made, _ = answered(openai.OpenAI, lambda client: client.responses.create(**GPT, tools=[given]))
    search, message = made.output
    assert search.type == f"{tool}_call"
    (cited,) = message.content[0].annotations
    assert cited.type == ("file_citation" if tool == "file_search" else "url_citation")


@pytest.mark.wire("anthropic.hosted.searches", "openai_responses.hosted.searches")
def test_searches_on_a_socket():
    """What the SDKs make of it does not depend on how it came."""
    tool = {"type": "web_search_20250305", "name": "web_search"}
    with serving(scale=3600) as server:
        claude = anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)
        gpt = openai.OpenAI(base_url=f"{server.url}/v1", api_key="k", max_retries=0)
        with claude, gpt:
            plain = claude.messages.create(**CLAUDE, tools=[tool])
            with claude.messages.stream(**CLAUDE, tools=[tool]) as events:
                streamed = events.get_final_message()
            made = gpt.responses.create(**GPT, tools=[{"type": "web_search"}])
            last = events_of(gpt, tools=[{"type": "web_search"}])[-1].response
    assert [block.type for block in plain.content] == [block.type for block in streamed.content]
    assert plain.content[2].text == streamed.content[2].text
    assert plain.content[2].citations == streamed.content[2].citations
    assert plain.usage == streamed.usage
    assert [item.type for item in made.output] == ["web_search_call", "message"]
    assert made.output[1].content == last.output[1].content
    assert made.usage == last.usage
