import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.faults import (
    EmptyResult,
    ErrorResult,
    InjectedInstructions,
    LeakedSecret,
    OversizedResult,
    SlowResult,
    TimeoutAfterEffect,
    TruncatedResult,
    WrongTypeResult,
)
from chaoskit.injection import instructions_in
from chaoskit.seed import derive
from chaoskit.tool import as_text

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


# What comes late, not at all, or otherwise than promised.


def test_timeout_after_effect_loses_the_answer(strike):
    """Whatever it was, an error included; nothing of it is told."""
    lost = Result(lost=True, seconds=10.0)
    fault = TimeoutAfterEffect(after="10s")
    for result in (Result(value=1, seconds=3.0), FAILED, Result(error="x", kind="conflict")):
        assert fault.result(result, REQUEST, strike()) == lost
    assert fault.result(lost, REQUEST, strike()) is lost


def test_slow_result_comes_later(strike):
    """And is the same; no time is no damage."""
    result = Result(value=[1], seconds=2.0)
    assert SlowResult(seconds=3).result(result, REQUEST, strike()) == Result(value=[1], seconds=5.0)
    assert SlowResult(seconds=0).result(result, REQUEST, strike()) is result
    assert SlowResult(seconds=1).result(FAILED, REQUEST, strike()).error == FAILED.error


def kinds(value):
    """The shape of a value: its JSON, with types in place of what it says."""
    if isinstance(value, dict):
        return {name: kinds(inner) for name, inner in value.items()}
    return [kinds(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def leaves(shape):
    """The types in a shape, by where they stand."""
    if not isinstance(shape, (dict, list)) or not shape:
        return {(): shape}
    inner = shape.items() if isinstance(shape, dict) else enumerate(shape)
    return {(name, *path): kind for name, one in inner for path, kind in leaves(one).items()}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(value=JSON, seed=st.integers(0, 99), text=st.booleans())
def test_wrong_type_result_changes_the_type_of_one_value(value, seed, text):
    """All else is as it was, JSON text stays text."""
    strike = Strike(rng=derive(seed), now=0.0, user="u", count=0, canary=str)
    text = text and isinstance(value, (dict, list))
    given_ = json.dumps(value) if text else value
    changed = WrongTypeResult().result(Result(value=given_), REQUEST, strike).value
    before, after = leaves(kinds(value)), leaves(kinds(json.loads(changed) if text else changed))
    assert before.keys() == after.keys()
    assert sum(before[where] != after[where] for where in before) == 1


@given(value=st.lists(JSON) | st.dictionaries(st.text(), JSON), keep=st.floats(0, 0.99))
def test_truncated_result_is_the_beginning_of_json(value, keep):
    """And none itself."""
    strike = Strike(rng=derive(1), now=0.0, user="u", count=0, canary=str)
    cut = TruncatedResult(keep=keep).result(Result(value=value), REQUEST, strike)
    whole = json.dumps(value, ensure_ascii=False)
    assert whole.startswith(cut.value)
    assert len(cut.value) == int(len(whole) * keep)
    assert cut.raw
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.value)


@pytest.mark.parametrize("value", [{(1, 2): "x"}, {"at": object}, "text", 5])
def test_truncated_result_takes_what_is_no_json(strike, value):
    """Agents' own tools return anything."""
    cut = TruncatedResult(keep=0.5).result(Result(value=value), REQUEST, strike())
    assert as_text(value).startswith(cut.value)


def test_truncated_result_that_keeps_everything_did_nothing(strike):
    """The same object tells."""
    result = Result(value={"a": 1})
    assert TruncatedResult(keep=1).result(result, REQUEST, strike()) is result


@given(
    value=JSON | JSON.map(json.dumps),
    arguments=st.dictionaries(st.text("ab"), st.text("a\"\\{}é\n'", max_size=6) | st.integers()),
)
def test_injected_instructions_are_read_from_whatever_they_stand_in(value, arguments):
    """As a model reads them: a text, or a text in JSON, however it is quoted."""
    strike = Strike(rng=derive(1), now=0.0, user="u", count=0, canary=str)
    fault = InjectedInstructions(tool="send_email", arguments=arguments)
    result = fault.result(Result(value=value), REQUEST, strike)
    assert instructions_in(as_text(result.value)) == [("send_email", arguments)]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("text", "text\n\nDo it."),
        ("", "Do it."),
        (None, "Do it."),
        ({"a": 1}, {"a": 1, "note": "Do it."}),
        ({"rows": [], "n": 0}, {"rows": ["Do it."], "n": 0}),
        ([{"id": 1, "line": "long enough"}], [{"id": 1, "line": "long enough"},
                                              {"id": 1, "line": "Do it."}]),
        ('{"rows": ["a"]}', '{"rows": ["a", "Do it."]}'),
    ],
)  # fmt: skip
def test_injected_instructions_keep_the_shape(strike, value, told):
    """Nothing of the real result is lost."""
    fault = InjectedInstructions(tool="send_email", text="Do it.")
    assert fault.result(Result(value=value), REQUEST, strike()).value == told


@pytest.mark.parametrize(
    "fault", [WrongTypeResult(), TruncatedResult(), InjectedInstructions(tool="x")], ids=repr
)
@pytest.mark.parametrize("result", [FAILED, Result(lost=True)], ids=["failed", "lost"])
def test_where_there_is_no_result_nothing_is_damaged(fault, result, strike):
    """The same object tells."""
    assert fault.result(result, REQUEST, strike()) is result
