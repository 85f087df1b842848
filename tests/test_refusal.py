import pytest

from chaoskit.exchange import Refusal

WALL = 1_700_000_000.25  # 2023-11-14 22:13:20.25 UTC


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ("seconds", {"retry-after": "7"}),
        ("ms", {"retry-after": "7", "retry-after-ms": "6500"}),
        ("date", {"retry-after": "Tue, 14 Nov 2023 22:13:27 GMT"}),
    ],
)
def test_retry_headers_never_ask_for_less(form, headers):
    """6.5 seconds are 7 whole ones, 6500 milliseconds, or the next full second of the clock."""
    refusal = Refusal(kind="rate_limited", retry_after=6.5, retry_after_form=form)
    assert headers == refusal.retry_headers(WALL)


def test_a_refusal_that_asks_for_no_wait_has_no_such_header():
    """Nothing is said where nothing is known."""
    assert Refusal(kind="overloaded").retry_headers(WALL) == {}
