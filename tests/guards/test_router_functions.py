"""Providers that are functions of the user, in place of an SDK."""

import asyncio

import pytest

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.completion import Completion, Usage
from chaoskit_guards.errors import AllProvidersFailed
from chaoskit_guards.router import FallbackRouter, ProviderConfig
from two_providers import ASK, CHAT


@pytest.mark.parametrize("error", [FileNotFoundError("key.pem"), TypeError("bug"), KeyError("x")])
def test_local_errors_never_fail_over(clock, error):
    """They are mistakes on this side."""

    def broken(**request):
        raise error

    router = FallbackRouter(
        [
            ProviderConfig(name="a", model="claude", call=broken),
            ProviderConfig(name="b", model="claude", call=lambda **request: "never", priority=2),
        ],
        clock=clock,
    )
    with pytest.raises(type(error)):
        router.call(ASK)


def test_one_deadline_covers_all_attempts(clock):
    """And is shared out between those who may be asked."""
    seen = []

    class Client:
        class messages:
            @staticmethod
            def create(*, timeout, **request):
                seen.append(timeout)
                clock.advance(timeout)
                raise TimeoutError

    router = FallbackRouter(
        [
            ProviderConfig(name=name, model="claude", priority=place, client=Client())
            for place, name in enumerate("abc")
        ],
        deadline=30,
        clock=clock,
    )
    with pytest.raises(AllProvidersFailed):
        router.call(ASK, max_tokens=512)
    assert seen == [pytest.approx(10), pytest.approx(10), pytest.approx(10)]
    seen.clear()
    with pytest.raises(AllProvidersFailed):
        router.call(ASK, max_tokens=512, deadline=600)
    assert seen[0] == pytest.approx(30 + 512 / 25)


def test_providers_do_not_see_each_others_changes(clock):
    """Each gets a copy of its own."""

    def careless(**request):
        request["messages"][0]["content"] = "changed"
        raise ConnectionError

    said = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    seen = []
    router = FallbackRouter(
        [
            ProviderConfig(name="a", model="claude", call=careless),
            ProviderConfig(
                name="b",
                model="claude",
                priority=2,
                call=lambda **request: seen.append(request) or "ok",
            ),
        ],
        clock=clock,
    )
    router.call(said)
    assert (
        seen[0]["messages"]
        == said
        == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    )


def test_an_async_function_in_a_sync_call_is_refused(clock):
    """Its coroutine would be taken for an answer."""

    async def answer(**request):
        return "hello"

    config = ProviderConfig(name="a", model="claude", call=answer)
    router = FallbackRouter([config], clock=clock)
    with pytest.raises(TypeError, match="acall"):
        router.call(ASK)
    assert asyncio.run(router.acall(ASK)) == "hello"
    other = FallbackRouter([ProviderConfig(name="a", model="claude", acall=answer)], clock=clock)
    assert asyncio.run(other.acall(ASK)) == "hello"
    with pytest.raises(TypeError, match="acall"):
        other.call(ASK)


def test_a_cancelled_call_is_not_moved_on(clock):
    """And the breaker does not blame the provider."""

    async def hang(**request):
        await asyncio.get_running_loop().create_future()

    router = FallbackRouter(
        [
            ProviderConfig(name="a", model="claude", acall=hang),
            ProviderConfig(name="b", model="claude", acall=hang, priority=2),
        ],
        breaker=lambda name: CircuitBreaker(1, name=name),
        clock=clock,
    )

    async def main():
        task = asyncio.create_task(router.acall(ASK))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert router.breakers()["a"].state == "closed"


def test_a_function_may_answer_with_a_completion_or_an_sdk_response(clock):
    """And streams in one piece."""
    whole = Completion(
        content=[{"type": "text", "text": "hello"}], stop_reason="end_turn", usage=Usage()
    )
    for answer in (whole, {"choices": CHAT["choices"]}, "hello"):
        config = ProviderConfig(name="a", model="m", call=lambda answer=answer, **request: answer)
        router = FallbackRouter([config], clock=clock)
        assert router.call(ASK) in ("hello", "from gpt")
        assert "".join(router.stream(ASK)) in ("hello", "from gpt")


def test_a_router_is_set_up_without_contradictions(clock):
    """Names are unique, vendors known."""
    one = ProviderConfig(name="a", model="claude")
    with pytest.raises(ValueError, match="two providers"):
        FallbackRouter([one, one])
    with pytest.raises(ValueError, match="at least one"):
        FallbackRouter([])
    with pytest.raises(ValueError, match="deadline"):
        FallbackRouter([one], deadline=0)
    with pytest.raises(ValueError, match="dialect"):
        ProviderConfig(name="a", model="m")
    with pytest.raises(ValueError, match="timeout"):
        ProviderConfig(name="a", model="claude", timeout=0)
    with pytest.raises(TypeError, match="seed"):
        FallbackRouter([one], clock=clock).call(ASK, seed=1)
