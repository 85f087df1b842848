import json

import pytest

from chaoskit.facts import LONGEST, fact_in

LINE = "The queue of the checkout service was full from 9:14 until 9:52."


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (json.dumps({"title": "Disk is full", "id": "INC-4711"}), "INC-4711"),
        (json.dumps([{"title": "Disk is full", "owner": "Ada"}]), "Disk is full"),
        (json.dumps({"total": 1234567, "page": 1}), "1234567"),
        ("{'id': 'INC-12', 'title': 'cut off in the mid", "INC-12"),
        (f"Log of today\n{LINE}\nok", LINE),
        ("found 5", "found 5"),
        ("", None),
        ("[]", "[]"),
    ],
)
def test_the_most_distinctive_string_is_the_fact(text, fact):
    """An id, then prose, then the longest."""
    assert fact_in(text) == fact


def test_what_the_question_says_already_proves_nothing():
    """Another string is preferred, also a shorter one."""
    text = json.dumps({"query": "checkout INC-4711", "cause": "disk"})
    assert fact_in(text, known="Why checkout INC-4711 again?") == "disk"
    assert fact_in('["INC-1"]', known="What is INC-1?") == "INC-1"


def test_a_long_string_is_cut_at_a_word():
    """The rest stays verbatim."""
    fact = fact_in(json.dumps({"text": "word " * 60}))
    assert len(fact) <= LONGEST
    assert fact == ("word " * 16).strip()


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"api_key": "abc-def-ghi"}),
        json.dumps({"note": "A1b2" * 10}),
        json.dumps({"note": "postgres://app:pw@db/prod"}),
        json.dumps({"note": "Authorization: Bearer abc"}),
        '{"password": "hunter", "cut',
        "password=hunter",
    ],
)
def test_a_credential_is_never_a_fact(text):
    """By its name or by its looks."""
    assert fact_in(text) is None
