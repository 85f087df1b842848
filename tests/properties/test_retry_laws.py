"""What a retry promises for every sequence of failures."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit_guards.errors import RetryAfterTooLong
from chaoskit_guards.failures import classify, sdk_retries
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


NEARLY = st.text("0123456789.,:+-eE_ GMTFriJan/Zhms\t", max_size=40)
"""Texts that look like numbers, durations and dates."""


@given(
    st.one_of(st.text(max_size=40), NEARLY, st.floats().map(str), st.integers().map(str)),
    st.sampled_from(["retry-after", "retry-after-ms", "date", "x-ratelimit-reset-tokens"]),
)
@settings(deadline=None, max_examples=300)
def test_no_header_breaks_the_reading(text, name):
    """Whatever stands in it, there is a wait of less than a year, or none."""
    headers = {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", name: text}
    wait = retry_after(headers, resets=True, now=1.8e9)
    assert wait is None or 0 <= wait <= 366 * 86_400


ANYTHING = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["response", "headers", "request", "body", "status", "status_code", "code", "type"]
        ),
        ANYTHING,
    )
)
@settings(deadline=None, max_examples=300)
def test_no_exception_breaks_the_classification(attributes):
    """Whatever it carries in the places where an SDK keeps something."""
    error = RuntimeError()
    error.__dict__.update(attributes)
    assert classify(error).kind
    assert isinstance(sdk_retries(error), int)


class Layers:
    """Fails as it is told, attempt after attempt."""

    def __init__(self, failures):
        self.failures = iter(failures)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if next(self.failures, False):
            raise ConnectionError


@given(st.lists(st.booleans(), max_size=40), st.lists(st.booleans(), max_size=40))
def test_layers_share_the_attempts(inner, outer):
    """Two layers of four: never the sixteen attempts of layers that know nothing of each other."""
    config = RetryConfig(max_attempts=4, jitter=False, base_delay=0)
    call, after = Layers(inner), Layers(outer)
    retried = with_retry(config, sleep=lambda seconds: None)(call)

    def both():
        retried()
        after()

    try:
        with_retry(config, sleep=lambda seconds: None)(both)()
    except ConnectionError:
        assert call.calls
    # The first attempt of the outer layer may take four; all later ones together share three.
    assert call.calls <= 4 + 3
    assert after.calls <= 4
