"""A retry around a router: the router knows when somebody can be asked again."""

import pytest

from chaoskit_guards import AllProvidersFailed, Attempt, CircuitOpenError, RetryConfig, with_retry


def failed(*attempts):
    """The router's error after these attempts: provider, outcome, seconds to wait."""
    return AllProvidersFailed(
        tuple(
            Attempt(provider=provider, model="m", outcome=outcome, retry_after=wait)
            for provider, outcome, wait in attempts
        )
    )


@pytest.mark.parametrize(
    "error",
    [
        failed(("one", "rate_limited", 7.0)),
        failed(("one", "timeout", None), ("two", "server", None)),
        CircuitOpenError("one", 7.0),
    ],
)
def test_what_passes_by_itself_is_repeated(error):
    """A provider that can be asked again later is asked again later."""
    waits, answers = [], [error, "answer"]

    @with_retry(RetryConfig(jitter=False), sleep=waits.append)
    def ask():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert ask() == "answer"
    assert waits == [error.retry_after or 1.0]


@pytest.mark.parametrize(
    "error",
    [
        failed(("one", "auth", None), ("two", "skipped", None)),
        CircuitOpenError("one", float("inf")),
    ],
)
def test_what_does_not_pass_by_itself_is_not_repeated(error):
    """Wrong credentials and a provider that was taken out stay what they are."""
    waits = []

    @with_retry(RetryConfig(), sleep=waits.append)
    def ask():
        raise error

    with pytest.raises(type(error)):
        ask()
    assert waits == []


def test_the_wait_is_what_each_provider_said_last():
    """An earlier and shorter wait of the same provider is over."""
    error = failed(("one", "rate_limited", 2.0), ("two", "timeout", None), ("one", "skipped", 9.0))

    assert error.retry_after == 9.0
