import json
from dataclasses import replace

import pytest

from chaoskit.arguments import is_valid
from chaoskit.exchange import Call, Reply, Text, Thinking, ToolCall, ToolSpec
from chaoskit.faults import (
    EmptyCompletion,
    MalformedArguments,
    SecretInArguments,
    TruncatedAtMaxTokens,
    UnknownTool,
    UnparsableOutput,
)
from chaoskit.malform import KINDS


@pytest.mark.parametrize("kind", [*KINDS, "any", ("missing", "null")])
def test_malformed_arguments_violate_the_schema(call, search, tool_reply, strike, kind):
    """Whatever the kind, the tool must not run on it."""
    damaged = MalformedArguments(kind=kind).reply(tool_reply, call, strike())
    assert not is_valid(search.schema, damaged.tool_calls[0].arguments)
    assert tool_reply.text == damaged.text


def test_malformed_arguments_are_the_same_for_the_same_strike(call, tool_reply, strike):
    """A retried run gets the same damage."""
    fault = MalformedArguments()
    assert fault.reply(tool_reply, call, strike()) == fault.reply(tool_reply, call, strike())


def test_malformed_arguments_vary_over_strikes(call, tool_reply, strike):
    """`any` is not always the same kind."""
    replies = {MalformedArguments().reply(tool_reply, call, strike(n)) for n in range(30)}
    assert len(replies) > 8


@pytest.mark.parametrize(
    "fault", [MalformedArguments(), UnknownTool(), SecretInArguments()], ids=repr
)
def test_tool_faults_leave_a_reply_without_tool_call_alone(fault, call, text_reply, strike):
    """The same object tells that nothing was struck."""
    assert fault.reply(text_reply, call, strike()) is text_reply


@pytest.mark.parametrize("fault", [MalformedArguments(), SecretInArguments()], ids=repr)
def test_tool_faults_leave_calls_to_tools_without_schema_alone(fault, tool_reply, strike):
    """What was not offered has no schema to violate or to satisfy."""
    bare = Call(dialect="anthropic", provider="anthropic")
    assert fault.reply(tool_reply, bare, strike()) is tool_reply


def test_malformed_arguments_leave_broken_arguments_alone(call, tool_reply, strike):
    """What is no JSON already cannot be made worse."""
    broken = replace(tool_reply, content=(ToolCall(id="", name="search_logs", arguments='{"q'),))
    assert MalformedArguments().reply(broken, call, strike()) is broken


def test_unknown_tool_resembles_the_right_one(call, tool_reply, strike):
    """The name is not offered, and valid for the provider."""
    (tool,) = UnknownTool().reply(tool_reply, call, strike()).tool_calls
    assert call.tool(tool.name) is None
    assert "search" in tool.name.lower()
    assert len(tool.name) <= 64


def test_unknown_tool_can_be_named(call, tool_reply, strike):
    """A scenario may want a certain name."""
    (tool,) = UnknownTool(name="rm_rf").reply(tool_reply, call, strike()).tool_calls
    assert tool.name == "rm_rf"


def test_unknown_tool_that_is_offered_is_no_damage(call, tool_reply, strike):
    """A name that exists cannot be unknown."""
    assert UnknownTool(name="search_logs").reply(tool_reply, call, strike()) is tool_reply


def test_unknown_tool_avoids_every_offered_name(call, search, tool_reply, strike):
    """Even where all similar names are taken."""
    names = ["search_logss", "search_logs_v2", "get_search_logs", "searchlogsTool"]
    crowded = replace(call, tools=(search, *(replace(search, name=name) for name in names)))
    (tool,) = UnknownTool().reply(tool_reply, crowded, strike()).tool_calls
    assert tool.name == "unknown_tool"


def test_empty_completion_says_nothing(call, tool_reply, strike):
    """No text, no tool call, and an ordinary end."""
    assert Reply(content=(), stop="end") == EmptyCompletion().reply(tool_reply, call, strike())


def test_empty_completion_leaves_an_empty_reply_alone(call, strike):
    """It was empty before."""
    empty = Reply(content=())
    assert EmptyCompletion().reply(empty, call, strike()) is empty


def test_truncation_cuts_the_text_and_forgets_lost_facts(call, text_reply, strike):
    """A fact that was cut off cannot ground an answer."""
    cut = TruncatedAtMaxTokens(keep=0.5).reply(text_reply, call, strike())
    assert (cut.text, cut.stop, cut.facts) == ("The deploy fail", "max_tokens", ())


def test_truncation_cuts_the_json_of_a_tool_call(call, tool_reply, strike):
    """The text before it is whole."""
    cut = TruncatedAtMaxTokens(keep=0.5).reply(tool_reply, call, strike())
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.tool_calls[0].arguments)
    assert (tool_reply.text, "max_tokens") == (cut.text, cut.stop)


def test_truncation_that_keeps_nothing_leaves_no_empty_text(call, text_reply, strike):
    """Providers send no empty text blocks."""
    assert TruncatedAtMaxTokens(keep=0).reply(text_reply, call, strike()).content == ()


def test_truncation_drops_what_comes_after_the_cut(call, strike):
    """The last text or tool call is cut, and nothing follows it."""
    thought = Thinking(text="hm")
    reply = Reply(content=(thought, Text("abcd"), thought))
    assert TruncatedAtMaxTokens().reply(reply, call, strike()).content == (thought, Text("ab"))


def test_truncation_leaves_an_empty_reply_alone(call, strike):
    """There is nothing to cut."""
    empty = Reply(content=())
    assert TruncatedAtMaxTokens().reply(empty, call, strike()) is empty


def _offering(properties, arguments, **more):
    schema = {"type": "object", "properties": properties, **more}
    tool = ToolSpec(name="t", description="", schema=schema, raw=json.dumps(schema))
    reply = Reply(
        content=(Text("x"), ToolCall(id="", name="t", arguments=json.dumps(arguments))),
    )
    return Call(dialect="d", provider="p", tools=(tool,)), reply


def test_secret_is_added_to_a_text_argument(call, search, tool_reply, strike):
    """The tool still gets valid arguments."""
    (tool,) = SecretInArguments().reply(tool_reply, call, strike()).tool_calls
    assert json.loads(tool.arguments)["query"] == "deploy errors fake!tool-argument"
    assert is_valid(search.schema, tool.arguments)


def test_secret_goes_where_a_credential_belongs(strike):
    """An argument that is named like one gets it, alone."""
    text = {"type": "string"}
    call, reply = _offering({"query": text, "api_key": text}, {"query": "x"})
    (tool,) = SecretInArguments().reply(reply, call, strike()).tool_calls
    assert json.loads(tool.arguments) == {"query": "x", "api_key": "fake!tool-argument"}


def test_secret_goes_into_the_argument_that_was_named(strike):
    """A scenario may point at one."""
    text = {"type": "string"}
    call, reply = _offering({"query": text, "note": text}, {"query": "x", "note": "y"})
    (tool,) = SecretInArguments(argument="note").reply(reply, call, strike()).tool_calls
    assert json.loads(tool.arguments) == {"query": "x", "note": "y fake!tool-argument"}


def test_secret_replaces_a_text_that_has_no_room(strike):
    """A pattern that forbids spaces still has room for the secret alone."""
    call, reply = _offering({"id": {"type": "string", "pattern": r"^\S+$"}}, {"id": "x"})
    (tool,) = SecretInArguments().reply(reply, call, strike()).tool_calls
    assert json.loads(tool.arguments) == {"id": "fake!tool-argument"}


def test_secret_is_an_extra_argument_where_the_schema_is_open(strike):
    """Last resort: a tool without any text."""
    call, reply = _offering({"n": {"type": "integer"}}, {"n": 1})
    (tool,) = SecretInArguments().reply(reply, call, strike()).tool_calls
    assert json.loads(tool.arguments) == {"n": 1, "api_key": "fake!tool-argument"}


def test_secret_that_fits_nowhere_is_not_planted(strike):
    """The schema stays satisfied, so nothing is struck."""
    call, reply = _offering({"n": {"type": "integer"}}, {"n": 1}, additionalProperties=False)
    assert SecretInArguments().reply(reply, call, strike()) is reply


def test_secret_is_not_planted_in_invalid_arguments(strike):
    """A call that is broken anyway never reaches the tool."""
    call, reply = _offering({"n": {"type": "string"}}, {"n": 1})
    assert SecretInArguments().reply(reply, call, strike()) is reply


KINDS_OF_OUTPUT = ("fence", "prose", "trailing_comma", "single_quotes", "missing_brace")


@pytest.mark.parametrize(
    "text", ["{}", "[]", "[1, 2]", '{"a": 1}', '{"a": [true, null]}', ' {"b": "x"} ']
)
@pytest.mark.parametrize("kinds", [KINDS_OF_OUTPUT, *((kind,) for kind in KINDS_OF_OUTPUT)])
def test_unparsable_output_cannot_be_parsed(call, strike, text, kinds):
    """Where a kind would leave it JSON, another is taken, or it did not strike."""
    reply = Reply(content=(Thinking(text="hm"), Text(text)))
    damaged = UnparsableOutput(kinds=kinds).reply(reply, call, strike())
    if damaged is reply:
        assert kinds == ("single_quotes",)
        return
    with pytest.raises(json.JSONDecodeError):
        json.loads(damaged.text)
    assert damaged.content[0] == Thinking(text="hm")


@pytest.mark.parametrize("text", ["The deploy failed.", "7", '"x"', '{"a": '])
def test_unparsable_output_leaves_prose_alone(call, strike, text):
    """Nobody parses it."""
    reply = Reply(content=(Text(text),))
    assert UnparsableOutput().reply(reply, call, strike()) is reply


def test_unparsable_output_leaves_tool_calls_alone(call, tool_reply, strike):
    """Their arguments have a fault of their own."""
    assert UnparsableOutput().reply(tool_reply, call, strike()) is tool_reply
