import json

import pytest

from chaoskit.fault import Result, ToolRequest
from chaoskit.faults import EmptyResult, ErrorResult, LeakedSecret, OversizedResult

REQUEST = ToolRequest(tool="search_logs", arguments={"query": "deploy"})
FAILED = Result(error="broken by itself")


@pytest.mark.parametrize(
    ("value", "empty"),
    [
        ("found it", ""),
        (["a", "b"], []),
        (("a",), ()),
        ({"a": 1}, {}),
        ({"results": [{"a": 1}, {"a": 2}], "total": 2}, {"results": [], "total": 0}),
        ({"results": [1, 2], "ok": True, "query": "x"}, {"results": [], "ok": True, "query": "x"}),
        ({"data": {"items": [1], "count": 1}}, {"data": {"items": [], "count": 0}}),
        ('{"results": [1]}', '{"results": []}'),
        ("[1, 2]", "[]"),
        ("{not json", ""),
    ],
)
def test_empty_result_keeps_the_shape(strike, value, empty):
    """Code that reads the result must not stumble over a missing key."""
    assert Result(value=empty) == EmptyResult().result(Result(value=value), REQUEST, strike())


@pytest.mark.parametrize("value", [None, 3, "", [], {}, {"results": []}])
def test_empty_result_leaves_what_is_empty_alone(strike, value):
    """The same object tells that nothing was struck."""
    result = Result(value=value)
    assert EmptyResult().result(result, REQUEST, strike()) is result


def test_empty_result_can_be_given(strike):
    """A scenario knows what its tool says when it finds nothing."""
    result = EmptyResult(value={"hits": 0}).result(Result(value="x"), REQUEST, strike())
    assert Result(value={"hits": 0}) == result


def test_error_result_raises(strike):
    """The function raises the text."""
    result = ErrorResult(error="boom").result(Result(value=1), REQUEST, strike())
    assert Result(error="boom") == result


def test_error_result_can_be_returned(strike):
    """Some tools report errors as ordinary results."""
    fault = ErrorResult(error="boom", as_result=True)
    assert Result(value={"error": "boom"}) == fault.result(Result(value=1), REQUEST, strike())


@pytest.mark.parametrize(
    ("value", "leaking"),
    [
        ("text", "text\napi_key = fake!tool-result"),
        ({"a": 1}, {"a": 1, "api_key": "fake!tool-result"}),
        ({"api_key": "own"}, {"api_key": "own", "access_token": "fake!tool-result"}),
        ([], ["fake!tool-result"]),
        (["a"], ["a", "fake!tool-result"]),
        ([{"a": 1}], [{"a": 1}, {"api_key": "fake!tool-result"}]),
        (("a",), ("a", "fake!tool-result")),
    ],
)
def test_leaked_secret_is_added(strike, value, leaking):
    """Nothing of the real result is lost."""
    assert Result(value=leaking) == LeakedSecret().result(Result(value=value), REQUEST, strike())


def test_leaked_secret_needs_room(strike):
    """A number has none."""
    result = Result(value=3)
    assert LeakedSecret().result(result, REQUEST, strike()) is result


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        [],
        ["a"],
        ("a",),
        {},
        {"rows": [{"a": 1}]},
        {"text": "x", "n": 1},
        '{"a": [1]}',
        "{no json",
    ],
)
def test_oversized_result_has_the_size_and_the_shape(strike, value):
    """About four characters to a token, in the type that the tool always returns."""
    result = OversizedResult(tokens=1000).result(Result(value=value), REQUEST, strike())
    assert type(value) is type(result.value)
    assert 4000 <= len(json.dumps(result.value)) < 6000


def test_oversized_result_keeps_json_text_json(strike):
    """Agents that parse the text still can."""
    result = OversizedResult(tokens=100).result(Result(value='{"a": [1]}'), REQUEST, strike())
    assert list(json.loads(result.value)) == ["a"]


def test_oversized_result_is_the_same_for_the_same_strike(strike):
    """The flood is reproducible."""
    fault, result = OversizedResult(tokens=50), Result(value="x")
    assert fault.result(result, REQUEST, strike()) == fault.result(result, REQUEST, strike())


@pytest.mark.parametrize("value", ["x" * 9, 3, None])
def test_oversized_result_leaves_large_and_shapeless_results_alone(strike, value):
    """The same object tells that nothing was struck."""
    result = Result(value=value)
    assert OversizedResult(tokens=2).result(result, REQUEST, strike()) is result


@pytest.mark.parametrize(
    "fault", [EmptyResult(), ErrorResult(), LeakedSecret(), OversizedResult()], ids=repr
)
def test_a_tool_that_failed_by_itself_is_left_alone(fault, strike):
    """There is no result to damage."""
    assert fault.result(FAILED, REQUEST, strike()) is FAILED
