import pytest

from chaoskit.conversation import asks_to_stop, is_empty, read
from chaoskit.exchange import Call, Image, Message, Text, ToolCall, ToolResult


def user(text):
    return Message(role="user", content=(Text(text),))


def asked(*ids):
    calls = tuple(ToolCall(id=number, name="find", arguments="{}") for number in ids)
    return Message(role="assistant", content=calls)


def result(number, text="ok", *, is_error=False, role="tool"):
    part = ToolResult(call_id=number, content=(Text(text),), is_error=is_error)
    return Message(role=role, content=(part,))


def seen(*messages):
    return read(Call(dialect="a", provider="a", messages=messages))


def test_the_turn_begins_with_the_newest_question():
    """What came before is history."""
    talk = seen(user("one"), asked("a"), result("a"), user("two"), asked("b"), result("b"))
    assert (talk.prompt, talk.step) == ("two", 1)
    assert [call.id for call in talk.calls] == ["b"]
    assert [[part.call_id for part in results] for results in talk.rounds] == [["b"]]


def test_results_of_one_model_turn_are_one_round():
    """However many messages carry them."""
    talk = seen(user("q"), asked("a", "b"), result("a"), result("b"), asked("c"), result("c"))
    assert [len(results) for results in talk.rounds] == [2, 1]
    assert talk.called(talk.newest[0]).id == "c"


def test_failures_count_the_latest_rounds_only():
    """A success in between ends the series."""
    talk = seen(
        *(user("q"), asked("a"), result("a", is_error=True)),
        *(asked("b"), result("b"), asked("c"), result("c", "Error: x")),
    )
    assert talk.failures == 1


def test_a_request_to_stop_after_results_is_a_remark():
    """Any other text there is the next question."""
    start = (user("q"), asked("a"), result("a"))
    stopped = seen(*start, user("Stop searching and answer now."))
    assert (stopped.prompt, stopped.stop_requests) == ("q", 1)
    assert seen(*start, user("And in Rome?")).prompt == "And in Rome?"


def test_a_conversation_without_a_question_is_read_too():
    """An agent may have dropped it."""
    talk = seen(asked("a"), result("a", "INC-1"))
    assert (talk.prompt, talk.step, len(talk.findings)) == ("", 1, 1)


def test_a_picture_is_not_empty():
    """Nor is a number that says zero of something."""
    picture = ToolResult(call_id="a", content=(Image(source="x"),))
    assert not is_empty(picture)
    assert is_empty(ToolResult(call_id="a", content=()))
    assert is_empty(ToolResult(call_id="a", content=(Text('"[]"'),)))


def test_long_texts_do_not_ask_to_stop():
    """They are data that may speak of stopping."""
    assert asks_to_stop("Do not call the search tool again")
    assert not asks_to_stop("stop searching " * 100)


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ('{"tickets": [], "query": "x", "total": 0}', True),
        ('{"data": {"items": []}, "took": 5}', True),
        ('{"results": [], "hint": "try other words"}', True),
        ("{}", True),
        ('{"status": "shipped"}', False),
        ('{"name": "Ada", "tags": []}', False),
        ('{"results": [1]}', False),
        ('{"total": 0}', True),
        ("[[]]", False),
        ("Found nothing in 3 indexes", True),
        ("No matching documents were found", True),
        ("Nobody knows", False),
    ],
)
def test_an_empty_result_may_stand_in_a_frame(text, empty):
    """What echoes the request is no finding."""
    assert is_empty(ToolResult(call_id="a", content=(Text(text),))) is empty
