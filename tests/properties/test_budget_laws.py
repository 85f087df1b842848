"""No span of a minute holds more than the limit, whatever is asked, settled and given back."""

import asyncio
import threading

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetTimeout
from chaoskit_guards.meter import Meter

LIMIT = 100


class BudgetMachine(RuleBasedStateMachine):
    """Keeps its own list of what is booked and when, and looks at every span."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.budget = BudgetWindow(LIMIT, clock=lambda: self.now)
        self.entries = []
        self.open = []
        self.late = []  # settled after they had left the window, so booked once more

    @rule(seconds=st.floats(0, 90))
    def time_passes(self, seconds):
        """Move the clock."""
        self.now += seconds

    @rule(tokens=st.integers(0, LIMIT))
    def reserve(self, tokens):
        """Granted at once or not at all."""
        try:
            reservation = self.budget.reserve(tokens, timeout=0)
        except BudgetTimeout as error:
            refused_for = error.retry_after
        else:
            refused_for = None
        if refused_for is not None:
            # It is refused only where the last minute and one bucket leave no room.
            booked = self.entries + self.late
            recent = sum(amount for when, amount in booked if when > self.now - 62)
            assert recent + tokens > LIMIT
            assert refused_for > 0
            return
        entry = [self.now, tokens]
        self.entries.append(entry)
        self.open.append((reservation, entry))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle_lower(self, data):
        """Use less than was estimated, or nothing."""
        reservation, entry = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        actual = data.draw(st.integers(0, entry[1]))
        reservation.settle(actual)
        if entry[0] <= self.now - 60:
            self.late.append([self.now, actual])
        else:
            entry[1] = actual

    @precondition(lambda self: self.open)
    @rule()
    def cancel(self):
        """Give all back."""
        reservation, entry = self.open.pop(0)
        reservation.cancel()
        entry[1] = 0

    @invariant()
    def no_span_of_a_minute_holds_more(self):
        """Every span that ends with an entry."""
        for end, _ in self.entries:
            held = sum(amount for when, amount in self.entries if end - 60 < when <= end)
            assert held <= LIMIT


BudgetMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBudgetMachine = BudgetMachine.TestCase


@given(
    st.lists(st.tuples(st.integers(1, LIMIT), st.floats(0, 30)), min_size=1, max_size=30),
    st.sampled_from([1, 7, 60, 600]),
)
@settings(deadline=None)
def test_waiting_callers_never_meet_in_one_span(asks, buckets):
    """A single greedy caller, with any width of bucket."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    budget = BudgetWindow(LIMIT, buckets=buckets, clock=lambda: now[0], sleep=sleep)
    granted = []
    for tokens, pause in asks:
        now[0] += pause
        budget.reserve(tokens)
        granted.append((now[0], tokens))
    for end, _ in granted:
        assert sum(t for when, t in granted if end - 60 < when <= end) <= LIMIT


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([-1e-5, -1e-6, -1e-9, 0.0, 1e-9, 0.4])),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([0.0, 1e5, 1.8e9]),
    st.sampled_from([1, 7, 60, 600]),
)
def test_an_entry_is_booked_in_the_bucket_of_its_time(times, start, buckets):
    """At the edges too, and in the latest one when the clock is set back."""
    meter = Meter([LIMIT, None, None, None, None], buckets=buckets)
    width = -(-60_000_000_000 // buckets)
    latest = None
    for number, beside in times:
        now = max(0.0, start + number * width / 1e9 + beside)
        own = int(now * 1e9) // width
        latest = own if latest is None else max(latest, own)
        assert meter.advance(now) == latest


def test_threads_that_start_together_never_overshoot():
    """The sum is checked and booked in one step."""
    for _ in range(5):
        budget = BudgetWindow(1000, clock=lambda: 0.0)
        start = threading.Barrier(20)
        granted = []

        def ask(start=start, budget=budget, granted=granted):
            start.wait()
            try:
                budget.reserve(90, timeout=0)
            except BudgetTimeout:
                return
            granted.append(90)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(granted) <= 1000


@given(
    st.lists(st.tuples(st.floats(0.1, 40), st.booleans()), min_size=2, max_size=6),
    st.integers(1, 40),
)
@settings(deadline=None, max_examples=20)
def test_threads_hold_every_span_while_time_passes(rounds, tokens):
    """Twenty that ask at once, some of which use less or give back, round after round."""
    now = [0.0]
    budget = BudgetWindow(LIMIT, clock=lambda: now[0])
    booked = []

    def ask(start, number):
        start.wait()
        try:
            reservation = budget.reserve(tokens, timeout=0)
        except BudgetTimeout:
            return
        used = tokens if number % 3 else tokens // 2
        reservation.settle(used)
        booked.append((now[0], used))

    for seconds, together in rounds:
        start = threading.Barrier(20 if together else 1)
        threads = [
            threading.Thread(target=ask, args=(start, number)) for number in range(start.parties)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now[0] += seconds
    for end, _ in booked:
        assert sum(amount for when, amount in booked if end - 60 < when <= end) <= LIMIT


def test_threads_and_tasks_of_one_window_wait_in_one_queue():
    """On a clock that moves only when all of them wait."""
    now, lock = [0.0], threading.Lock()

    def sleep(seconds):
        with lock:
            now[0] += seconds

    async def asleep(seconds):
        sleep(seconds)
        await asyncio.sleep(0)

    budget = BudgetWindow(LIMIT, clock=lambda: now[0], sleep=sleep, async_sleep=asleep)
    booked = []

    def ask():
        booked.extend([(budget.reserve(30).bucket, 30) for _ in range(5)])

    async def aask():
        booked.extend([((await budget.areserve(30)).bucket, 30) for _ in range(5)])

    async def tasks():
        await asyncio.gather(*(aask() for _ in range(3)))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads.append(threading.Thread(target=lambda: asyncio.run(tasks())))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(booked) == 30
    # A bucket is a second here; what is booked in the same sixty of them is at most the limit.
    for last, _ in booked:
        assert sum(amount for bucket, amount in booked if last - 60 < bucket <= last) <= LIMIT
