"""A schema is one, or is told why not."""

import functools

import pytest

from chaoskit.schema.flaw import _flaw, flaw


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({}, ""),
        ({"type": "string", "pattern": r"^\p{L}+$"}, ""),
        ({"$ref": "#/$defs/elsewhere"}, ""),
        ({"type": "nope"}, "'nope' is not valid under any of the given schemas"),
        ({"items": []}, "[] is not of type 'object', 'boolean'"),
        ({"minLength": -1}, "-1 is less than the minimum of 0"),
        (
            functools.reduce(lambda inner, _: {"not": inner}, range(900), {}),
            "it is nested too deeply",
        ),
    ],
)
def test_flaw_is_that_of_the_draft(inner, expected):
    """References and patterns are no matter of the draft."""
    assert flaw({"type": "object", "properties": {"a": inner}}) == expected


def test_large_schemas_are_not_remembered():
    """Or those of strangers would fill the memory."""
    before = _flaw.cache_info().currsize
    assert flaw({"description": "x" * 70_000}) == ""
    assert _flaw.cache_info().currsize == before
