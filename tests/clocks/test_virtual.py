"""Virtual time for threads and for event loops."""

import _thread
import asyncio
import concurrent.futures
import contextvars
import datetime as dt
import gc
import queue
import random
import subprocess
import sys
import threading
import time
import uuid
from time import monotonic as monotonic_by_name
from time import sleep as sleep_by_name

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.clocks import scheduler, threads
from chaoskit.clocks.progress import Progress, frame_of
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.errors import RunStopped


def play(body, *, seed=1, real_limit=30.0):
    """Run `body(clock)` in virtual time; return the clock and what it returned."""
    clock = VirtualClock(real_limit=real_limit)
    with clock.running(random.Random(seed)):
        result = body(clock)
    return clock, result


def together(*functions):
    """Run functions in threads of the run and wait for all."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_every_clock_of_the_process_moves_by_what_was_slept():
    """Sleeping an hour moves all clocks by an hour, and only the run's own."""

    def body(clock):
        before = time.time(), time.monotonic(), time.perf_counter(), dt.datetime.now()
        wall = time.localtime()
        time.sleep(3600)
        after = time.time(), time.monotonic(), time.perf_counter(), dt.datetime.now()
        assert (time.localtime().tm_hour - wall.tm_hour) % 24 == 1
        assert time.time_ns() == round(time.time() * 1e9)
        assert dt.datetime.now(dt.UTC).timestamp() == time.time()
        assert dt.date.today() == dt.datetime.now().date()
        assert time.strftime("%H") == dt.datetime.now().strftime("%H")
        return [b - a for a, b in zip(before, after, strict=True)]

    clock, (wall, monotonic, perf, date) = play(body)

    assert (wall, monotonic, perf, date) == (3600, 3600, 3600, dt.timedelta(hours=1))
    assert clock.now() == 3600


def test_nothing_stays_patched_after_a_run():
    """After a run every replaced function is the original again."""
    named = (
        time.sleep, time.time, time.monotonic, time.strftime, uuid.uuid4, threading.Lock,
        threading.Thread.start, threading.Thread.join, queue.SimpleQueue,
        concurrent.futures.ThreadPoolExecutor.submit, sleep_by_name,
    )  # fmt: skip
    state = random.getstate()

    play(lambda clock: time.sleep(5))

    assert named == (
        time.sleep, time.time, time.monotonic, time.strftime, uuid.uuid4, threading.Lock,
        threading.Thread.start, threading.Thread.join, queue.SimpleQueue,
        concurrent.futures.ThreadPoolExecutor.submit, sleep_by_name,
    )  # fmt: skip
    assert dt.datetime.now().year == time.localtime().tm_year
    assert random.getstate() == state


def test_functions_imported_by_name_keep_the_runs_time():
    """`from time import sleep` waits in virtual time too."""

    def body(clock):
        before = monotonic_by_name()
        sleep_by_name(90)
        return monotonic_by_name() - before

    assert play(body)[1] == 90


def test_threads_wait_side_by_side():
    """Twenty threads that sleep an hour each take an hour together."""
    clock, _ = play(lambda clock: together(*[lambda: time.sleep(3600)] * 20))

    assert clock.now() == 3600


def test_who_waited_first_goes_first_at_the_same_time():
    """A sleeper goes on at once only if nobody is due before it, or then."""

    def body(clock):
        order = []

        def first():
            time.sleep(2)
            order.append(("first", clock.now()))

        def second():
            time.sleep(1)
            order.append(("second", clock.now()))
            time.sleep(1)
            order.append(("second", clock.now()))
            time.sleep(1)
            order.append(("second", clock.now()))

        together(first, second)
        return order

    assert play(body)[1] == [("second", 1), ("first", 2), ("second", 2), ("second", 3)]


def test_timed_waits_of_the_standard_library_end_on_virtual_time():
    """Events, conditions, queues, locks and futures time out after their time, not after ours."""

    def body(clock):
        spent = []

        def measure(wait):
            before = clock.now()
            wait()
            spent.append(clock.now() - before)

        held = threading.Lock()
        held.acquire()
        condition = threading.Condition()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            job = pool.submit(time.sleep, 500)
            measure(lambda: threading.Event().wait(10))
            with condition:
                measure(lambda: condition.wait(20))
            with pytest.raises(queue.Empty):
                measure(lambda: queue.Queue().get(timeout=30)) or spent.append(None)
            assert not held.acquire(timeout=40)
            with pytest.raises(concurrent.futures.TimeoutError):
                job.result(timeout=50)
            at = clock.now()
        return spent, at, clock.now()

    _, (spent, at, end) = play(body)

    assert spent == [10, 20]
    assert (at, end) == (150, 500)


@given(st.floats(min_value=1e-9, max_value=90, exclude_min=True))
def test_timed_waits_end_whatever_part_of_a_step_their_time_is(seconds):
    """Waits with jitter are hardly ever whole microseconds long."""

    def body(clock):
        ended = [threading.Event().wait(seconds), clock.now()]
        sleeper = threading.Thread(target=time.sleep, args=[1_000])
        sleeper.start()
        sleeper.join(seconds)
        return [*ended, clock.now()]

    waited, first, second = play(body, real_limit=5.0)[1]
    assert waited is False
    assert first == pytest.approx(max(seconds, 1e-6), abs=1e-6)
    assert second == pytest.approx(2 * first, abs=1e-6)


def test_a_waiter_is_woken_by_another_thread_at_once():
    """A wait ends when the event is set, not when its timeout is over."""

    def body(clock):
        event, log = threading.Event(), []

        def wait():
            log.append((event.wait(1000), clock.now()))

        def wake():
            time.sleep(7)
            event.set()

        together(wait, wake)
        return log

    assert play(body)[1] == [(True, 7.0)]


def test_an_event_loop_jumps_to_its_next_timer():
    """Async sleeps and timeouts take virtual time."""

    def body(clock):
        async def main():
            await asyncio.gather(*(asyncio.sleep(n) for n in range(100)))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(600):
                    await asyncio.sleep(3600)
            return clock.now()

        return asyncio.run(main())

    assert play(body)[1] == 99 + 600


def test_loops_made_by_threads_of_a_run_share_its_time():
    """`asyncio.run` in several threads, executors and `to_thread` interleave exactly."""

    def body(clock):
        log = []

        def user(number):
            async def main():
                await asyncio.sleep(number)
                await asyncio.to_thread(time.sleep, 10)
                log.append((number, clock.now()))

            asyncio.run(main())

        together(*(lambda number=number: user(number) for number in (3, 1, 2)))
        return log

    assert play(body)[1] == [(1, 11.0), (2, 12.0), (3, 13.0)]


def test_waiting_thread_looks_up_now_and_then():
    """A signal that comes just before the kernel lets a thread sleep does not wake it."""
    slept = []

    class Gate:
        """A lock whose sleeper hears no signal."""

        def acquire(self, blocking=True, timeout=-1):
            assert blocking
            assert timeout > 0, "it would sleep for ever"
            slept.append(timeout)
            if len(slept) == 3:
                raise KeyboardInterrupt  # what Python does with a signal once it looks
            return False

    worker = scheduler.Worker(scheduler.Scheduler(), 1, "main")
    worker.gate = Gate()
    with pytest.raises(KeyboardInterrupt):
        worker.wait()
    assert max(slept) <= 1


def test_context_follows_threads_and_pool_jobs():
    """What a thread or a job was started for can be told inside of it."""
    owner = contextvars.ContextVar("owner", default="nobody")
    pool = concurrent.futures.ThreadPoolExecutor(1)

    def body(clock):
        seen = []

        def user(name):
            owner.set(name)
            together(lambda: seen.append(("thread", owner.get())))
            pool.submit(lambda: seen.append(("job", owner.get()))).result()

        together(lambda: user("ann"), lambda: user("bob"))
        return seen

    expected = [(kind, name) for kind in ("thread", "job") for name in ("ann", "bob")]
    assert sorted(play(body)[1]) == sorted(expected)
    assert sorted(play(body)[1]) == sorted(expected)
    pool.shutdown()


def test_the_order_of_threads_is_the_same_in_every_run():
    """Threads that draw random numbers and sleep for them interleave the same way every time."""

    def body(clock):
        log = []

        def user(number):
            for _ in range(20):
                time.sleep(random.random())
                log.append((number, round(clock.now(), 9), str(uuid.uuid4())))

        together(*(lambda number=number: user(number) for number in range(8)))
        return log

    assert play(body, seed=5)[1] == play(body, seed=5)[1]
    assert play(body, seed=5)[1] != play(body, seed=6)[1]


def test_a_busy_wait_for_the_clock_ends():
    """A loop that only reads the clock makes time pass instead of hanging."""

    def body(clock):
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        return clock.now()

    assert play(body)[1] == pytest.approx(0.05, abs=0.002)


def test_time_never_runs_backwards_between_runs():
    """Each run begins a day after the end of the one before, on a whole day, on every clock."""

    def read(clock):
        time.sleep(30)
        return time.time(), time.monotonic()

    first, second = play(read)[1], play(read)[1]
    gaps = {round(later - earlier, 6) for earlier, later in zip(first, second, strict=True)}

    assert gaps == {2 * 86400.0}


def test_a_deadlock_is_told_instead_of_waited_for():
    """When nothing can wake anybody the run is stopped and says where it hangs."""

    def body(clock):
        thread = threading.Thread(target=lambda: threading.Event().wait(), name="stuck")
        thread.start()
        thread.join()

    clock, _ = play(body)

    assert clock.scheduler.stopped.startswith("deadlock")
    assert "stuck at test_virtual.py" in clock.scheduler.stopped


def test_a_thread_that_never_ends_is_stopped_with_the_run():
    """A thread that catches every Exception in a loop ends with the run."""
    ended = []

    def forever():
        try:
            while True:
                try:
                    time.sleep(1)
                except Exception:  # noqa: BLE001 - what is tested
                    continue
        except RunStopped:
            ended.append("stopped")
            raise

    def body(clock):
        threading.Thread(target=forever).start()
        time.sleep(10)

    play(body)

    assert ended == ["stopped"]


def test_a_thread_that_computes_for_ever_is_stopped_by_real_time():
    """A loop without any wait is interrupted when the run's real time is over."""
    ended = []

    def spin():
        try:
            while True:
                pass
        except RunStopped:
            ended.append("stopped")

    clock, _ = play(lambda clock: together(spin), real_limit=0.2)

    assert ended == ["stopped"]
    assert clock.scheduler.stopped.startswith("real time")


def test_a_thread_blocked_on_something_real_gives_up_the_baton():
    """A child process is waited for in real time; the others go on, and the run says so."""

    def body(clock):
        log = []

        def blocked():
            child = subprocess.Popen(
                [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True
            )
            pipes.append(child)
            child.wait()
            log.append("child ended")

        def other():
            time.sleep(5)
            log.append("other")
            pipes[0].communicate("\n")

        pipes = []
        together(blocked, other)
        return log

    clock, log = play(body)

    assert log == ["other", "child ended"]
    assert clock.scheduler.strays


def test_client_and_server_on_one_loop_talk_over_loopback_in_virtual_time():
    """Real sockets are served before time jumps."""

    def body(clock):
        async def serve(reader, writer):
            await reader.readline()
            await asyncio.sleep(2700)
            writer.write(b"back again\n")
            writer.close()

        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            line = await reader.readline()
            writer.close()
            server.close()
            return line, clock.now()

        return asyncio.run(main())

    assert play(body)[1] == (b"back again\n", 2700.0)


def test_loop_made_before_the_run_lives_on_its_time():
    """Test frameworks make their loops early; on Unix and elsewhere alike."""
    loop = asyncio.new_event_loop()
    clock = VirtualClock(real_limit=20)
    try:
        with clock.running(random.Random(1)):
            loop.run_until_complete(asyncio.sleep(2_700))
            passed = clock.now()
    finally:
        loop.close()
    assert passed == pytest.approx(2_700, abs=0.01)


def test_nothing_is_collected_while_frames_are(monkeypatch):
    """CPython may wait for ever when its collector runs then."""
    collecting = []
    frames = sys._current_frames
    monkeypatch.setattr(
        sys, "_current_frames", lambda: collecting.append(gc.isenabled()) or frames()
    )
    assert frame_of(threading.get_ident()) is not None
    assert (collecting, gc.isenabled()) == ([False], True)


def test_thread_that_a_busy_machine_is_slow_to_start_changes_nothing(monkeypatch):
    """Whoever starts it waits for real, and keeps the baton however long that takes."""
    looked, enough = [], _thread.allocate_lock()
    enough.acquire()
    since, start = Progress.since, threads._real_start

    def counted(progress, ident, native):
        looked.append(ident)
        if looked.count(ident) == 20:  # more than the monitor takes for a blocked thread
            enough.release()
        return since(progress, ident, native)

    def slow(thread):
        if thread.name == "slow":
            enough.acquire()
        start(thread)

    def body(clock):
        log = []
        early = threading.Thread(target=lambda: log.append("early"))
        late = threading.Thread(target=lambda: log.append("late"), name="slow")
        early.start()
        late.start()
        log.append("main")
        late.join()
        early.join()
        return log

    monkeypatch.setattr(Progress, "since", counted)
    monkeypatch.setattr(threads, "_real_start", slow)
    clock, log = play(body)

    assert log == ["main", "early", "late"]
    assert not clock.scheduler.strays


def test_loop_whose_thread_ended_with_a_run_gets_a_fresh_one_when_it_is_needed():
    """An event bus lives as long as its process: in the next run, and after the last one."""
    loop, done = asyncio.new_event_loop(), []
    thread = threading.Thread(target=lambda: loop.run_forever())  # noqa: PLW0108 - looked up in the run

    async def wait(seconds):
        await asyncio.sleep(seconds)
        done.append(seconds)
        return seconds

    def asked(seconds):
        return asyncio.run_coroutine_threadsafe(wait(seconds), loop)

    def first(clock):
        thread.start()
        asked(5_000)
        return asked(50).result(), clock.now()

    assert play(first)[1] == (50, 50.0)
    assert play(lambda clock: (asked(700).result(), clock.now()))[1] == (700, 700.0)
    assert asked(0).result(timeout=10) == 0
    assert done == [50, 700, 0]
    assert not asyncio.all_tasks(loop)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
