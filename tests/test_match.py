import json

import pytest

from chaoskit import match
from chaoskit.exchange import Call, Message, Text, ToolCall, ToolResult, ToolSpec
from chaoskit.match import ALWAYS, NEVER, Numbers, Subject, reports_error

SUBJECT = Subject(
    user="ann",
    number=2,
    turn=3,
    n=4,
    now=65.0,
    operation="generate",
    provider="anthropic",
    dialect="anthropic",
    model="claude-sonnet-4-6",
    stream=True,
    tools=("search_logs", "read_file"),
    called=("read_file",),
)


@pytest.mark.parametrize(
    ("predicate", "sentence", "expected"),
    [
        (match.call("2-4"), "call 2-4", True),
        (match.call(5), "call 5", False),
        (match.in_turn("3-"), "in turn 3-", True),
        (match.by_user("bob", "ann"), "by bob or ann", True),
        (match.by_user(2), "by user 2", True),
        (match.by_user(1), "by user 1", False),
        (match.to_model("claude-*"), "to model claude-*", True),
        (match.to_model("claude"), "to model claude", False),
        (match.to_provider("openai"), "to provider openai", False),
        (match.in_dialect("anthropic"), "in dialect anthropic", True),
        (match.offering("search_*"), "offering tool search_*", True),
        (match.calling("search_*"), "calling tool search_*", False),
        (match.calling("read_*"), "calling tool read_*", True),
        (match.streamed(wanted=True), "streamed", True),
        (match.streamed(wanted=False), "not streamed", False),
        (match.performing("count_tokens"), "performing count_tokens", False),
        (match.within(60, 65), "from 60 s to 65 s", False),
        (match.within(65), "from 65 s", True),
        (match.flapping(30, 6), "in the first 6 s of every 30 s", True),
        (match.flapping(30, 6, 62), "in the first 6 s of every 30 s", True),
        (match.flapping(30, 6, 70), "in the first 6 s of every 30 s", False),
        (match.flapping(30, 5), "in the first 5 s of every 30 s", False),
    ],
)
def test_predicate_answers_and_reads_like_a_sentence(predicate, sentence, expected):
    """The repr is what a report prints."""
    assert (sentence, expected) == (repr(predicate), predicate(SUBJECT))


YES, NO = match.call(4), match.in_turn(1)


@pytest.mark.parametrize(
    ("predicate", "sentence", "expected"),
    [
        (YES & NO, "call 4 and in turn 1", False),
        (YES | NO, "call 4 or in turn 1", True),
        (~NO, "not (in turn 1)", True),
        (YES & (NO | YES), "call 4 and (in turn 1 or call 4)", True),
        ((YES & NO) | YES, "(call 4 and in turn 1) or call 4", True),
        (YES & YES & YES, "call 4 and call 4 and call 4", True),
        (~(YES & NO) & YES, "not (call 4 and in turn 1) and call 4", True),
    ],
)
def test_predicates_compose(predicate, sentence, expected):
    """Brackets stand where they are needed."""
    assert (sentence, expected) == (repr(predicate), predicate(SUBJECT))


def test_always_and_never_are_neutral():
    """They leave no trace in a sentence."""
    assert YES == ALWAYS & YES == YES & ALWAYS == NEVER | YES == YES | NEVER
    assert ALWAYS == ALWAYS | YES == YES | ALWAYS == ~NEVER
    assert NEVER == NEVER & YES == YES & NEVER == ~ALWAYS
    assert (ALWAYS(SUBJECT), NEVER(SUBJECT)) == (True, False)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (3, [3]),
        ("3", [3]),
        ("2-3", [2, 3]),
        ("1,4-6", [1, 4, 5, 6]),
        ("1, 4 - 6", [1, 4, 5, 6]),
        ("7-", [7, 8, 9, 10]),
        ("every 5", [5, 10]),
        ("1,9-", [1, 9, 10]),
    ],
)
def test_numbers_are_read_as_people_write_them(text, members):
    """Both ends of a range belong to it."""
    numbers = Numbers.parse(text)
    assert members == [number for number in range(1, 11) if number in numbers]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write 3"),
        ("x", "write 3"),
        ("2-3-4", "write 3"),
        ("-2", "write 3"),
        ("1,", "write 3"),
        ("0", "start at 1"),
        (0, "start at 1"),
        ("0-2", "start at 1"),
        ("every 0", "start at 1"),
        ("5-3", "from the smaller"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(text, why):
    """The text says what to write instead."""
    with pytest.raises(ValueError, match=why):
        Numbers.parse(text)


def _call(*messages):
    return Call(dialect="anthropic", provider="anthropic", messages=messages)


def _results(text, *, is_error=False):
    result = ToolResult(call_id="c", content=(Text(text),), is_error=is_error)
    return Message(role="user", content=(result,))


CALLED = Message(role="assistant", content=(ToolCall(id="c", name="t", arguments="{}"),))


@pytest.mark.parametrize(
    "text",
    [
        "Error: query must be a string",
        "TypeError: unhashable",
        "Tool error: bad query",
        "Bad tool arguments: query must be a string",
        "Invalid arguments for search_logs",
        "Traceback (most recent call last):",
        '{"error": true, "message": "Bad tool arguments"}',
        '{"errors": ["query"]}',
        '{"isError": true}',
        '{"status": "error"}',
        "{'error': 'bad query'}",
    ],
)
def test_an_error_is_reported_in_many_words(text):
    """Where the dialect has no flag, the text must do."""
    assert reports_error(_call(CALLED, _results(text)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The deploy failed with an error at step four",
        '{"results": [{"message": "TypeError in worker"}]}',
        '{"error": null, "results": []}',
        '{"status": "ok", "errors": []}',
        '{"results": []}',
        '{"error": broken',
        "[1, 2]",
    ],
)
def test_a_result_about_errors_is_not_one(text):
    """Logs are full of errors that are no error of the tool."""
    assert not reports_error(_call(CALLED, _results(text)))


def test_the_flag_of_a_dialect_is_enough():
    """`is_error` needs no words."""
    assert reports_error(_call(CALLED, _results("sorry", is_error=True)))


def test_only_results_after_the_last_model_turn_count():
    """An old error was reported long ago."""
    assert not reports_error(_call(CALLED, _results("Error: x"), CALLED, _results("fine")))
    assert not reports_error(_call(Message(role="user", content=(Text("Error: help"),))))


def test_subject_holds_the_facts_of_a_request():
    """Whoever decides needs no look at the call itself."""
    tool = ToolSpec(name="t", description="", schema={}, raw=json.dumps({}))
    request = Call(
        dialect="openai_chat",
        provider="openai",
        model="gpt",
        stream=True,
        tools=(tool,),
        messages=(CALLED, _results("Error: x")),
    )
    expected = Subject(
        user="ann",
        number=1,
        turn=2,
        now=3.0,
        dialect="openai_chat",
        provider="openai",
        model="gpt",
        stream=True,
        tools=("t",),
        reported=True,
    )
    assert expected == Subject.of(request, user="ann", number=1, turn=2, now=3.0)
