"""How many probes the breakers let through at once, and what becomes of a cancelled one.

Called from guards.py; in real time, with threads and with tasks.
"""

import asyncio
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from chaoskit_guards import CircuitBreaker

CALLERS = 32


def opened(breaker_call, error=ConnectionError):
    """Fail until the breaker is open."""

    def fail():
        raise error

    for _ in range(6):
        with contextlib.suppress(Exception):
            breaker_call(fail)


def breakers(peers):
    """Return (threads, tasks): makers of a breaker's call by recovery time, by library."""
    makers = {
        "chaoskit_guards": lambda after: CircuitBreaker(5, after).call,
    }
    amakers = {}

    def ours(after):
        circuit = CircuitBreaker(5, after)
        return lambda function: circuit(function)()

    amakers["chaoskit_guards"] = ours
    if lib := peers.get("circuitbreaker"):

        def peer(after):
            circuit = lib.CircuitBreaker(
                failure_threshold=5, recovery_timeout=after, name=f"{after}"
            )
            return lambda function: circuit(function)()

        makers["circuitbreaker"] = amakers["circuitbreaker"] = peer
    if lib_a := peers.get("aiobreaker"):
        new = lib_a.CircuitBreaker
        makers["aiobreaker"] = lambda after: new(5, timedelta(seconds=after)).call
        amakers["aiobreaker"] = lambda after: new(5, timedelta(seconds=after)).call_async
    if lib_p := peers.get("pybreaker"):
        makers["pybreaker"] = lambda after: (
            lib_p.CircuitBreaker(
                fail_max=5, reset_timeout=after, throw_new_error_on_trip=False
            ).call
        )
    if lib_u := peers.get("purgatory"):
        for kind, into in (("Sync", makers), ("Async", amakers)):
            factory = getattr(lib_u, f"{kind}CircuitBreakerFactory")
            into["purgatory"] = lambda after, factory=factory: decorating(
                factory(default_threshold=5, default_ttl=after)("a")
            )
    if peers.get("hyx"):
        from hyx.circuitbreaker import consecutive_breaker as consecutive

        amakers["hyx"] = lambda after: decorating(consecutive(recovery_time_secs=after))
    return makers, amakers


def decorating(decorator):
    """Return what calls a function under a decorator of coroutines or functions alike."""

    def call(function):
        return decorator(function)()

    return call


class Meeting:
    """Counts who is inside at once, and everybody."""

    def __init__(self, seconds, *, fails):
        self.seconds, self.fails = seconds, fails
        self.inside = self.peak = self.total = 0
        self.lock = threading.Lock()

    def enter(self):
        with self.lock:
            self.inside += 1
            self.total += 1
            self.peak = max(self.peak, self.inside)

    def leave(self):
        with self.lock:
            self.inside -= 1
        if self.fails:
            raise ConnectionError

    def __call__(self):
        self.enter()
        time.sleep(self.seconds)
        self.leave()

    async def acall(self):
        self.enter()
        await asyncio.sleep(self.seconds)
        self.leave()


def race_threads(make):
    """Return peak and total of a half-open race, and the seconds of 32 calls of 50 ms."""
    call = make(0.05)
    opened(call)
    time.sleep(0.1)
    probe = Meeting(0.05, fails=True)
    together(lambda: call(probe))
    closed, plain = make(60), Meeting(0.05, fails=False)
    began = time.perf_counter()
    together(lambda: closed(plain))
    return probe.peak, probe.total, time.perf_counter() - began


def together(work):
    start = threading.Barrier(CALLERS)

    def one(_):
        start.wait()
        with contextlib.suppress(Exception):
            work()

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(one, range(CALLERS)))


async def race_tasks(make):
    call = make(0.05)

    async def fail():
        raise ConnectionError

    for _ in range(6):
        with contextlib.suppress(Exception):
            await call(fail)
    await asyncio.sleep(0.1)
    probe = Meeting(0.05, fails=True)
    await asyncio.gather(*(call(probe.acall) for _ in range(CALLERS)), return_exceptions=True)
    closed, plain = make(60), Meeting(0.05, fails=False)
    began = time.perf_counter()
    await asyncio.gather(*(closed(plain.acall) for _ in range(CALLERS)), return_exceptions=True)
    return probe.peak, probe.total, time.perf_counter() - began


async def after_cancelled_probe(make):
    """Cancel the one probe of an open breaker and return how it takes the next failures."""
    call = make(0.05)

    async def fail():
        raise ConnectionError

    async def hang():
        await asyncio.sleep(60)

    for _ in range(6):
        with contextlib.suppress(Exception):
            await call(fail)
    await asyncio.sleep(0.1)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(call(hang), 0.01)
    asked = Meeting(0, fails=True)
    for _ in range(4):
        with contextlib.suppress(Exception):
            await call(asked.acall)
    return asked.total


def cancelled(amakers):
    """Print how many of four failing calls get through after a probe was cancelled."""
    print("\na cancelled probe, then four failing calls: one more probe wanted")
    for name, make in amakers.items():
        total = asyncio.run(after_cancelled_probe(make))
        closed = "; the cancellation has closed it" if total > 1 else ""
        print(f"  {name:34}{total:3} let through{closed}")


def races(peers, rounds):
    makers, amakers = breakers(peers)
    cancelled(amakers)
    print(f"\nhalf-open, {CALLERS} callers, one probe wanted (worst of {rounds})")
    found = {}
    for _ in range(rounds):
        for name, make in makers.items():
            found.setdefault(f"{name}, threads", []).append(race_threads(make))
        for name, make in amakers.items():
            found.setdefault(f"{name}, tasks", []).append(asyncio.run(race_tasks(make)))
    for name, runs in found.items():
        peak, total, seconds = (max(column) for column in zip(*runs, strict=True))
        print(
            f"  {name:34}{peak:3} probes at once, {total:3} in all; "
            f"{CALLERS} × 50 ms closed {seconds:5.2f} s"
        )
