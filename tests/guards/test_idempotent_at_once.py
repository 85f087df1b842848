"""An effect that several ask for at once happens once."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from chaoskit_guards import IdempotentTools, OutcomeUnknown, Vet


def tools_of(refund, **settings):
    """Tools with one effect."""
    vet = Vet()
    vet.guard(name="refund")(refund)
    return IdempotentTools(vet, ["refund"], **settings)


def test_equal_calls_at_the_same_time_run_once():
    """Threads wait for the first and get what it gives."""
    begun, go_on, paid = threading.Event(), threading.Event(), []

    def slow(order: str) -> dict:
        paid.append(order)
        begun.set()
        assert go_on.wait(20)
        return {"refund": 1}

    seen = []
    guarded = tools_of(slow, listener=seen.append)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(guarded.dispatch, "refund", {"order": "A1"}) for _ in range(8)]
        assert begun.wait(20)
        go_on.set()
        results = [each.result(20) for each in calls]
    assert (paid, results) == (["A1"], [{"refund": 1}] * 8)
    assert {event.kind for event in seen} <= {"shared", "replayed"}
    assert len(seen) == 7


def test_all_who_wait_hear_that_the_answer_was_lost():
    """One of many threads has paid, and nobody pays again."""
    together, paid = threading.Barrier(12), []

    def lost(order: str) -> dict:
        paid.append(order)
        raise ConnectionResetError

    guarded = tools_of(lost)

    def one(_):
        together.wait(20)
        try:
            return guarded.dispatch("refund", {"order": "A1"})
        except OutcomeUnknown as error:
            return error.tool

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(one, range(12))) == ["refund"] * 12
    assert paid == ["A1"]


@pytest.mark.parametrize("method", ["dispatch", "adispatch"])
def test_equal_calls_of_tasks_run_once(method):
    """The plain form as well, which does not know before that the tool is async."""
    paid = []

    async def refund(order: str) -> str:
        paid.append(order)
        await asyncio.sleep(0)
        return "paid"

    guarded = tools_of(refund)
    run = getattr(guarded, method)

    async def main():
        return await asyncio.gather(*(run("refund", {"order": "A1"}) for _ in range(5)))

    assert (asyncio.run(main()), paid) == (["paid"] * 5, ["A1"])


def test_a_coroutine_that_nobody_awaits_is_no_call():
    """And holds nobody up."""
    paid = []

    async def refund(order: str) -> str:
        paid.append(order)
        return "paid"

    guarded = tools_of(refund)
    guarded.dispatch("refund", {"order": "A1"}).close()
    assert asyncio.run(guarded.adispatch("refund", {"order": "A1"})) == "paid"
    assert paid == ["A1"]


def test_a_cancelled_effect_is_unknown_and_those_who_wait_go_on():
    """Cancelling the first caller cancels nobody else."""
    paid, begun = [], asyncio.Event()

    async def refund(order: str) -> str:
        paid.append(order)
        begun.set()
        await asyncio.Event().wait()

    guarded = tools_of(refund)

    async def main():
        first = asyncio.ensure_future(guarded.adispatch("refund", {"order": "A1"}))
        await begun.wait()
        second = asyncio.ensure_future(guarded.adispatch("refund", {"order": "A1"}))
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(first, second, return_exceptions=True)

    first, second = asyncio.run(main())
    assert isinstance(first, asyncio.CancelledError)
    assert isinstance(second, OutcomeUnknown)
    assert paid == ["A1"]


def test_a_waiting_task_can_be_cancelled_alone():
    """The effect goes on."""
    go_on = asyncio.Event()

    async def refund(order: str) -> str:
        await go_on.wait()
        return "paid"

    guarded = tools_of(refund)

    async def main():
        first = asyncio.ensure_future(guarded.adispatch("refund", {"order": "A1"}))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(guarded.adispatch("refund", {"order": "A1"}))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        go_on.set()
        return await first

    assert asyncio.run(main()) == "paid"


def test_a_coroutine_that_is_closed_leaves_its_effect_to_the_lease(clock):
    """It cannot say any more how it ended, so nobody may repeat it."""
    paid = []

    async def refund(order: str) -> str:
        paid.append(order)
        if order == "A1":
            await asyncio.Event().wait()
        return "paid"

    guarded = tools_of(refund, clock=clock, lease=30, async_sleep=clock.asleep)

    async def main():
        await guarded.adispatch("refund", {"order": "A0"})
        left = guarded.adispatch("refund", {"order": "A1"})
        left.send(None)
        left.close()
        with pytest.raises(OutcomeUnknown):
            await guarded.adispatch("refund", {"order": "A1"})

    asyncio.run(main())
    assert paid == ["A0", "A1"]
    assert sum(clock.sleeps) >= 30


def test_a_future_that_a_tool_gives_is_awaited():
    """It has begun already, and is not begun again."""
    paid = []

    async def later():
        return "paid"

    def refund(order: str):
        paid.append(order)
        return asyncio.ensure_future(later())

    async def main():
        guarded = tools_of(refund)
        first = await guarded.dispatch("refund", {"order": "A1"})
        return first, await guarded.dispatch("refund", {"order": "A1"})

    assert asyncio.run(main()) == ("paid", "paid")
    assert paid == ["A1"]
