"""What a retry promises for every sequence of failures."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit_guards.errors import RetryAfterTooLong
from chaoskit_guards.failures import classify
from chaoskit_guards.retry import RETRYABLE_STATUS_CODES, RetryConfig, with_retry
from chaoskit_guards.waits import retry_after


class Refusal(Exception):
    """An SDK's error, by what it carries."""

    def __init__(self, status, wait):
        super().__init__(status)
        self.status_code = status
        headers = {} if wait is None else {"retry-after": str(wait)}
        self.response = type("Response", (), {"status_code": status, "headers": headers})()


CONFIGS = st.builds(
    RetryConfig,
    max_attempts=st.integers(1, 6),
    base_delay=st.floats(0, 5),
    max_delay=st.floats(0, 60),
    jitter=st.sampled_from([True, False, "full", "equal", "decorrelated"]),
    max_retry_after=st.floats(0, 200),
    deadline=st.none() | st.floats(0.1, 300),
)
FAILURES = st.lists(
    st.tuples(
        st.sampled_from([400, 401, 408, 429, 500, 503, 529]),
        st.none() | st.floats(0, 300).map(lambda wait: round(wait, 3)),
    ),
    max_size=8,
)


@given(CONFIGS, FAILURES, st.integers(0, 2**16), st.floats(0, 5))
@settings(deadline=None, max_examples=300)
def test_waits_attempts_and_deadline_are_kept(config, failures, seed, latency):
    """Never early, never too often, never too late, and nothing final is repeated."""
    now, sleeps, asked, calls = [0.0], [], [], []

    def sleep(seconds):
        sleeps.append(seconds)
        now[0] += seconds

    def call():
        calls.append(now[0])
        now[0] += latency
        if len(calls) <= len(failures):
            error = Refusal(*failures[len(calls) - 1])
            asked.append(classify(error).retry_after or 0.0)
            raise error
        return "answer"

    guarded = with_retry(config, clock=lambda: now[0], sleep=sleep, rng=random.Random(seed))(call)
    wanted = None
    try:
        guarded()
    except RetryAfterTooLong as error:
        wanted = error.retry_after
    except Refusal:
        assert calls
    if wanted is not None:
        assert wanted == asked[-1]
    assert len(calls) <= config.max_attempts
    assert all(wait >= least for wait, least in zip(sleeps, asked, strict=False))
    assert all(
        wait <= config.max_delay or least for wait, least in zip(sleeps, asked, strict=False)
    )
    repeated = [failures[index][0] for index in range(len(sleeps))]
    assert all(status in RETRYABLE_STATUS_CODES for status in repeated)
    if config.deadline is not None:
        assert all(began < config.deadline for began in calls)


@given(st.text(max_size=40), st.sampled_from(["retry-after", "retry-after-ms"]))
def test_no_header_breaks_the_reading(text, name):
    """Whatever stands in it, there is a finite wait or none."""
    wait = retry_after({name: text}, resets=True, now=1.8e9)
    assert wait is None or 0 <= wait < float("inf")
