"""What a window admits, when, and in whose order."""

import asyncio
import itertools
import logging
import threading

import anthropic
import httpx2
import pytest

from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetTimeout, BudgetTooLarge

CLIENT = anthropic.Anthropic(api_key="k")


def window(clock, tokens=1000, usd=None, **settings):
    """A window on the fake clock."""
    return BudgetWindow(
        tokens, usd, clock=clock, sleep=clock.sleep, async_sleep=clock.asleep, **settings
    )


def waited(clock):
    """Seconds slept since the last time."""
    total = sum(clock.sleeps)
    clock.sleeps.clear()
    return total


def test_what_fits_is_granted_at_once_and_the_rest_waits_for_a_minute(clock):
    """The window is whole again when the oldest entry has left it."""
    budget = window(clock)
    budget.reserve(estimated_tokens=600)
    budget.reserve(estimated_tokens=400)
    assert waited(clock) == 0
    reservation = budget.reserve(estimated_tokens=1)
    assert 60 <= waited(clock) <= 61.1
    assert reservation.waited >= 60


def test_a_request_larger_than_the_window_is_refused_at_once(clock):
    """Waiting cannot help."""
    with pytest.raises(BudgetTooLarge, match="1001 tokens"):
        window(clock).reserve(estimated_tokens=1001)
    with pytest.raises(BudgetTooLarge, match="3 USD"):
        window(clock, usd=2.0).reserve(estimated_tokens=1, usd=3.0)
    assert clock.sleeps == []


def test_settling_gives_back_what_was_not_used(clock):
    """The next one need not wait."""
    budget = window(clock)
    budget.reserve(estimated_tokens=1000)
    budget.record(actual_tokens=300)
    budget.reserve(estimated_tokens=700)
    assert waited(clock) == 0


def test_an_overrun_is_booked(clock):
    """More than the estimate counts too."""
    budget = window(clock)
    budget.reserve(estimated_tokens=100)
    budget.record(actual_tokens=1500)
    assert budget.snapshot()["tokens"] == 1500
    budget.reserve(estimated_tokens=1)
    assert waited(clock) >= 60


def test_a_failed_block_gives_back_tokens_but_not_the_request(clock):
    """The request may have been sent."""
    budget = window(clock, requests_per_minute=5)
    with pytest.raises(ConnectionError), budget.reserve(estimated_tokens=900):
        raise ConnectionError
    assert (budget.snapshot()["tokens"], budget.snapshot()["requests"]) == (0, 1)


def test_a_settled_block_stays_settled_when_it_fails_later(clock):
    """And cancelling twice gives back once."""
    budget = window(clock)
    reservation = budget.reserve(estimated_tokens=900)
    reservation.settle(500)
    with pytest.raises(KeyError), reservation:
        raise KeyError
    reservation.cancel()
    reservation.settle(1)
    assert budget.snapshot()["tokens"] == 500
    other = budget.reserve(estimated_tokens=100)
    other.cancel()
    other.cancel()
    assert (budget.snapshot()["tokens"], budget.snapshot()["requests"]) == (500, 1)


def test_a_record_settles_the_callers_own_reservation(clock):
    """Not somebody else's."""
    budget = window(clock, tokens=10_000)
    results = {}

    def call(name, estimate, actual, mine, other):
        results[name] = budget.reserve(estimated_tokens=estimate)
        mine.set()
        other.wait()
        budget.record(actual_tokens=actual)

    a, b = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=call, args=("a", 1000, 10, a, b)),
        threading.Thread(target=call, args=("b", 2000, 20, b, a)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.snapshot()["tokens"] == 30
    assert all(reservation.settled for reservation in results.values())


def test_a_record_without_an_own_reservation_settles_the_oldest_one(clock):
    """And with none at all it is booked."""
    budget = window(clock)
    thread = threading.Thread(target=budget.reserve, args=(900,))
    thread.start()
    thread.join()
    budget.record(actual_tokens=100)
    assert budget.snapshot()["tokens"] == 100
    budget.record(actual_tokens=50)
    assert budget.snapshot()["tokens"] == 150


def test_a_lost_reservation_leaves_the_window_and_the_memory(clock):
    """A call that failed without a word costs a minute, no more."""
    budget = window(clock)
    for _ in range(50):
        budget.reserve(estimated_tokens=1000)
    assert len(budget._book._open) <= 2


def test_a_reservation_that_has_left_the_window_is_settled_in_full(clock):
    """A call of two minutes, or one that was lost: the use counts from now."""
    budget = window(clock)
    budget.reserve(estimated_tokens=700)
    clock.advance(120)
    budget.record(actual_tokens=900)
    assert budget.snapshot()["tokens"] == 900


def test_what_nobody_says_stays_as_it_was_estimated(clock):
    """Tokens without a price do not set the money free."""
    budget = window(clock, usd=2.0)
    budget.reserve(estimated_tokens=100, usd=1.5)
    budget.record(actual_tokens=50)
    assert budget.snapshot()["USD"] == 1.5


def test_money_is_counted_in_millionths(clock):
    """Three times ten cents fit under thirty."""
    budget = BudgetWindow(usd_per_minute=0.30, clock=clock, sleep=clock.sleep)
    for _ in range(3):
        budget.reserve(usd=0.10, timeout=0)
    with pytest.raises(BudgetTimeout):
        budget.reserve(usd=0.000001, timeout=0)


def test_a_price_feeds_the_limit_of_money(clock):
    """Where the calls name no cost."""
    budget = window(clock, tokens=None, usd=1.0, usd_per_million_tokens=10.0)
    budget.reserve(estimated_tokens=100_000)
    with pytest.raises(BudgetTimeout):
        budget.reserve(estimated_tokens=1, timeout=0)


def test_a_limit_of_money_that_nobody_feeds_is_told_once(clock, caplog):
    """It would be an ornament."""
    events = []
    budget = window(clock, usd=1.0, listener=events.append)
    with caplog.at_level(logging.WARNING, "chaoskit_guards"):
        budget.reserve(estimated_tokens=1)
        budget.reserve(estimated_tokens=1)
    assert len(caplog.records) == 1
    assert [event.kind for event in events] == ["unfed"]


def test_messages_are_counted_with_the_answer(clock):
    """A long prompt is no small request."""
    budget = window(clock, tokens=50_000, count_tokens=lambda messages: 30_000)
    budget.reserve(messages=[{"role": "user", "content": "…"}], max_tokens=512)
    assert budget.snapshot()["tokens"] == 30_512


def test_requests_and_both_directions_have_limits_of_their_own(clock):
    """Whichever is reached first."""
    budget = BudgetWindow(
        requests_per_minute=2,
        input_tokens_per_minute=100,
        output_tokens_per_minute=10,
        clock=clock,
    )
    with pytest.raises(BudgetTooLarge, match="output"):
        budget.reserve(input_tokens=50, output_tokens=11)
    budget.reserve(input_tokens=60, output_tokens=5, timeout=0)
    with pytest.raises(BudgetTimeout):
        budget.reserve(input_tokens=60, output_tokens=5, timeout=0)
    budget.reserve(input_tokens=1, output_tokens=1, timeout=0)
    with pytest.raises(BudgetTimeout):
        budget.reserve(input_tokens=1, output_tokens=1, timeout=0)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1, True, "10"])
def test_amounts_that_are_none_are_refused_and_open_nothing(clock, wrong):
    """In estimates, records and limits."""
    budget = window(clock)
    with pytest.raises(ValueError):
        budget.reserve(estimated_tokens=wrong)
    budget.reserve(estimated_tokens=900)
    with pytest.raises(ValueError):
        budget.record(actual_tokens=wrong)
    assert budget.snapshot()["tokens"] == 900
    with pytest.raises(ValueError):
        BudgetWindow(tokens_per_minute=wrong)


def test_a_budget_limits_something():
    """One without limits is a mistake."""
    with pytest.raises(ValueError):
        BudgetWindow()
    with pytest.raises(ValueError):
        BudgetWindow(0)


def test_a_timeout_says_when_to_come_back(clock):
    """And nothing is booked."""
    budget = window(clock)
    budget.reserve(estimated_tokens=1000)
    clock.advance(20)
    with pytest.raises(BudgetTimeout) as caught:
        budget.reserve(estimated_tokens=1, timeout=5)
    assert 40 <= caught.value.retry_after <= 41.1
    assert clock.sleeps == []
    assert budget.snapshot()["tokens"] == 1000


def test_nobody_is_overtaken():
    """A small request behind a large one waits, tasks and all."""
    order = []

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()

    async def main():
        waiting, number = [], itertools.count()

        async def sleep(seconds):
            done = asyncio.get_running_loop().create_future()
            waiting.append((clock.now + seconds, next(number), done))
            await done

        budget = BudgetWindow(1000, clock=clock, async_sleep=sleep)
        await budget.areserve(700)

        async def ask(name, tokens):
            await budget.areserve(tokens)
            order.append((name, round(clock.now)))

        tasks = [
            asyncio.create_task(ask("large", 900)),
            asyncio.create_task(ask("small", 100)),
            asyncio.create_task(ask("last", 1000)),
        ]
        for _ in range(2000):
            await asyncio.sleep(0)
            if all(task.done() for task in tasks):
                break
            if waiting:
                waiting.sort()
                clock.now, _, done = waiting.pop(0)
                done.set_result(None)
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert [name for name, _ in order[:2]] in (["large", "small"], ["small", "large"])
    assert order[0][1] == order[1][1] == 61
    assert order[2] == ("last", 122)


def test_a_cancelled_waiter_leaves_the_queue(clock):
    """Those behind it do not wait for it."""

    async def main():
        budget = BudgetWindow(1000, clock=clock)
        await budget.areserve(500)
        first = asyncio.create_task(budget.areserve(900))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await budget.areserve(500, timeout=0)
        assert not budget._book._queue

    asyncio.run(main())


def test_a_timeout_that_is_no_number_does_not_wait_for_ever(clock):
    """It fails closed, as every other number that is none."""
    budget = window(clock)
    budget.reserve(1000)
    with pytest.raises(BudgetTimeout):
        budget.reserve(1, timeout=float("nan"))
    assert clock.sleeps == []


def test_a_clock_that_goes_back_or_stands_still_makes_no_room(clock):
    """What is booked leaves a minute after the latest time that was seen."""
    budget = window(clock)
    budget.reserve(1000)
    for moved in (0, -500):
        clock.advance(moved)
        with pytest.raises(BudgetTimeout):
            budget.reserve(1, timeout=0)
    clock.advance(500 + 62)
    assert budget.reserve(1000, timeout=0)


def test_many_who_wait_cost_no_more_than_a_window_of_them(clock):
    """Whoever is behind more than a window does not look at everybody before him."""
    budget = window(clock, tokens=1000)
    budget.reserve(1000)
    queue = [budget._book.enter((1, 100, 0, 0, 0), clock()) for _ in range(500)]
    tenth, last = (budget._book.ahead(ticket) for ticket in (queue[9], queue[-1]))
    assert tenth[:2] == (9, 900)
    assert last[1] == 1100
    assert budget._book.turn(budget, queue[-1], clock()) > 59


def test_room_that_is_given_back_is_noticed_while_waiting(clock):
    """A waiter looks again before its time."""
    budget = window(clock)
    held = budget.reserve(estimated_tokens=1000)
    slept = clock.sleep

    def sleep(seconds):
        slept(seconds)
        held.cancel()

    budget._sleep = sleep
    budget.reserve(estimated_tokens=1000)
    assert waited(clock) <= 5


def refusal(**headers):
    """A 429 of the installed SDK."""
    request = httpx2.Request("POST", "https://api.example.test/v1/messages")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(429, headers=names, json={}, request=request)
    return CLIENT._make_status_error("no", body={}, response=response)


def test_a_refusal_pauses_everybody_until_the_time_it_names(clock):
    """Others need not find out for themselves."""
    budget = window(clock)
    budget.learn(refusal(retry_after="7"))
    budget.reserve(estimated_tokens=1)
    assert waited(clock) == pytest.approx(7)


@pytest.mark.parametrize("status", [429, 200])
def test_a_response_that_is_a_refusal_pauses_as_its_exception_does(clock, status):
    """For code that looks at responses; what an answer says is no refusal."""
    budget = window(clock)
    request = httpx2.Request("POST", "https://api.example.test/v1/messages")
    budget.learn(httpx2.Response(status, headers={"retry-after": "7"}, request=request))
    assert budget.reserve(1).waited == (pytest.approx(7) if status == 429 else 0)


@pytest.mark.parametrize(
    "source", [None, 5, "junk", ConnectionError(), [("x-ratelimit-remaining-tokens", "990")]]
)
def test_what_says_nothing_teaches_nothing(clock, source):
    """And a plain list of headers says what any other object of headers would."""
    budget = window(clock)
    budget.learn(source)
    assert budget.snapshot()["tokens"] == (10 if isinstance(source, list) else 0)
    assert budget.reserve(1).waited == 0


def test_limits_and_what_others_have_spent_are_learnt_from_headers(clock):
    """The lower limit holds, and the provider's count is believed."""
    budget = window(clock, tokens=40_000)
    budget.learn(
        {
            "anthropic-ratelimit-tokens-limit": "30000",
            "anthropic-ratelimit-tokens-remaining": "1000",
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
        }
    )
    with pytest.raises(BudgetTooLarge):
        budget.reserve(estimated_tokens=30_001)
    with pytest.raises(BudgetTimeout):
        budget.reserve(estimated_tokens=1001, timeout=0)
    budget.reserve(estimated_tokens=1000, timeout=0)
    assert budget.snapshot()["requests"] == 2


def test_a_waiter_larger_than_a_lowered_limit_is_told(clock):
    """It would wait for ever."""
    budget = window(clock)
    budget.reserve(estimated_tokens=1000)
    slept = clock.sleep

    def sleep(seconds):
        slept(seconds)
        budget.learn({"x-ratelimit-limit-tokens": "500"})

    budget._sleep = sleep
    with pytest.raises(BudgetTooLarge):
        budget.reserve(estimated_tokens=900)
    assert not budget._book._queue


def test_time_is_looked_up_when_it_is_needed(monkeypatch):
    """A harness that replaces clock and sleep is obeyed."""
    now = [0.0]
    budget = BudgetWindow(1000)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    budget.reserve(1000)
    budget.reserve(1000)
    assert 60 <= now[0] <= 61.1
