import json

import pytest

from chaoskit.behaviour import Scene
from chaoskit.behaviours import Stubborn
from chaoskit.exchange import Call, Message, Text, ToolCall, ToolChoice, ToolResult, ToolSpec
from chaoskit.seed import derive

SCHEMA = {
    "type": "object",
    "properties": {"limit": {"type": "integer"}, "query": {"type": "string", "maxLength": 60}},
    "required": ["limit", "query"],
}
SEARCH = ToolSpec(name="search_docs", description="", schema=SCHEMA, raw=json.dumps(SCHEMA))
OTHER = ToolSpec(name="send_mail", description="", schema=SCHEMA, raw=json.dumps(SCHEMA))
PROMPT = Message(role="user", content=(Text("Where is the migration guide for v2?"),))


def talk(*results, remark="", is_error=False):
    messages = [PROMPT]
    for number, text in enumerate(results):
        call = ToolCall(id=f"c{number}", name="search_docs", arguments="{}")
        part = ToolResult(call_id=f"c{number}", content=(Text(text),), is_error=is_error)
        messages.append(Message(role="assistant", content=(call,)))
        messages.append(Message(role="tool", content=(part,)))
    if remark:
        messages.append(Message(role="user", content=(Text(remark),)))
    return tuple(messages)


def ask(messages, step=0, behaviour=None, tools=(OTHER, SEARCH), **rest):
    call = Call(dialect="openai_chat", provider="openai", messages=messages, tools=tools, **rest)
    scene = Scene(rng=derive(1, step), user="user-1", turn=1, step=step)
    return (behaviour or Stubborn()).reply(call, scene)


def test_every_search_has_other_words():
    """Sixty steps, sixty queries, all of them valid."""
    queries = [json.loads(ask(talk(*[""] * n), n).tool_calls[0].arguments) for n in range(60)]
    assert len({query["query"] for query in queries}) == 60
    assert all("migration" in query["query"] for query in queries)


def test_the_tool_that_searches_is_called():
    """Not just any tool."""
    assert [made.name for made in ask(talk()).tool_calls] == ["search_docs"]


def test_a_query_that_the_schema_forbids_is_not_made():
    """Valid arguments come before other words."""
    schema = {**SCHEMA, "properties": {"query": {"enum": ["all"]}, "limit": {"type": "integer"}}}
    tool = ToolSpec(name="search_docs", description="", schema=schema, raw="")
    assert json.loads(ask(talk(), tools=(tool,)).tool_calls[0].arguments)["query"] == "all"


def test_a_hit_ends_the_search():
    """A result that is not empty is quoted."""
    reply = ask(talk("[]", '["see DOC-88"]'), 2)
    assert (reply.stop, reply.facts) == ("end", ("see DOC-88",))


def test_errors_do_not_end_the_search():
    """It searches on."""
    assert ask(talk("Error: broken"), 1).stop == "tool_use"


@pytest.mark.parametrize("rest", [{"tools": ()}, {"tool_choice": ToolChoice(mode="none")}])
def test_without_tools_it_says_that_nothing_was_found(rest):
    """What the request forbids does not happen."""
    assert "nothing was found" in ask(talk("[]"), 1, **rest).text


def test_requests_to_stop_are_ignored_by_default():
    """Pure stubbornness."""
    hint = "Stop searching. Do not search again."
    assert ask(talk(hint, is_error=True), 1).stop == "tool_use"


def test_requests_to_stop_are_obeyed_after_so_many():
    """`obeys_after` counts the ones that are ignored."""
    behaviour = Stubborn(obeys_after=1)
    hint = "Stop searching. Do not search again."
    assert ask(talk("[]", hint), 2, behaviour).stop == "tool_use"
    assert ask(talk("[]", hint, hint), 3, behaviour).stop == "end"


def test_a_remark_of_the_agent_counts_as_request():
    """A user message after the results that asks to stop belongs to the same turn."""
    remark = "No more searches please, answer the user."
    reply = ask(talk("[]", remark=remark), 1, Stubborn(obeys_after=0))
    assert "nothing was found on migration guide v2" in reply.text


def test_a_log_line_on_limits_is_no_request_to_stop():
    """Data that speaks of limits is data."""
    reply = ask(talk('["INC-9: memory limit exceeded"]'), 1)
    assert reply.facts == ("INC-9: memory limit exceeded",)
