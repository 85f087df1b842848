import re
from random import Random

import pytest

from chaoskit.schema.regex import matching


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d{4}$",
        r"\d+",
        r"^(a|b)\1[^\W\d]+$",
        r"^.{3,5}$",
        r"^[^a-z\s]+$",
        r"^\S\s\S$",
        r"^(?P<year>\d{4})-(?P=year)$",
        r"^(?>ab)c*?$",
        r"^\D\W$",
        r"^[^x]y$",
        r"",
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_the_text_matches(pattern, seed):
    """By the word of `re`."""
    assert re.search(pattern, matching(pattern, Random(seed)))


def test_the_length_is_kept():
    """Where the pattern leaves a choice."""
    text = matching(r"^[a-z]+", Random(1), shortest=12, longest=12)
    assert len(text) == 12
    assert len(matching(r"^x*$", Random(1), shortest=5, longest=9)) in range(5, 10)


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)b", "[", r"^abc$(?<!c)", "a{99999999999999999999}"),
        *("a{100000000}", "(?:){100000000}b", "((a{1000}){1000}){1000}"),
    ],
)
def test_what_cannot_be_matched_gives_none(pattern):
    """Contradictions, and what is no pattern."""
    assert matching(pattern, Random(1)) is None
