import json
from random import Random

import pytest

from chaoskit.errors import UsageError
from chaoskit.tool import FakerResult, SizedResult, TextResult
from chaoskit.tools.results import make


def test_rows_depend_on_the_generator_alone():
    """Two equal generators, two equal results; another, another."""
    settings = FakerResult(rows=4)
    assert make(settings, Random(1)) == make(settings, Random(1))
    assert make(settings, Random(1)) != make(settings, Random(2))
    assert len(make(settings, Random(1))) == 4


def test_fields_name_providers_with_their_arguments():
    """What JSON cannot hold becomes text."""
    fields = {"city": "city", "n": {"provider": "pyint", "max_value": 3}, "price": "pydecimal"}
    (row,) = make(FakerResult(rows=1, fields=fields), Random(1))
    assert list(row) == ["city", "n", "price"]
    assert 0 <= row["n"] <= 3
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize("how", ["no_such_provider", {"provider": "pyint", "highest": 3}, {}])
def test_an_unknown_provider_is_the_users_mistake(how):
    """The message shows it."""
    with pytest.raises(UsageError, match="Faker cannot make"):
        make(FakerResult(fields={"x": how}), Random(1))


@pytest.mark.parametrize("tokens", [1, 50, 3000])
def test_a_sized_text_has_its_size(tokens):
    """Four characters a token."""
    assert len(make(SizedResult(tokens=tokens), Random(1))) == tokens * 4


def test_a_text_and_a_literal_are_themselves():
    """The literal as a copy."""
    literal = [{"a": 1}]
    assert make(TextResult(text="hi"), Random(1)) == "hi"
    assert make(literal, Random(1)) == literal
    assert make(literal, Random(1)) is not literal
