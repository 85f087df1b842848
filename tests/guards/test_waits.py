"""Every form in which a provider says how long to wait."""

import pytest

from chaoskit_guards.waits import quotas, reset_after, retry_after, should_retry

NOW = 1_800_000_000.0
"""2027-01-15 08:00:00 GMT."""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "junk", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 07:59:00 GMT"}, 0.0),
        ({"retry-after": "Friday, 15-Jan-27 08:00:30 GMT"}, 30.0),
        ([("Retry-After", "4")], 4.0),
        ([("Retry-After", "4"), ("retry-after", "9")], 9.0),
        ([(b"Retry-After", b"4")], 4.0),
        ({"retry-after": ["4"]}, 4.0),
        ({"retry-after": 4}, 4.0),
        ({"retry-after": "4, 9"}, 9.0),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": "\u0664"}, None),
        ({"retry-after": "1800000042"}, 42.0),
        ({"retry-after": "1e300"}, None),
        ({"retry-after": "99999999"}, None),
        ({"retry-after-ms": "1e300", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 15 Jan 2100 08:00:00 GMT"}, None),
        ("junk", None),
        (7, None),
        ([("retry-after",), 5], None),
        ({}, None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers, expected):
    """Seconds, milliseconds and dates are understood; junk is nothing."""
    assert expected == retry_after(headers, now=NOW)


def test_a_date_is_read_against_the_date_of_the_answer():
    """A wrong local clock does not change the wait."""
    headers = {
        "date": "Fri, 15 Jan 2027 08:00:00 GMT",
        "retry-after": "Fri, 15 Jan 2027 08:00:20 GMT",
    }
    assert retry_after(headers, now=NOW + 3600) == 20.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6ms", 0.006),
        ("8.64s", 8.64),
        ("1m0s", 60.0),
        ("6m0s", 360.0),
        ("1h30m0s", 5400.0),
        ("12", 12.0),
        ("1800000042", 42.0),
        ("1800000042000", 42.0),
        ("2027-01-15T08:00:05Z", 5.0),
        ("2027-01-15T07:00:00Z", 0.0),
        ("later", None),
        ("5x3s", None),
    ],
)
def test_resets_are_read_in_every_form(text, expected):
    """Go durations, RFC 3339, seconds and epochs."""
    (quota,) = quotas({"x-ratelimit-reset-requests": text}, now=NOW)
    assert quota.reset == (None if expected is None else pytest.approx(expected))


def test_resets_speak_only_where_retry_after_is_missing():
    """Retry-After wins; without `resets` the reset headers are not asked."""
    headers = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}
    assert retry_after(headers, resets=True, now=NOW) == 9.0
    assert None is retry_after(headers, now=NOW)
    assert retry_after({**headers, "retry-after": "2"}, resets=True, now=NOW) == 2.0


def test_the_exhausted_limit_decides_the_reset():
    """A limit with room left does not lengthen the wait."""
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:03Z",
        "anthropic-ratelimit-tokens-remaining": "30000",
        "anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:50Z",
    }
    assert reset_after(headers, now=NOW) == 3.0


def test_the_limit_nearest_to_exhaustion_speaks_when_none_is_exhausted():
    """Vendors round what remains, so that nothing may read zero."""
    headers = {
        "x-ratelimit-limit-requests": "50",
        "x-ratelimit-remaining-requests": "40",
        "x-ratelimit-reset-requests": "2s",
        "x-ratelimit-limit-tokens": "40000",
        "x-ratelimit-remaining-tokens": "1000",
        "x-ratelimit-reset-tokens": "30s",
    }
    assert reset_after(headers, now=NOW) == 30.0


def test_negative_remaining_counts_as_nothing_left():
    """One cloud sends it."""
    (quota,) = quotas({"x-ratelimit-remaining-tokens": "-5"}, now=NOW)
    assert quota.remaining == 0


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("false", False), ("?", None)])
def test_should_retry_is_read(text, expected):
    """Only the two words mean something."""
    assert expected is should_retry({"X-Should-Retry": text})
