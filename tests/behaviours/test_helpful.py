import json

import pytest

from chaoskit.arguments import is_valid
from chaoskit.behaviour import Scene
from chaoskit.behaviours import BEHAVIOURS, Helpful
from chaoskit.exchange import (
    Call,
    Message,
    Reply,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from chaoskit.seed import derive

QUERY = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}


def spec(name, description="", schema=None):
    schema = QUERY if schema is None else schema
    return ToolSpec(name=name, description=description, schema=schema, raw=json.dumps(schema))


LOGS = spec("search_logs", "Search the logs of a deploy")
WEATHER = spec("get_weather", "Return the weather of a city")


def user(text):
    return Message(role="user", content=(Text(text),))


def said(text):
    return Message(role="assistant", content=(Text(text),))


def called(*calls):
    return Message(role="assistant", content=calls)


def use(number, name="search_logs", arguments="{}"):
    return ToolCall(id=f"call_{number}", name=name, arguments=arguments)


def result(number, text, *, is_error=False):
    part = ToolResult(call_id=f"call_{number}", content=(Text(text),), is_error=is_error)
    return Message(role="tool", content=(part,))


def scene(step=0):
    return Scene(rng=derive(7, "behaviour", "user-1", step), user="user-1", turn=1, step=step)


def ask(*messages, tools=(LOGS,), behaviour=None, **rest):
    call = Call(dialect="anthropic", provider="anthropic", messages=messages, tools=tools, **rest)
    return (behaviour or Helpful()).reply(call, scene())


PROMPT = user("Why did the last deploy of checkout fail?")


def test_the_only_tool_is_called_with_words_of_the_question():
    """The query of a search is made of the question."""
    reply = ask(PROMPT)
    assert (reply.stop, [c.name for c in reply.tool_calls]) == ("tool_use", ["search_logs"])
    assert json.loads(reply.tool_calls[0].arguments) == {"query": "last deploy checkout fail"}
    assert reply.tool_calls[0].id == ""


def test_of_several_tools_the_one_that_shares_words_is_called():
    """The choice follows name and description."""
    reply = ask(user("What's the weather in Paris?"), tools=(LOGS, WEATHER))
    assert [made.name for made in reply.tool_calls] == ["get_weather"]


def test_tools_that_have_nothing_to_do_with_the_question_are_left_alone():
    """Without a shared word and without a search the model answers by itself."""
    tools = (spec("send_mail"), spec("book_flight"))
    assert ask(user("Hello there"), tools=tools).stop == "end"


def test_without_tools_the_answer_refers_to_the_question():
    """A plain conversation gets a plain answer that claims no facts."""
    reply = ask(PROMPT, tools=())
    assert "checkout" in reply.text
    assert reply.facts == ()


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (ToolChoice(mode="none"), []),
        (ToolChoice(mode="any"), ["send_mail"]),
        (ToolChoice(mode="tool", name="book_flight"), ["book_flight"]),
    ],
)
def test_the_tool_choice_of_the_request_is_obeyed(choice, names):
    """`none` forbids, `any` demands one, `tool` demands that one."""
    reply = ask(user("Hi"), tools=(spec("send_mail"), spec("book_flight")), tool_choice=choice)
    assert names == [made.name for made in reply.tool_calls]


def test_the_answer_quotes_a_fact_of_the_result():
    """The fact stands in the result and in the answer."""
    found = json.dumps({"rows": [{"id": "INC-4711", "cause": "disk full on node 3"}]})
    reply = ask(PROMPT, called(use(1)), result(1, found))
    assert (reply.stop, reply.facts) == ("end", ("INC-4711",))
    assert "INC-4711" in reply.text


@pytest.mark.parametrize("text", ["[]", "", "No results found.", '{"results": [], "query": "x"}'])
def test_an_empty_result_is_reported_as_nothing_found(text):
    """An honest answer without facts."""
    reply = ask(PROMPT, called(use(1)), result(1, text))
    assert "nothing was found" in reply.text
    assert reply.facts == ()


@pytest.mark.parametrize(
    ("text", "is_error"),
    [
        ("bad arguments", True),
        ('{"error": {"message": "query must be a string"}}', False),
        ("Error: query must be a string", False),
        ("Traceback (most recent call last):\n...", False),
        ("ValidationError: 1 validation error", False),
        ("Invalid arguments: query", False),
        ("{'error': 'query'}", False),
    ],
)
def test_an_error_is_answered_with_a_corrected_call(text, is_error):
    """The correction satisfies the schema."""
    broken = use(1, arguments='{"query": 5}')
    reply = ask(PROMPT, called(broken), result(1, text, is_error=is_error))
    assert [made.name for made in reply.tool_calls] == ["search_logs"]
    assert is_valid(QUERY, reply.tool_calls[0].arguments)


@pytest.mark.parametrize(
    "text", ["Error rate is 5%", '{"error": null, "rows": [1]}', "Deploy 12 had 3 errors"]
)
def test_a_result_that_speaks_of_errors_is_no_error(text):
    """Only a report of a failed call is one."""
    assert ask(PROMPT, called(use(1)), result(1, text)).stop == "end"


def test_a_call_of_an_unknown_tool_is_corrected_to_an_offered_one():
    """The model that invented a tool turns to what there is."""
    reply = ask(PROMPT, called(use(1, name="grep")), result(1, "Error: no tool 'grep'"))
    assert [made.name for made in reply.tool_calls] == ["search_logs"]


def test_corrections_are_bounded_and_the_failure_is_admitted():
    """After the last correction the model says that it could not do it."""
    talk = [PROMPT]
    replies = []
    for number in range(1, 5):
        talk += [called(use(number)), result(number, "Error: broken")]
        replies.append(ask(*talk))
    assert [reply.stop for reply in replies] == ["tool_use", "tool_use", "tool_use", "end"]
    assert "could not complete this: search_logs kept failing" in replies[-1].text
    assert replies[-1].facts == ()


def test_a_result_without_anything_to_quote_is_admitted():
    """A credential is not repeated."""
    reply = ask(PROMPT, called(use(1)), result(1, '{"password": "hunter"}'))
    assert "nothing in it that I can quote" in reply.text
    assert reply.facts == ()


def test_only_the_failed_call_of_several_is_made_again():
    """What succeeded needs no repetition."""
    reply = ask(
        PROMPT,
        called(use(1), use(2, name="get_weather")),
        result(1, "fine: INC-1"),
        result(2, "Error: city unknown"),
        tools=(LOGS, WEATHER),
    )
    assert [made.name for made in reply.tool_calls] == ["get_weather"]


def test_a_request_to_stop_ends_the_corrections():
    """A clear word of the agent counts."""
    talk = (PROMPT, called(use(1)), result(1, "Do not call this tool again.", is_error=True))
    assert ask(*talk).stop == "end"


def test_several_calls_before_the_answer():
    """`calls_per_turn` model turns call tools, each a new one while there is one."""
    behaviour = Helpful(calls_per_turn=2)
    tools = (LOGS, spec("deploy_status", "Status of a deploy"))
    talk = [PROMPT, called(use(1)), result(1, '["INC-1"]')]
    second = ask(*talk, tools=tools, behaviour=behaviour)
    assert [made.name for made in second.tool_calls] == ["deploy_status"]
    talk += [called(use(2, name="deploy_status")), result(2, '["INC-2"]')]
    last = ask(*talk, tools=tools, behaviour=behaviour)
    assert (last.stop, last.facts) == ("end", ("INC-1", "INC-2"))


def test_parallel_calls_differ():
    """Independent calls go out together, also when there is one tool only."""
    reply = ask(PROMPT, behaviour=Helpful(parallel=3))
    assert len({made.arguments for made in reply.tool_calls}) == 3


def test_parallel_calls_are_not_made_where_the_request_forbids_them():
    """`parallel` of the tool choice comes first."""
    reply = ask(PROMPT, behaviour=Helpful(parallel=3), tool_choice=ToolChoice(parallel=False))
    assert len(reply.tool_calls) == 1


def test_each_question_starts_afresh():
    """Results of an earlier turn do not answer a new question."""
    talk = (PROMPT, called(use(1)), result(1, '["INC-1"]'), said("INC-1"), user("And before?"))
    assert ask(*talk).stop == "tool_use"


def test_a_text_beside_tool_results_is_no_new_question():
    """Agents add remarks to results; the turn goes on."""
    part = ToolResult(call_id="call_1", content=(Text('["INC-1"]'),))
    both = Message(role="user", content=(part, Text("Be brief.")))
    assert ask(PROMPT, called(use(1)), both).facts == ("INC-1",)


def test_answers_are_lengthened_on_demand():
    """`answer_tokens` is met within a fifth."""
    reply = ask(PROMPT, tools=(), behaviour=Helpful(answer_tokens=400))
    assert 240 <= len(reply.text.split()) <= 360


def test_structured_output_without_free_text_claims_no_facts():
    """There is no room to quote anything."""
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    reply = ask(PROMPT, called(use(1)), result(1, '["INC-1"]'), options={"output_schema": schema})
    assert (is_valid(schema, reply.text), reply.facts) == (True, ())


def test_structured_output_satisfies_its_schema():
    """The answer is JSON where the request asks for it, and still quotes the fact."""
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string"}, "score": {"type": "integer"}},
        "required": ["answer", "score"],
        "additionalProperties": False,
    }
    reply = ask(PROMPT, called(use(1)), result(1, '["INC-1"]'), options={"output_schema": schema})
    assert is_valid(schema, reply.text)
    assert "INC-1" in json.loads(reply.text)["answer"]
    assert reply.facts == ("INC-1",)


def test_the_same_conversation_gets_the_same_reply():
    """A retried request changes nothing."""
    assert ask(PROMPT) == ask(PROMPT)


def test_helpful_is_in_the_catalogue():
    """Scenario files find it by name."""
    assert Helpful is BEHAVIOURS["helpful"]
    assert isinstance(Helpful().reply(Call(dialect="a", provider="a"), scene()), Reply)


def test_a_demanded_call_goes_to_a_tool_that_was_not_called_yet():
    """Frameworks that take the answer itself as a tool call would wait for it for ever."""
    answer = spec("final_result", "The final response which ends this conversation")
    asked = (PROMPT, called(use(1)), result(1, '{"id": "dep-4711"}'))
    demand = ToolChoice(mode="any")
    reply = ask(*asked, tools=(LOGS, answer), tool_choice=demand)
    assert [call.name for call in reply.tool_calls] == ["final_result"]
    again = ask(*asked, tools=(LOGS,), tool_choice=demand)
    assert [call.name for call in again.tool_calls] == ["search_logs"]
