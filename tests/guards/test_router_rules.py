"""What a router does where it was asked to do more: hedging, ceilings, unwanted answers, return."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.completion import Completion, Usage
from chaoskit_guards.errors import AllProvidersFailed, UntranslatableRequest
from chaoskit_guards.router import FallbackRouter, ProviderConfig, Rules

ASK = [{"role": "user", "content": "hi"}]


class Down(Exception):
    """A provider's failure."""

    def __init__(self, status=503):
        super().__init__(status)
        self.status_code = status


def said(text, stop="end_turn"):
    """An answer with a usage."""
    usage = Usage(input_tokens=10, output_tokens=5)
    return Completion(
        content=[{"type": "text", "text": text}], stop_reason=stop, usage=usage, raw=None
    )


def outcomes(result):
    """Who was asked and what came of it."""
    return [(it.provider, it.outcome) for it in result.attempts]


def provider(name, answer, priority=1, **more):
    """A provider that answers or raises."""

    def call(**request):
        if isinstance(answer, Exception):
            raise answer
        return answer(**request) if callable(answer) else answer

    return ProviderConfig(name=name, model=f"model-{name}", priority=priority, call=call, **more)


def slowly(name, seconds, answer, priority=1, asked=None):
    """An async provider that takes its time and notes when it is cancelled."""
    asked = asked if asked is not None else []

    async def acall(**_request):
        asked.append(name)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            asked.append(f"{name} cancelled")
            raise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return ProviderConfig(name=name, model=f"model-{name}", priority=priority, acall=acall)


def usd(_model, usage):
    """A dollar for each input token, two for each of output."""
    return usage["input_tokens"] + 2.0 * usage["output_tokens"]


@pytest.fixture
def asked():
    """What the slow providers saw."""
    return []


async def at_once(_seconds):
    """A hedge delay that is over as soon as everybody had a turn."""
    await asyncio.sleep(0)


HANGS = 3600.0


def hedged(*providers, **more):
    """A router that asks a second provider without delay."""
    return FallbackRouter(providers, rules=Rules(hedge_after=0.5), async_sleep=at_once, **more)


def test_the_second_provider_is_asked_when_the_first_is_slow(asked):
    """The first answer counts, the loser is cancelled, and both are paid for in the books."""
    router = hedged(
        slowly("a", HANGS, said("a"), 1, asked), slowly("b", 0, said("b"), 2, asked), price=usd
    )
    result = asyncio.run(router.acomplete(ASK, 100))

    assert result.text == "b"
    assert asked == ["a", "b", "a cancelled"]
    assert outcomes(result) == [("b", "answered"), ("a", "hedged")]
    assert result.attempts[0].usd == 20.0
    assert result.attempts[1].usd == 200.0
    assert result.usd == 220.0
    assert all(breaker.state == "closed" for breaker in router.breakers().values())


def test_a_fast_first_provider_has_no_rival(asked):
    """The delay has not passed."""

    async def never(_seconds):
        await asyncio.sleep(HANGS)

    router = FallbackRouter(
        [slowly("a", 0, "a", 1, asked), slowly("b", 0, "b", 2, asked)],
        rules=Rules(hedge_after=0.5),
        async_sleep=never,
    )

    assert asyncio.run(router.acall(ASK)) == "a"
    assert asked == ["a"]


def test_when_one_of_two_fails_the_other_one_is_waited_for(asked):
    """A hedge that fails is no reason to give up the first."""
    router = hedged(slowly("a", 0.01, "a", 1, asked), slowly("b", 0, Down(), 2, asked))
    result = asyncio.run(router.acomplete(ASK))

    assert result.text == "a"
    assert outcomes(result) == [("b", "overloaded"), ("a", "answered")]


def test_when_both_fail_the_third_is_asked(asked):
    """Hedging changes the order and not the rules."""
    router = hedged(
        slowly("a", 0.01, Down(), 1, asked),
        slowly("b", 0, Down(), 2, asked),
        slowly("c", 0, "c", 3, asked),
    )

    assert asyncio.run(router.acall(ASK)) == "c"


def test_a_mistake_of_the_caller_ends_both(asked):
    """A bad request is nobody else's business, and the rival is put away."""
    router = hedged(slowly("a", HANGS, "a", 1, asked), slowly("b", 0, Down(400), 2, asked))

    with pytest.raises(Down):
        asyncio.run(router.acall(ASK))
    assert asked == ["a", "b", "a cancelled"]


def test_cancelling_a_hedged_call_cancels_both(asked):
    """Nothing goes on behind the caller's back."""
    router = hedged(slowly("a", HANGS, "a", 1, asked), slowly("b", HANGS, "b", 2, asked))

    async def go():
        task = asyncio.ensure_future(router.acall(ASK))
        for _ in range(9):
            await asyncio.sleep(0)
        assert asked == ["a", "b"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert sorted(asked[2:]) == ["a cancelled", "b cancelled"]


def test_an_async_function_that_hangs_is_left_at_its_time():
    """The deadline covers functions as well as clients."""
    stuck = slowly("a", HANGS, "a", 1)
    router = FallbackRouter([stuck, slowly("b", 0, "b", 2)], deadline=0.05)
    result = asyncio.run(router.acomplete(ASK))

    assert outcomes(result) == [("a", "timeout"), ("b", "answered")]


@pytest.mark.parametrize("stop", ["refusal", "max_tokens"])
def test_an_unwanted_answer_is_asked_for_elsewhere(stop):
    """Only where the rules name its stop reason."""
    providers = [provider("a", said("no", stop)), provider("b", said("yes"), 2)]

    plain = FallbackRouter(providers).complete(ASK)
    moved = FallbackRouter(providers, rules=Rules(unwanted={stop}), price=usd).complete(ASK)

    assert plain.text == "no"
    assert moved.text == "yes"
    assert outcomes(moved) == [("a", "unwanted"), ("b", "answered")]
    assert moved.usd == 40.0


@pytest.mark.parametrize("second", [Down(503), Down(400), Down(429)])
def test_an_unwanted_answer_is_better_than_none(second):
    """It is paid for; nobody else having an answer does not destroy it."""
    router = FallbackRouter(
        [provider("a", said("half", "max_tokens")), provider("b", second, 2)],
        rules=Rules(unwanted={"max_tokens"}),
    )
    result = router.complete(ASK)

    assert (result.text, result.provider) == ("half", "a")
    assert [it.provider for it in result.attempts] == ["a", "b"]


def test_a_fallback_above_its_ceiling_is_not_asked():
    """The prompt and the reserved answer are priced before anything is sent."""
    router = FallbackRouter(
        [provider("a", Down()), provider("b", "dear", 2, max_usd=20.0), provider("c", "cheap", 3)],
        price=usd,
    )

    assert router.call(ASK, 100) == "cheap"
    assert router.call(ASK, 1) == "dear"


@pytest.mark.parametrize("price", [lambda *_: None, lambda *_: float("nan"), lambda *_: 1 / 0])
def test_a_ceiling_fails_closed_where_the_price_is_not_known(price):
    """An unknown price is not zero."""
    router = FallbackRouter([provider("a", "a", max_usd=1.0)], price=price)

    with pytest.raises(AllProvidersFailed, match="price is not known"):
        router.call(ASK)


def test_a_ceiling_needs_a_price():
    """A ceiling that nothing feeds would be decoration."""
    with pytest.raises(ValueError, match="price"):
        FallbackRouter([provider("a", "a", max_usd=1.0)])


def test_a_failing_price_function_does_not_destroy_an_answer():
    """It was paid for already."""
    router = FallbackRouter([provider("a", said("a"))], price=lambda *_: 1 / 0)

    assert router.complete(ASK).usd is None


def test_a_window_is_measured_with_system_prompt_and_tools():
    """They are part of the request, and the estimate is made without being asked for."""
    tool = {"name": "t", "description": "long " * 400, "input_schema": {"type": "object"}}
    router = FallbackRouter([provider("a", "small", context_window=300), provider("b", "large", 2)])

    assert router.call(ASK, 100) == "small"
    assert router.call(ASK, 100, system="long " * 400) == "large"
    assert router.call(ASK, 100, tools=[tool]) == "large"


class Lots:
    """Says the same number every time."""

    def __init__(self, number):
        self.number = number

    def uniform(self, low, high):
        return low + self.number * (high - low)


@given(after=st.integers(0, 200), lot=st.integers(0, 99))
def test_a_provider_that_is_back_gets_a_growing_share(after, lot):
    """First when the lot is below the share of the ramp that has passed; always as a fallback."""
    now, down = [0.0], [True]

    def first(**_request):
        if down[0]:
            raise Down
        return "first"

    def circuit(name):
        return CircuitBreaker(
            name=name, failure_threshold=1, recovery_timeout=10, rng=Lots(0.0), clock=lambda: now[0]
        )

    router = FallbackRouter(
        [provider("a", first), provider("b", "second", 2)],
        rules=Rules(ramp=100.0),
        breaker=circuit,
        clock=lambda: now[0],
        rng=Lots(lot / 100),
    )
    assert [router.call(ASK) for _ in range(2)] == ["second", "second"]
    now[0], down[0] = 31.0, False
    assert router.call(ASK) == "first"  # the probe
    now[0] += after

    assert router.call(ASK) == ("first" if lot < after else "second")
    assert router.call(ASK, skip_providers=["b"]) == "first"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rules(unwanted="refusal"),
        lambda: Rules(hedge_after=-1),
        lambda: Rules(hedge_after=float("nan")),
        lambda: Rules(ramp=-1),
        lambda: ProviderConfig(name="a", model="claude", max_usd=-1),
    ],
)
def test_rules_that_mean_nothing_are_refused(make):
    """When they are made, and not in an outage."""
    with pytest.raises((TypeError, ValueError)):
        make()


async def awaited(answer):
    """An answer that has to be awaited."""
    return answer


class Later:
    """An awaitable that is no coroutine."""

    def __await__(self):
        return awaited("later").__await__()


@pytest.mark.parametrize(
    "function", [lambda **_: "now", lambda **_: awaited("now")], ids=["sync", "async"]
)
@pytest.mark.parametrize("where", ["call", "acall"])
def test_async_calls_take_functions_of_either_kind(function, where):
    """An answer that is there already was paid for as well."""
    router = FallbackRouter([ProviderConfig(name="a", model="m", **{where: function})])

    assert asyncio.run(router.acall(ASK)) == "now"


@pytest.mark.parametrize("answer", [lambda **_: awaited("x"), lambda **_: Later()])
def test_sync_calls_refuse_what_has_to_be_awaited(answer):
    """As a mistake on this side, which never fails over."""
    router = FallbackRouter([provider("a", answer), provider("b", "b", 2)])

    with pytest.raises(TypeError, match="acall"):
        router.call(ASK)


def test_a_generator_is_no_answer():
    """A function that yields its pieces is told so."""

    def pieces(**_request):
        yield "a"

    with pytest.raises(TypeError, match="generator"):
        FallbackRouter([provider("a", pieces)]).call(ASK)


def test_a_stream_is_iterated_once():
    """A second time would pay again, and join two answers."""
    stream = FallbackRouter([provider("a", "a")]).stream(ASK)
    assert list(stream) == ["a"]

    with pytest.raises(RuntimeError, match="once"):
        list(stream)


def test_a_request_that_means_nothing_is_refused():
    """Before anybody is asked."""
    router = FallbackRouter([provider("a", "a")])

    with pytest.raises(ValueError, match="NaN"):
        router.call(ASK, deadline=float("nan"))
    with pytest.raises(UntranslatableRequest, match="list"):
        router.call("hello")
