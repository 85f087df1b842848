"""What is repeated, how long it waits, and what it never does."""

import asyncio
import concurrent.futures
import logging
import pickle
import random
from dataclasses import dataclass
from functools import partial

import anthropic
import httpx2
import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.errors import RetryAfterTooLong, RetryExhausted
from chaoskit_guards.retry import (
    RetryBudget,
    RetryConfig,
    current_attempt,
    with_retry,
    without_sdk_retries,
)

EXACT = RetryConfig(jitter=False)
CLIENT = anthropic.Anthropic(api_key="k")


def refusal(status, **headers):
    """An exception of the installed SDK."""
    request = httpx2.Request("POST", "https://api.example.test/v1/messages")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=names, json={}, request=request)
    return CLIENT._make_status_error("no", body={}, response=response)


class Flaky:
    """Raises the given errors one after the other, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def run(config, flaky, clock, **kwargs):
    """Call `flaky` under a retry on the fake clock."""
    return with_retry(config, clock=clock, sleep=clock.sleep, **kwargs)(flaky)()


def test_backoff_doubles_and_is_capped(clock):
    """1, 2, 4 … seconds, never above max_delay."""
    config = RetryConfig(max_attempts=5, jitter=False, max_delay=3)
    assert run(config, Flaky(*[refusal(500)] * 4), clock) == "answer"
    assert clock.sleeps == [1, 2, 3, 3]


def test_the_wait_asked_for_is_exact_without_jitter(clock):
    """Retry-After in place of the backoff, in milliseconds too."""
    run(EXACT, Flaky(refusal(429, retry_after="7"), refusal(429, retry_after_ms="250")), clock)
    assert clock.sleeps == [7, 0.25]


def test_a_wait_of_zero_means_the_own_backoff(clock):
    """As the SDKs read it; nobody hammers."""
    run(EXACT, Flaky(refusal(429, retry_after="0")), clock)
    assert clock.sleeps == [1]


def test_jitter_is_added_to_the_wait_asked_for_never_taken(clock):
    """Those who were refused together come back apart, and none early."""
    waits = set()
    for seed in range(20):
        clock.sleeps.clear()
        run(
            RetryConfig(),
            Flaky(refusal(429, retry_after="7")),
            clock,
            rng=random.Random(seed),
        )
        waits.add(clock.sleeps[0])
    assert len(waits) == 20
    assert min(waits) >= 7
    assert max(waits) - min(waits) > 2


@pytest.mark.parametrize(
    ("jitter", "low", "high"), [(True, 0, 1), ("equal", 0.5, 1), ("decorrelated", 1, 3)]
)
def test_each_kind_of_jitter_stays_in_its_range(clock, jitter, low, high):
    """And differs between callers."""
    for seed in range(20):
        run(RetryConfig(jitter=jitter), Flaky(refusal(500)), clock, rng=random.Random(seed))
    assert all(low <= wait <= high for wait in clock.sleeps)
    assert len(set(clock.sleeps)) == 20


def test_a_wait_over_the_cap_is_raised_at_once(clock):
    """With the wanted wait on the error, so that a router can move on."""
    original = refusal(429, retry_after="600")
    with pytest.raises(RetryAfterTooLong) as caught:
        run(EXACT, Flaky(original), clock)
    assert (
        caught.value.retry_after,
        caught.value.attempts,
        caught.value.status_code,
    ) == (600, 1, 429)
    assert original is caught.value.__cause__
    assert clock.sleeps == []
    assert pickle.loads(pickle.dumps(caught.value)).retry_after == 600


def test_a_wait_beyond_the_deadline_is_raised_at_once(clock):
    """The deadline counts from the first attempt."""
    config = RetryConfig(jitter=False, deadline=10)
    with pytest.raises(RetryAfterTooLong):
        run(config, Flaky(refusal(429, retry_after="4"), refusal(429, retry_after="7")), clock)
    assert clock.sleeps == [4]


def test_the_deadline_stops_the_own_backoff_before_the_sleep(clock):
    """No sleep that cannot be followed by an attempt."""
    with pytest.raises(anthropic.InternalServerError):
        run(RetryConfig(jitter=False, deadline=2.5), Flaky(*[refusal(500)] * 9), clock)
    assert clock.sleeps == [1]


def test_jitter_gives_way_to_the_deadline_but_not_below_the_wait_asked_for(clock):
    """Retry-After fits, its jitter would not."""
    config = RetryConfig(deadline=8)
    rng = type("High", (), {"uniform": lambda self, a, b: b})()
    assert run(config, Flaky(refusal(429, retry_after="7")), clock, rng=rng) == "answer"
    assert 7 <= clock.sleeps[0] < 8


def test_exhaustion_raises_the_last_error_itself_with_a_note(clock):
    """Code that catches the SDK's own class keeps working."""
    last = refusal(429)
    flaky = Flaky(refusal(500), refusal(500), refusal(500), last)
    with pytest.raises(anthropic.RateLimitError) as caught:
        run(EXACT, flaky, clock)
    assert last is caught.value
    assert flaky.calls == 4
    assert any("4 attempts" in note for note in caught.value.__notes__)


def test_exhaustion_can_be_wrapped(clock):
    """For callers that want one class."""
    with pytest.raises(RetryExhausted) as caught:
        run(RetryConfig(max_attempts=2, wrap_exhausted=True), Flaky(*[refusal(500)] * 2), clock)
    assert (caught.value.attempts, caught.value.status_code) == (2, 500)
    assert isinstance(caught.value.__cause__, anthropic.InternalServerError)


@pytest.mark.parametrize(
    "error",
    [
        refusal(400),
        refusal(401),
        refusal(404),
        TypeError("bug"),
        ValueError("bug"),
        FileNotFoundError("bug"),
        RuntimeError("who knows"),
        concurrent.futures.CancelledError(),
        KeyboardInterrupt(),
        SystemExit(),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
)
def test_what_cannot_pass_is_raised_as_it_is_after_one_attempt(clock, error):
    """Requests of ours, mistakes, interrupts and cancellation."""
    flaky = Flaky(error)
    with pytest.raises(type(error)) as caught:
        run(RetryConfig(), flaky, clock)
    assert error is caught.value
    assert flaky.calls == 1
    assert not hasattr(error, "__notes__")


def test_a_predicate_cannot_ask_for_the_repetition_of_a_cancellation(clock):
    """Whatever it says."""
    flaky = Flaky(concurrent.futures.CancelledError())
    with pytest.raises(concurrent.futures.CancelledError):
        run(RetryConfig(retry_on=lambda error: True), flaky, clock)
    assert flaky.calls == 1


@pytest.mark.parametrize(
    ("decided", "error", "calls"),
    [(True, RuntimeError(), 2), (False, refusal(500), 1), (None, refusal(500), 2)],
)
def test_a_predicate_decides_before_the_rules(clock, decided, error, calls):
    """And may leave it to them."""
    flaky = Flaky(error)
    try:
        run(RetryConfig(retry_on=lambda error: decided), flaky, clock)
    except type(error):
        assert calls == 1
    assert calls == flaky.calls


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_the_default_statuses_hold_every_sign_of_a_busy_provider(clock, status):
    """The commonest sign of one vendor is 529."""
    assert run(RetryConfig(), Flaky(refusal(status)), clock) == "answer"


def test_a_set_of_the_users_own_is_obeyed_and_what_it_lacks_is_noted(clock):
    """529 outside of the set is not repeated, and the error says why."""
    config = RetryConfig(retryable_status_codes={429, 500})
    with pytest.raises(anthropic.OverloadedError) as caught:
        run(config, Flaky(refusal(529)), clock)
    assert any("retryable_status_codes" in note for note in caught.value.__notes__)


def test_a_dropped_connection_has_no_status_and_is_repeated(clock):
    """Whatever the set of statuses is."""
    flaky = Flaky(ConnectionResetError(), TimeoutError())
    assert run(RetryConfig(retryable_status_codes=()), flaky, clock) == "answer"


@pytest.mark.parametrize(("word", "status", "calls"), [("true", 400, 2), ("false", 500, 1)])
def test_the_providers_word_on_retrying_wins(clock, word, status, calls):
    """`x-should-retry`, as in the SDKs."""
    flaky = Flaky(refusal(status, x_should_retry=word))
    try:
        run(RetryConfig(), flaky, clock)
    except anthropic.APIStatusError:
        assert calls == 1
    assert calls == flaky.calls


def test_a_shared_budget_bounds_the_retries_of_all_callers(clock):
    """An outage is not multiplied by the attempts."""
    budget = RetryBudget(ratio=0.1, burst=5)
    config = RetryConfig(budget=budget)
    calls = 0
    for _ in range(100):
        flaky = Flaky(*[refusal(500)] * 9)
        with pytest.raises(anthropic.InternalServerError):
            run(config, flaky, clock)
        calls += flaky.calls
    assert 100 < calls <= 100 + 5 + 10


def test_an_outer_layer_does_not_repeat_what_an_inner_one_gave_up(clock):
    """Four times four attempts are four."""
    flaky = Flaky(*[refusal(500)] * 99)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)
    with pytest.raises(anthropic.InternalServerError):
        run(EXACT, inner, clock)
    assert flaky.calls == 4


def test_an_outer_layer_sees_through_a_wrapper_of_the_users(clock):
    """`raise … from` does not start the attempts anew."""
    flaky = Flaky(*[refusal(500)] * 99)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)

    def wrapped():
        try:
            return inner()
        except anthropic.APIError as error:
            raise ConnectionError("model unavailable") from error

    with pytest.raises(ConnectionError):
        run(EXACT, wrapped, clock)
    assert flaky.calls == 4


def test_an_outer_layer_sees_what_was_given_up_while_another_error_is_handled(clock):
    """`raise` without `from`, and a fallback that fails: the attempts do not start anew."""
    flaky = Flaky(*[refusal(500)] * 99)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)

    def wrapped():
        try:
            return inner()
        except anthropic.APIError:
            raise ConnectionError("model unavailable")  # noqa: B904 - as careless code does

    with pytest.raises(ConnectionError):
        run(EXACT, wrapped, clock)
    assert flaky.calls == 4


def test_a_wrapped_refusal_still_asks_for_its_wait(clock):
    """Nobody comes back early because somebody renamed the error."""
    calls = []

    def wrapped():
        calls.append(clock.now)
        if len(calls) == 1:
            raise ConnectionError("model unavailable") from refusal(429, retry_after="7")
        return "answer"

    assert run(EXACT, wrapped, clock) == "answer"
    assert clock.sleeps == [7]


def test_a_wait_that_was_too_long_is_not_cut_by_an_outer_layer(clock):
    """The inner layer has refused to wait; a wrapper of its error does not hide that."""
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(
        Flaky(refusal(429, retry_after="600"))
    )

    def wrapped():
        try:
            return inner()
        except RetryAfterTooLong as error:
            raise ConnectionError("model unavailable") from error

    with pytest.raises(ConnectionError):
        run(EXACT, wrapped, clock)
    assert clock.sleeps == []


def test_a_call_within_a_repeated_attempt_goes_on_with_its_count(clock):
    """Layers share the attempts, and what one has started and left behind is no part of it."""
    numbers, left = [], []

    async def background():
        await asyncio.sleep(0)
        numbers.append(("background", current_attempt()))

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def inner(errors):
        numbers.append(("inner", current_attempt()))
        if errors:
            raise errors.pop()
        return "answer"

    outer_errors, inner_errors = [refusal(500)], [refusal(500), refusal(500)]

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def outer():
        if outer_errors:
            raise outer_errors.pop()
        left.append(asyncio.create_task(background()))
        return await inner(inner_errors)

    async def main():
        assert await outer() == "answer"
        await left[0]

    asyncio.run(main())
    assert numbers == [("inner", 2), ("inner", 3), ("inner", 4), ("background", 1)]


def test_an_error_that_takes_no_marks_is_raised_as_it_is(clock):
    """A frozen dataclass is an exception too."""

    @dataclass(frozen=True)
    class Frozen(Exception):
        status_code: int = 500

    error = Frozen()
    flaky = Flaky(*[error] * 9)
    inner = with_retry(EXACT, clock=clock, sleep=clock.sleep)(flaky)
    with pytest.raises(Frozen) as caught:
        run(EXACT, inner, clock)
    assert error is caught.value
    assert flaky.calls == 4


def test_the_same_exception_object_in_a_later_call_is_repeated_again(clock):
    """Giving up on it once is no property of the object."""
    error = refusal(500)
    for _ in range(2):
        flaky = Flaky(*[error] * 99)
        with pytest.raises(anthropic.InternalServerError):
            run(EXACT, flaky, clock)
        assert flaky.calls == 4


def test_the_retries_of_the_sdk_below_are_told_once(clock, caplog):
    """They multiply attempts without anybody seeing it."""
    events = []
    error = refusal(500)
    error.request.headers["x-stainless-retry-count"] = "2"
    with caplog.at_level(logging.WARNING, "chaoskit_guards"):
        run(RetryConfig(), Flaky(error, error), clock, listener=events.append)
    assert [e.kind for e in events].count("sdk_retries") == 1
    assert len(caplog.records) == 1


def test_the_retries_of_a_real_client_can_be_switched_off():
    """`with_options(max_retries=0)` on a copy."""
    assert without_sdk_retries(CLIENT).max_retries == 0
    assert CLIENT.max_retries > 0
    with pytest.raises(TypeError):
        without_sdk_retries(object())


def test_every_attempt_is_told_and_numbered(clock):
    """Listener and context agree."""
    events, numbers = [], []
    flaky = Flaky(refusal(500), refusal(429, retry_after="2"))

    def call():
        numbers.append(current_attempt())
        return flaky()

    run(EXACT, call, clock, listener=events.append)
    assert numbers == [1, 2, 3]
    assert current_attempt() == 1
    assert [(e.values["attempt"], e.values["wait"], e.values["status"]) for e in events] == [
        (1, 1.0, 500),
        (2, 2.0, 429),
    ]


def test_a_failing_listener_changes_nothing(clock, caplog):
    """It is told, not asked."""

    def broken(event):
        raise RuntimeError("observer")

    assert run(RetryConfig(), Flaky(refusal(500)), clock, listener=broken) == "answer"
    assert "listener failed" in caplog.text


def test_time_and_sleep_are_looked_up_when_they_are_needed(monkeypatch):
    """A harness that replaces them is obeyed by functions decorated before."""
    slept = []
    flaky = Flaky(refusal(500))
    guarded = with_retry(EXACT)(flaky)
    monkeypatch.setattr("time.sleep", slept.append)
    assert guarded() == "answer"
    assert slept == [1]


def test_coroutines_are_repeated_and_sleep_without_blocking(clock):
    """On asyncio's own sleep."""
    flaky = Flaky(refusal(500))

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def call():
        return flaky()

    assert asyncio.run(call()) == "answer"
    assert clock.sleeps == [1]


def test_partials_callable_objects_and_lambdas_that_return_coroutines_are_awaited(clock):
    """None hands back something un-awaited."""

    async def call(flaky):
        return flaky()

    class Tool:
        def __init__(self):
            self.flaky = Flaky(refusal(500))

        async def __call__(self):
            return self.flaky()

    flaky = Flaky(refusal(500))
    decorate = with_retry(EXACT, async_sleep=clock.asleep)
    for function in (partial(call, Flaky(refusal(500))), Tool(), lambda: call(flaky)):
        assert asyncio.run(decorate(function)()) == "answer"
    assert clock.sleeps == [1, 1, 1]


def test_what_a_plain_function_gives_is_repeated_too(clock):
    """A task, a generator and an async generator have not run yet when they are handed out."""

    async def call(flaky):
        return flaky()

    async def astream(flaky):
        yield flaky()

    def stream(flaky):
        yield flaky()

    decorate = with_retry(EXACT, sleep=clock.sleep, async_sleep=clock.asleep)

    async def main():
        flaky = Flaky(refusal(500))
        assert await decorate(lambda: asyncio.ensure_future(call(flaky)))() == "answer"
        flaky = Flaky(refusal(500))
        assert [item async for item in decorate(lambda: astream(flaky))()] == ["answer"]

    asyncio.run(main())
    flaky = Flaky(refusal(500))
    assert list(decorate(lambda: stream(flaky))()) == ["answer"]
    assert list(decorate(partial(stream, Flaky(refusal(500))))()) == ["answer"]
    assert clock.sleeps == [1, 1, 1, 1]


def test_what_can_be_entered_stays_what_it_is(clock):
    """The request of an HTTP client is awaited or entered, as its caller likes."""

    class Entered:
        def __await__(self):
            yield

        async def __aenter__(self):
            return "entered"

        async def __aexit__(self, *how):
            return None

    async def main():
        async with with_retry(EXACT)(Entered)() as inside:
            return inside

    assert asyncio.run(main()) == "entered"


def test_a_cancelled_task_stays_cancelled():
    """One cancel is enough, during the call and during the sleep."""
    calls = 0

    @with_retry(RetryConfig(base_delay=1000, jitter=False, max_delay=1000))
    async def call(fail):
        nonlocal calls
        calls += 1
        if fail:
            raise refusal(500)
        await asyncio.get_running_loop().create_future()

    async def main(fail):
        task = asyncio.create_task(call(fail))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main(fail=False))
    asyncio.run(main(fail=True))
    assert calls == 2


def test_a_cancellation_that_got_lost_below_is_not_repeated():
    """A library turned it into an error of its own."""
    calls = 0

    @with_retry(RetryConfig(jitter=False))
    async def call():
        nonlocal calls
        calls += 1
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise ConnectionError("closed") from None

    async def main():
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(ConnectionError):
            await task

    asyncio.run(main())
    assert calls == 1


def test_a_timeout_inside_is_repeated_also_after_a_task_group_has_failed(clock):
    """A failing group leaves a cancellation behind in its task, which nobody has asked for."""
    groups, timeouts = 0, 0
    decorate = with_retry(EXACT, async_sleep=clock.asleep)

    async def fail():
        raise ConnectionError

    @decorate
    async def group():
        nonlocal groups
        groups += 1
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail())

    @decorate
    async def hang():
        nonlocal timeouts
        timeouts += 1
        async with asyncio.timeout(0):
            await asyncio.get_running_loop().create_future()

    async def main():
        with pytest.raises(ExceptionGroup):
            await group()
        with pytest.raises(TimeoutError):
            await hang()

    asyncio.run(main())
    assert (groups, timeouts) == (4, 4)


def test_a_generator_is_repeated_before_its_first_item_only(clock):
    """What has been shown is not shown again."""
    began = 0

    @with_retry(EXACT, sleep=clock.sleep)
    def stream(fail_late):
        nonlocal began
        began += 1
        if began == 1:
            raise refusal(529)
        yield "a"
        if fail_late:
            raise refusal(529)
        yield "b"
        return "end"

    assert list(stream(fail_late=False)) == ["a", "b"]
    with pytest.raises(anthropic.OverloadedError):
        list(stream(fail_late=True))
    assert began == 3


def test_a_generator_keeps_send_throw_close_and_its_result(clock):
    """The wrapper is transparent."""
    log = []

    @with_retry(EXACT, sleep=clock.sleep)
    def echo():
        try:
            got = yield 0
            while got is not None:
                try:
                    got = yield got
                except KeyError:
                    got = yield "thrown"
            return "done"
        finally:
            log.append("closed")

    talk = echo()
    assert [next(talk), talk.send(5), talk.throw(KeyError())] == [0, 5, "thrown"]
    with pytest.raises(StopIteration) as end:
        talk.send(None)
    assert end.value.value == "done"
    open_ended = echo()
    next(open_ended)
    open_ended.close()
    assert log == ["closed", "closed"]
    assert list(with_retry(EXACT)(lambda: iter(()))()) == []


def test_an_empty_generator_ends(clock):
    """Nothing to repeat, nothing to yield."""

    @with_retry(EXACT)
    def nothing():
        return
        yield

    @with_retry(EXACT)
    async def anothing():
        return
        yield

    async def collect():
        return [item async for item in anothing()]

    assert list(nothing()) == []
    assert asyncio.run(collect()) == []


def test_an_async_generator_is_repeated_before_its_first_item_only(clock):
    """And keeps asend, athrow and aclose."""
    began, closed = 0, []

    @with_retry(EXACT, async_sleep=clock.asleep)
    async def stream():
        nonlocal began
        began += 1
        if began == 1:
            raise refusal(529)
        try:
            try:
                got = yield "a"
            except KeyError:
                got = yield "thrown"
            yield got
            raise refusal(529)
        finally:
            closed.append(True)

    async def main():
        talk = stream()
        assert await anext(talk) == "a"
        assert await talk.athrow(KeyError()) == "thrown"
        assert await talk.asend(7) == 7
        with pytest.raises(anthropic.OverloadedError):
            await anext(talk)
        other = stream()
        await anext(other)
        await other.aclose()

    asyncio.run(main())
    assert (began, closed) == (3, [True, True])


@pytest.mark.parametrize("decorate", [with_retry, with_retry(EXACT), CircuitBreaker()])
def test_what_cannot_be_called_is_refused_when_it_is_decorated(decorate):
    """A number of attempts in place of a configuration, for example."""
    with pytest.raises(TypeError, match="not int"):
        decorate(4)


def test_metadata_and_methods_survive(clock):
    """The wrapper is a function like the one it wraps."""

    class Agent:
        @with_retry
        def ask(self, prompt: str) -> str:
            """Ask."""
            return f"{type(self).__name__}: {prompt}"

    assert Agent().ask("hi") == "Agent: hi"
    assert (Agent.ask.__name__, Agent.ask.__doc__) == ("ask", "Ask.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_attempts": float("nan")},
        {"max_attempts": 2.5},
        {"retryable_status_codes": "429"},
        {"base_delay": -1},
        {"max_delay": float("inf")},
        {"max_retry_after": float("nan")},
        {"deadline": 0},
        {"jitter": "some"},
    ],
)
def test_impossible_settings_are_refused(wrong):
    """When they are written, not when they are used."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryConfig(**wrong)


def test_an_impossible_budget_is_refused():
    """A ratio is a share."""
    with pytest.raises(ValueError):
        RetryBudget(ratio=2)


def test_a_retry_on_that_fails_decides_nothing(clock, caplog):
    """The call's own error is what matters; it is repeated as without the hook."""

    def broken(_error):
        raise LookupError

    assert run(RetryConfig(retry_on=broken), Flaky(refusal(500)), clock) == "answer"
    with pytest.raises(anthropic.BadRequestError):
        run(RetryConfig(retry_on=broken), Flaky(refusal(400)), clock)
    assert "retry_on failed" in caplog.text
