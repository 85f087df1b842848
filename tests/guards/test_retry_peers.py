"""What the provider asks for, told to the retry libraries of others."""

import asyncio
import random
from concurrent.futures import Future

import anthropic
import pytest

from chaoskit_guards.errors import RetryAfterTooLong
from chaoskit_guards.retry_peers import retry_or_wait, wait_retry_after
from failing_calls import refusal


class Outcome(Future):
    """As tenacity keeps it: a future that knows whether it failed."""

    @property
    def failed(self):
        return self.exception() is not None


class State:
    """What tenacity hands to a wait strategy."""

    attempt_number = 2

    def __init__(self, error=None):
        self.outcome = Outcome()
        if error is None:
            self.outcome.set_result("not yet")
        else:
            self.outcome.set_exception(error)


def test_a_wait_of_tenacity_is_never_shorter_than_asked():
    """With jitter on top; what asks for nothing waits as before."""
    waits = {
        wait_retry_after(lambda state: 0.5, rng=random.Random(seed))(
            State(refusal(429, retry_after="7"))
        )
        for seed in range(20)
    }
    assert len(waits) == 20
    assert all(7 <= wait <= 10.5 for wait in waits)
    wait = wait_retry_after(lambda state: 0.5)
    assert [wait(State(refusal(500))), wait(State(ValueError())), wait(State())] == [0.5] * 3


def test_a_wait_of_tenacity_that_is_too_long_ends_the_retries():
    """With the wanted time on the error."""
    error = refusal(429, retry_after="600")
    with pytest.raises(RetryAfterTooLong) as caught:
        wait_retry_after(lambda state: 0.5)(State(error))
    assert (caught.value.retry_after, caught.value.attempts) == (600, 2)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal(500), True),
        (ConnectionError(), True),
        (refusal(400), False),
        (TypeError(), False),
        (refusal(500, x_should_retry="false"), False),
        (refusal(429, retry_after="600"), False),
        (asyncio.CancelledError(), False),
        (RetryAfterTooLong("no", retry_after=1, attempts=1, status_code=429), False),
    ],
)
def test_a_hook_of_stamina_says_what_may_pass(error, expected):
    """And a wait where the provider asks for one."""
    assert retry_or_wait(error) is expected
    assert 7 <= retry_or_wait(refusal(429, retry_after="7")) <= 10.5


def test_tenacity_itself_takes_the_strategy():
    """Waits and the end of the retries are those of the provider."""
    tenacity = pytest.importorskip("tenacity")
    slept = []
    errors = [refusal(429, retry_after="7"), refusal(503), refusal(429, retry_after="600")]

    @tenacity.retry(
        wait=wait_retry_after(tenacity.wait_fixed(0.5)),
        stop=tenacity.stop_after_attempt(9),
        sleep=slept.append,
    )
    def call():
        raise errors.pop(0)

    with pytest.raises(RetryAfterTooLong):
        call()
    assert 7 <= slept[0] <= 10.5
    assert slept[1:] == [0.5]


def test_stamina_itself_takes_the_hook(monkeypatch):
    """What cannot pass is raised as it is."""
    stamina = pytest.importorskip("stamina")
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    errors = [refusal(429, retry_after="7"), refusal(400)]

    @stamina.retry(on=retry_or_wait, attempts=9, wait_initial=0)
    def call():
        raise errors.pop(0)

    with pytest.raises(anthropic.BadRequestError):
        call()
    assert 7 <= slept[0] <= 10.5
