"""What a model may pass to a tool, and what it is told when it passes something else."""

import asyncio
import collections.abc
import datetime as dt
import decimal
import enum
import pickle
import typing
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal

import annotated_types
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards.errors import ArgError
from chaoskit_guards.vet import Arg, ArgSpec, Vet
from vetted_search import Condition, Model, Options, Search, problems, search


class Tree(ArgSpec):
    name: str
    children: list["Tree"] = []  # noqa: RUF012 - a default, copied for every call


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: int = 0
    tags: list[str] = field(default_factory=list)

    def __post_init__(self):
        if self.x > 100:
            raise ValueError(f"secret {self.x}")


def accepts(hint, value):
    """The value that a tool with one argument of that hint gets."""

    def tool(a):
        return a

    tool.__annotations__ = {"a": hint}
    return Vet().guard()(tool)(a=value)


def test_good_arguments_reach_the_tool_with_defaults_and_objects():
    """Defaults are not shared between calls."""
    tool = Vet().guard(schema=Search)(search)
    got = tool(query="x", filters=[{"field": "a"}], threshold=1)
    assert got == ("x", 10, [Condition(field="a", op="eq")], None, 1.0)
    first, second = tool(query="x")[2], tool(query="x")[2]
    first.append(1)
    assert second == []


def test_all_problems_are_told_at_once_with_their_places_and_near_names():
    """And none quotes a value."""
    tool = Vet().guard(schema=Search)(search)
    assert problems(
        tool,
        qeury="sk-secret",
        limit=99,
        filters=[{"fild": "sk-secret", "op": "nee"}],
        tag=["sk-secret"],
        threshold=float("nan"),
    ) == {
        "/qeury": "is unknown; did you mean 'query'?",
        "/query": "is missing, must be a string",
        "/limit": "must be at most 50",
        "/filters/0/fild": "is unknown; did you mean 'field'?",
        "/filters/0/field": "is missing, must be a string",
        "/filters/0/op": "must be one of 'eq', 'ne'; did you mean 'ne'?",
        "/tag": "must be a string, not a list",
        "/threshold": "must be a number",
    }


def test_the_error_is_fit_for_the_model_for_logs_and_for_other_processes():
    """Short, marked as an error, without any value."""
    tool = Vet().guard(schema=Search)(search)
    with pytest.raises(ArgError) as caught:
        tool(query=["sk-secret"], filters=[{"field": 7}])
    error = caught.value
    assert str(error) == (
        "query: must be a string, not a list; filters[0].field: must be a string, not an integer"
    )
    assert error.tool_result("toolu_1") == {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": (
            f"The tool search did not run because its arguments are wrong: {error}. "
            "Call it again with corrected arguments."
        ),
        "is_error": True,
    }
    assert error.tool_result("c", "openai")["role"] == "tool"
    assert error.tool_result("c", "openai_responses")["type"] == "function_call_output"
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.tool, copy.problems) == (str(error), "search", error.problems)
    assert "sk-secret" not in repr(vars(error))


def test_the_message_is_bounded():
    """A thousand problems are not a thousand lines."""
    tool = Vet().guard(schema=Search)(search)
    with pytest.raises(ArgError) as caught:
        tool(query="x", filters=[7] * 1000)
    assert str(caught.value).endswith("and 992 more")
    assert len(str(caught.value)) < 600


def test_names_that_are_no_names_are_not_repeated():
    """They may be anything."""
    tool = Vet().guard(schema=Search)(search)
    assert problems(tool, query="x", **{"a" * 41: 1, "sk secret": 2}) == {"": "has an unknown name"}


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (str, "x", "x"),
        (int, 3, 3),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (None, None, None),
        (Any, {"x": [1]}, {"x": [1]}),
        (int | str, "3", "3"),
        (typing.Optional[int], None, None),  # noqa: UP045 - the older spelling is understood too
        (Literal["a", 1], 1, 1),
        (Colour, "red", Colour.RED),
        (list[int], [1, 2], [1, 2]),
        (set[str], ["a", "b"], {"a", "b"}),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[int, ...], [1, 2], (1, 2)),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (collections.abc.Sequence[str], ["a"], ["a"]),
        (list, [1, "a"], [1, "a"]),
        (dict, {"a": 1}, {"a": 1}),
        (Point, {"x": 1}, Point(1)),
        (Options, {"deep": True}, {"deep": True}),
        (Condition, {"field": "a"}, Condition(field="a")),
        (Model, {"query": "x"}, Model(query="x")),
        (dt.date, "2026-11-22", dt.date(2026, 11, 22)),
        (uuid.UUID, "0" * 32, uuid.UUID(int=0)),
        (decimal.Decimal, "0.1", decimal.Decimal("0.1")),
        (typing.NewType("Id", int), 3, 3),
        (Annotated[int, annotated_types.Ge(1)], 1, 1),
        (Annotated[int, annotated_types.Interval(ge=1, le=9)], 9, 9),
        (Annotated[str, pydantic.Field(max_length=2, description="short")], "ab", "ab"),
        (Annotated[str, Arg(pattern="^a+$")], "aa", "aa"),
        (Annotated[float, Arg(multiple_of=0.1)], 0.3, 0.3),
        (Annotated[list[int], Arg(min_length=1, max_length=2)], [1], [1]),
    ],
)
def test_annotations_admit_what_they_say(hint, value, expected):
    """And convert what JSON cannot say."""
    made = accepts(hint, value)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (str, 3, "must be a string, not an integer"),
        (int, "3", "must be an integer, not a string"),
        (int, True, "must be an integer, not a boolean"),
        (int, 3.5, "must be an integer"),
        (float, float("inf"), "must be a number"),
        (bool, 1, "must be a boolean, not an integer"),
        (None, 0, "must be null, not an integer"),
        (str, None, "must be a string, not null"),
        (int | str, [], "must be an integer or a string, not a list"),
        (Literal[1], True, "must be 1"),
        (Literal["a"], ["a"], "must be 'a'"),
        (Colour, "rde", "must be one of 'red', 'blue'; did you mean 'red'?"),
        (set[str], ["a", "a"], "must not hold the same item twice"),
        (tuple[int, str], [1], "must be a list of 2 items"),
        (Point, {"x": 101}, "is not a valid Point"),
        (Model, {"query": "x", "limt": 1}, "is unknown; did you mean 'limit'?"),
        (Model, {"query": "hunter2"}, "is not valid"),
        (Model, {"query": 1}, "Input should be a valid string"),
        (Model, [], "must be an object"),
        (dt.date, "today", "must be a date such as '2026-11-22'"),
        (Annotated[int, Arg(gt=1)], 1, "must be more than 1"),
        (Annotated[int, Arg(lt=1)], 1, "must be less than 1"),
        (Annotated[int, Arg(multiple_of=5)], 7, "must be a multiple of 5"),
        (Annotated[str, Arg(min_length=2)], "a", "must have at least 2 characters, has 1"),
        (Annotated[str, Arg(pattern="^a+$")], "b", "must match the pattern '^a+$'"),
        (Annotated[list[int], Arg(max_length=1)], [1, 2], "must have at most 1 item, has 2"),
        (Annotated[int | None, Arg(ge=1)], 0, "must be at least 1"),
    ],
)
def test_annotations_refuse_the_rest_and_say_why(hint, value, message):
    """Strictly: nothing is guessed."""
    with pytest.raises(ArgError) as caught:
        accepts(hint, value)
    assert message in [problem.message for problem in caught.value.problems]


def test_declarations_may_contain_themselves():
    """To any depth that a call can have."""

    def plant(name, children):
        return children

    tool = Vet().guard(schema=Tree)(plant)
    got = tool(name="a", children=[{"name": "b", "children": [{"name": "c"}]}])
    assert got == [Tree(name="b", children=[Tree(name="c", children=[])])]
    deep = {"name": "x"}
    for _ in range(3000):
        deep = {"name": "x", "children": [deep]}
    assert problems(tool, **deep) == {"": "is nested too deeply"}
    assert tool.schema()["input_schema"]["properties"]["children"]["items"] == {"type": "object"}


def test_repairs_are_off_until_they_are_asked_for():
    """Strict first."""
    tool = Vet().guard(schema=Search)(search)
    assert set(problems(tool, query="x", filters='[{"field": "a"}]', limit=None)) == {
        "/filters",
        "/limit",
    }


def test_repairs_lose_nothing_and_are_told():
    """JSON text for a list or object, null for what may be absent."""
    told = []
    tool = Vet(repair=True, listener=told.append).guard(schema=Search)(search)
    got = tool(query='["a"]', filters='[{"field": "a"}]', limit=None, tag=None)
    assert got == ('["a"]', 10, [Condition(field="a", op="eq")], None, 0.5)
    assert told[0].values["places"] == ("/filters", "/limit")
    assert problems(tool, query=None) == {"/query": "must be a string, not null"}
    assert problems(tool, query="x", filters='{"field": "a"}') == {
        "/filters": "must be a list, not a string"
    }


def test_a_string_is_never_unwrapped_where_a_string_may_be():
    """In a choice between a list and a string it is the string."""

    def tool(a: list[str] | str, b: list[int] | dict[str, int]):
        return a, b

    guarded = Vet(repair=True).guard()(tool)
    assert guarded(a='["x"]', b="[1]") == ('["x"]', [1])


def test_unknown_arguments_may_be_dropped():
    """As a policy of the whole vet."""
    tool = Vet(unknown="drop").guard(schema=Search)(search)
    assert tool(query="x", extra=1)[0] == "x"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('{"query": "x"', "the arguments are no valid JSON, or cut off"),
        ("[1]", "the arguments must be an object, not a list"),
        (7, "the arguments must be an object, not an integer"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_a_model_wrote_is_checked_as_text_too(written, message):
    """Cut off, no object, or a bomb."""
    tool = Vet().guard(schema=Search)(search)
    with pytest.raises(ArgError, match=message):
        tool.from_model(written)
    assert tool.from_model('{"query": "x"}')[0] == "x"
    assert Vet().guard()(lambda: "ran").from_model("") == "ran"
    assert Vet().guard()(lambda: "ran").from_model(None) == "ran"


def test_tools_are_dispatched_by_name():
    """An unknown one is an error for the model too."""
    vet = Vet()
    vet.guard(schema=Search)(search)
    assert vet.dispatch("search", {"query": "x"})[0] == "x"
    with pytest.raises(ArgError, match="did you mean 'search'"):
        vet.dispatch("serach", {})


def test_async_tools_stay_async():
    """Callable objects too."""

    class Tool:
        async def __call__(self, query: str):
            return query

    async def function(query: str):
        return query

    for bare in (Tool(), function, partial(function)):
        tool = Vet().guard()(bare)
        assert asyncio.run(tool(query="x")) == "x"
        assert asyncio.run(tool.from_model('{"query": "y"}')) == "y"
        with pytest.raises(ArgError):
            asyncio.run(tool(query=1))


def test_an_error_is_bounded_whatever_the_model_sends():
    """Neither its text nor what it carries grows with the arguments."""
    vet = Vet()

    @vet.guard()
    def search(query: str) -> None:
        """Search."""

    with pytest.raises(ArgError, match="and 9993 more") as refused:
        vet.dispatch("search", {f"k{n}": n for n in range(10_000)})
    assert len(pickle.dumps(refused.value)) < 10_000
    assert len(str(refused.value)) < 1_000


def test_null_may_stand_for_absent_as_a_policy_of_its_own():
    """Where an argument may be absent; nothing else is repaired, and it is told."""
    told = []
    vet = Vet(null="absent", listener=told.append)
    tool = vet.guard(schema=Search)(search)
    assert tool(query="x", filters=[{"field": "a", "op": None}], limit=None, tag=None) == (
        "x",
        10,
        [Condition(field="a", op="eq")],
        None,
        0.5,
    )
    assert set(told[0].values["places"]) == {"/limit", "/filters/0/op"}
    assert not vet.strict
    assert problems(tool, query=None) == {"/query": "must be a string, not null"}
    assert set(problems(tool, query="x", filters='[{"field": "a"}]')) == {"/filters"}
    assert set(problems(Vet().guard(schema=Search)(search), query="x", limit=None)) == {"/limit"}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('{"query": "x", "query": "y"}', "one name twice"),
        ('{"query": "x", "filters": [{"field": "a", "field": "b"}]}', "one name twice"),
        ('{"query": "x", "weight": NaN}', "NaN"),
        ('{"query": "x", "weight": -Infinity}', "-Infinity"),
    ],
)
def test_json_that_python_reads_and_nobody_else_is_refused(written, message):
    """What the model meant is not known."""
    with pytest.raises(ArgError, match=message):
        Vet().guard(schema=Search)(search).from_model(written)


def test_text_within_repaired_text_is_read_as_strictly():
    """A list that names a member twice stays a string, which is refused."""
    tool = Vet(repair=True).guard(schema=Search)(search)
    twice = '[{"field": "a", "field": "b"}]'
    assert set(problems(tool, query="x", filters=twice)) == {"/filters"}


def test_a_value_that_contains_itself_is_refused():
    """Not followed for ever."""

    class Tree(ArgSpec):
        children: list["Tree"] = []  # noqa: RUF012 - a declaration, never shared

    knot = {}
    knot["children"] = [knot]
    tool = Vet().guard(schema=Tree)(lambda children: children)
    with pytest.raises(ArgError, match="nested too deeply"):
        tool(**knot)


PLAIN = {
    "a string": (str, st.text()),
    "an integer": (int, st.integers()),
    "a boolean": (bool, st.booleans()),
}
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)


@given(st.sampled_from(sorted(PLAIN)), st.lists(VALUES, max_size=5))
def test_lists_of_plain_values_are_checked_item_by_item(kind, values):
    """However long the part is that is right."""
    hint, _ = PLAIN[kind]

    def tool(it):
        return it

    tool.__annotations__ = {"it": list[hint]}
    wrong = {
        f"/it/{at}"
        for at, value in enumerate(values)
        if type(value) is not hint
        and not (hint is int and type(value) is float and value.is_integer())
    }
    guarded = Vet().guard()(tool)
    if wrong:
        assert set(problems(guarded, it=values)) == wrong
    else:
        assert guarded(it=values) == values
        assert guarded(it=values) is not values
