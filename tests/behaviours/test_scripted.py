import json

import pytest
from pydantic import ValidationError

from chaoskit.behaviour import Scene
from chaoskit.behaviours import Scripted
from chaoskit.exchange import Call, Message, Text, ToolCall, ToolResult
from chaoskit.seed import derive

PROMPT = Message(role="user", content=(Text("Where is {result}?"),))
ASKED = Message(role="assistant", content=(ToolCall(id="c", name="find", arguments="{}"),))
FOUND = Message(role="tool", content=(ToolResult(call_id="c", content=(Text('["IN-1"]'),)),))


def ask(script, *messages):
    scene = Scene(rng=derive(1), user="user-1", turn=1, step=0)
    return script.reply(Call(dialect="a", provider="a", messages=messages), scene)


SCRIPT = Scripted(
    turns=[
        {
            "text": "Let me see.",
            "call": {
                "tool": "find",
                "arguments": {"q": ["{prompt}"], "page": 1, "by": {"user": "{prompt}"}},
            },
        },
        {"text": "It says {result}", "stop": "max_tokens"},
    ]
)


def test_the_first_turn_answers_the_question():
    """Text and tool call, with the question filled in."""
    reply = ask(SCRIPT, PROMPT)
    assert (reply.text, reply.stop) == ("Let me see.", "tool_use")
    asked = "Where is {result}?"
    made = json.loads(reply.tool_calls[0].arguments)
    assert made == {"q": [asked], "page": 1, "by": {"user": asked}}


def test_the_second_turn_sees_the_results():
    """The step counts the model's turns since the question."""
    reply = ask(SCRIPT, PROMPT, ASKED, FOUND)
    assert (reply.text, reply.stop) == ('It says ["IN-1"]', "max_tokens")


def test_a_new_question_starts_the_script_again():
    """Each question has the whole script."""
    assert ask(SCRIPT, PROMPT, ASKED, FOUND, ASKED, PROMPT).stop == "tool_use"


def test_the_last_turn_is_repeated():
    """After the end the model has nothing new to say."""
    assert ask(SCRIPT, PROMPT, ASKED, FOUND).text == ask(SCRIPT, PROMPT, ASKED, ASKED, FOUND).text


def test_after_the_end_it_can_answer_from_the_results():
    """`after = "answer"` closes with a quoted fact."""
    script = Scripted(turns=[{"call": {"tool": "find"}}], after="answer")
    assert ask(script, PROMPT, ASKED, FOUND).facts == ("IN-1",)


def test_several_calls_and_broken_arguments():
    """Arguments given as text are sent as they are."""
    script = Scripted(turns=[{"call": [{"tool": "find"}, {"tool": "gone", "arguments": '{"q": '}]}])
    calls = ask(script, PROMPT).tool_calls
    assert [(c.name, c.arguments) for c in calls] == [("find", "{}"), ("gone", '{"q": ')]


@pytest.mark.parametrize("turns", [[], [{"txt": "misspelt"}]])
def test_a_wrong_script_is_refused(turns):
    """Problems show in construction."""
    with pytest.raises(ValidationError):
        Scripted(turns=turns)


def test_the_name_of_whoever_asks_is_filled_in():
    """In texts and in arguments."""
    script = Scripted(
        turns=[{"text": "Hello {user}", "call": {"tool": "find", "arguments": {"who": "{user}"}}}]
    )
    reply = ask(script, PROMPT)
    assert reply.text == "Hello user-1"
    assert json.loads(reply.tool_calls[0].arguments) == {"who": "user-1"}


def test_what_is_filled_in_is_not_filled_in_again():
    """A question may contain a place, and stays as it was asked."""
    asked = Message(role="user", content=(Text("I am {user}"),))
    assert ask(Scripted(turns=[{"text": "{user} says {prompt}"}]), asked).text == (
        "user-1 says I am {user}"
    )
