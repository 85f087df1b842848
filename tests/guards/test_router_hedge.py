"""A second provider is asked when a blocking call is slow."""

import threading
from concurrent.futures import Executor, Future
from contextvars import ContextVar

import pytest

from chaoskit_guards import (
    AllProvidersFailed,
    Completion,
    FallbackRouter,
    ProviderConfig,
    Rules,
    Usage,
)

ASK = [{"role": "user", "content": "why?"}]
WHO = ContextVar("who", default="nobody")


class Down(Exception):
    """What an SDK raises."""

    def __init__(self, status_code=529):
        self.status_code = status_code


def said(text):
    """An answer of ten tokens."""
    usage = Usage(input_tokens=10, output_tokens=5)
    content = [{"type": "text", "text": text}]
    return Completion(content=content, stop_reason="end_turn", usage=usage)


class Slow:
    """Answers when it is released, or when another one has been asked."""

    def __init__(self, answer="late"):
        self.answer = answer
        self.released = threading.Event()
        self.ended = threading.Event()

    def __call__(self, **_):
        self.released.wait(20)
        self.ended.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def slow():
    """A provider that is slow; its thread ends with the test."""
    made = Slow()
    yield made
    made.released.set()


def config(name, call, priority):
    """A provider that a function answers for."""
    return ProviderConfig(name=name, model=f"model-{name}", priority=priority, call=call)


def hedged(*calls, **more):
    """A router that asks a second provider at once."""
    providers = [config("abc"[at], call, at) for at, call in enumerate(calls)]
    return FallbackRouter(providers, rules=Rules(hedge_after=0.0), **more)


def usd(_model, usage):
    """A dollar for each input token, two for each of output."""
    return usage["input_tokens"] + 2.0 * usage["output_tokens"]


def outcomes(result):
    """Who was asked, and what came of it."""
    return [(attempt.provider, attempt.outcome) for attempt in result.attempts]


def test_the_second_provider_is_asked_when_the_first_is_slow(slow):
    """The first answer counts, and what was given up is in the books with its estimate."""
    events = []
    router = hedged(slow, lambda **_: said("b"), price=usd, listener=events.append)
    result = router.complete(ASK, 100)

    assert result.text == "b"
    assert not slow.ended.is_set()
    assert outcomes(result) == [("b", "answered"), ("a", "hedged")]
    assert (result.attempts[0].usd, result.attempts[1].usd) == (20.0, 200.0)
    assert [event.values["outcome"] for event in events] == ["answered", "hedged"]
    assert all(breaker.state == "closed" for breaker in router.breakers().values())


def test_a_fast_first_provider_has_no_rival():
    """The delay has not passed."""
    asked = []
    router = FallbackRouter(
        [config("a", lambda **_: "a", 1), config("b", lambda **_: asked.append("b"), 2)],
        rules=Rules(hedge_after=3600.0),
    )

    assert router.call(ASK) == "a"
    assert asked == []


def test_when_the_second_fails_the_first_is_waited_for(slow):
    """A hedge that fails is no reason to give up the first."""

    def fail(**_):
        raise Down

    def heard(event):
        if event.values.get("outcome") == "overloaded":
            slow.released.set()

    result = hedged(slow, fail, listener=heard).complete(ASK)

    assert result.text == "late"
    assert outcomes(result) == [("b", "overloaded"), ("a", "answered")]


def test_when_both_fail_the_third_is_asked():
    """Hedging changes the order and not the rules."""
    first = Slow(Down())

    def fail(**_):
        first.released.set()
        raise Down

    assert hedged(first, fail, lambda **_: "c").call(ASK) == "c"


def test_when_all_fail_the_error_names_each():
    """As without hedging."""
    first = Slow(Down())

    def fail(**_):
        first.released.set()
        raise Down

    with pytest.raises(AllProvidersFailed) as raised:
        hedged(first, fail).call(ASK)
    assert {attempt.provider for attempt in raised.value.attempts} == {"a", "b"}


def test_a_mistake_of_the_caller_ends_both(slow):
    """A bad request is nobody else's business, and the rival is given up."""

    def refuse(**_):
        raise Down(400)

    router = hedged(slow, refuse)
    with pytest.raises(Down):
        router.call(ASK)
    assert not slow.ended.is_set()
    assert all(breaker.state == "closed" for breaker in router.breakers().values())


def test_the_probe_of_a_breaker_that_is_given_up_is_free_again(slow):
    """It says nothing about the provider."""
    router = hedged(slow, lambda **_: "b")
    breaker = router.breakers()["a"]
    breaker.open_for(0.0)

    assert router.call(ASK) == "b"
    assert breaker.acquire()


def test_the_requests_run_in_the_context_of_the_caller():
    """So that traces and users are known in the thread."""
    WHO.set("somebody")
    asked = []
    router = hedged(lambda **_: asked.append(WHO.get()) or "a", lambda **_: "b")
    router.call(ASK)

    assert asked == ["somebody"]


class AtOnce(Executor):
    """Runs what it is given where it stands."""

    def __init__(self):
        self.submitted = 0

    def submit(self, function, /, *args, **keywords):
        self.submitted += 1
        future = Future()
        try:
            future.set_result(function(*args, **keywords))
        except Exception as error:  # noqa: BLE001 - as executors do
            future.set_exception(error)
        return future


def test_an_executor_that_is_given_runs_the_requests():
    """Threads are the program's own business."""
    executor = AtOnce()
    router = hedged(lambda **_: "a", lambda **_: "b", executor=executor)

    assert router.call(ASK) == "a"
    assert executor.submitted == 1


def test_without_a_delay_nothing_runs_in_a_thread():
    """Hedging is asked for."""
    threads = []
    router = FallbackRouter(
        [config("a", lambda **_: threads.append(threading.get_ident()) or "a", 1)]
    )
    router.call(ASK)

    assert threads == [threading.get_ident()]
