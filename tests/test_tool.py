import pytest
from pydantic import TypeAdapter, ValidationError

from chaoskit.tool import FakerResult, SizedResult, TextResult, ToolSettings, as_text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"from": "faker", "rows": 2}, FakerResult(rows=2)),
        ({"text": "hi"}, TextResult(text="hi")),
        ({"tokens": 30}, SizedResult(tokens=30)),
        ({"text": "hi", "id": 1}, {"text": "hi", "id": 1}),
        ([], []),
        ("plain", "plain"),
        (FakerResult(), FakerResult()),
    ],
)
def test_results_are_told_apart_by_their_form(written, read):
    """Whatever is none of the special forms is the literal value."""
    assert ToolSettings(name="t", result=written).result == read


@pytest.mark.parametrize(
    "wrong",
    [
        {"result": {"from": "faker", "row": 2}},
        {"result": {"from": "nowhere"}},
        {"result": {"tokens": "many"}},
        {"input": {"query": "text"}},
        {"input": {"query": 5}},
        {"real": True, "error": "boom"},
        {"latency": "soon"},
        {"nmae": "t"},
        {"name": ""},
    ],
)
def test_wrong_settings_are_refused(wrong):
    """In construction."""
    with pytest.raises(ValidationError):
        ToolSettings(**{"name": "t", **wrong})


def test_the_short_form_of_the_input_becomes_a_schema():
    """A question mark makes an argument optional, a table is its own schema."""
    tool = ToolSettings(name="t", input={"q": "string", "n": "integer?", "tag": {"enum": ["a"]}})
    assert tool.schema == {
        "type": "object",
        "properties": {"q": {"type": "string"}, "n": {"type": "integer"}, "tag": {"enum": ["a"]}},
        "required": ["q", "tag"],
    }


def test_a_full_schema_is_kept():
    """Also one without properties."""
    assert ToolSettings(name="t", input={"type": "object"}).schema == {"type": "object"}


def test_the_settings_have_a_json_schema():
    """Editors read it."""
    schema = TypeAdapter(ToolSettings).json_schema()
    assert {"name", "input", "result", "patch", "real"} <= set(schema["properties"])


class Broken:
    """Not even its repr works."""

    def __repr__(self):
        raise RuntimeError


def test_any_value_becomes_text_without_addresses():
    """Journals of equal runs are equal."""
    circle = []
    circle.append(circle)
    values = [{"a": object()}, {(1, 2): 3}, circle, Broken(), {"b": Broken()}, b"x", "as is"]
    assert [as_text(value) for value in values] == [
        '{"a": "<object object>"}',
        "{(1, 2): 3}",
        "[[...]]",
        '"<Broken>"',
        '{"b": "<Broken>"}',
        "\"b'x'\"",
        "as is",
    ]
