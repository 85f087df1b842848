"""One process of many: asks a shared guard from several threads and prints what it was given.

Its clock is wrong, and runs wrong; only the server's counts.
"""

import json
import sys
import threading
import time

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.errors import BudgetTimeout, CircuitOpenError
from chaoskit_guards.redis_store import RedisStore

THREADS = 4


def together(work):
    """Run it in all threads at once."""
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def spend(url, key, skew):
    """Reserve without pause for three windows, settle some for less; what was used and when."""
    store = RedisStore(url, key, timeout=5.0)
    budget = BudgetWindow(
        LIMIT,
        seconds=SECONDS,
        buckets=12,
        store=store,
        clock=lambda: (time.monotonic() + skew) * (1 + skew / 100),
    )
    used, asked = [], []
    ends = time.monotonic() + 3 * SECONDS

    def work():
        for number in range(100_000):
            if time.monotonic() > ends:
                return
            asked.append(1)
            try:
                reservation = budget.reserve(1 + number % 7, timeout=0)
            except BudgetTimeout:
                continue
            amount = 1 + number % 7
            if number % 5 == 0:
                amount = 0
                reservation.settle(0)
            used.append((reservation.grant.at, amount))

    together(work)
    store.close()
    return {"used": used, "asked": len(asked)}


def probe(url, key, skew):
    """Ask an open breaker whose time has come from all threads; how many were let through."""
    store = RedisStore(url, key, timeout=5.0)
    breaker = CircuitBreaker(store=store, clock=lambda: time.monotonic() + skew)
    admitted = []

    def work():
        try:
            admitted.append(breaker.acquire())
        except CircuitOpenError:
            return

    together(work)
    store.close()
    return {"admitted": len(admitted)}


LIMIT = 500
SECONDS = 0.4

if __name__ == "__main__":
    name, url, key, skew = sys.argv[1:]
    json.dump({"spend": spend, "probe": probe}[name](url, key, float(skew)), sys.stdout)
