"""A process that is forked while another thread is inside of a guard."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, signal
from chaoskit_guards import BudgetWindow, CircuitBreaker, RetryBudget

budget, breaker, retries = BudgetWindow(100), CircuitBreaker(1, 60), RetryBudget()
budget.reserve(40)
budget._book.enter((1, 60, 0, 0, 0), 0.0)  # somebody who waits in the parent
for held in (budget._book._lock, breaker._lock, retries._lock):
    held.acquire()  # by somebody who is not there in the child
budget._book._meter._totals[1] += 7  # and who was between two steps
child = os.fork()
if child:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    signal.alarm(20)
    assert budget.reserve(60, timeout=0)
    assert budget.snapshot()["tokens"] == 100
    assert retries.spend()
    try:
        with breaker:
            raise ConnectionError
    except ConnectionError:
        pass
    assert breaker.state == "open"
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_process_is_not_stopped_by_the_locks_of_its_parent():
    """It has locks of its own, stands behind nobody, and what was booked stays booked."""
    run = [sys.executable, "-W", "ignore", "-c", SCRIPT]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


ALL = """
import os, signal
from chaoskit_guards import (
    BoundedTools, CacheBenchmark, CacheWarmer, CachedCounts, FallbackRouter, FitReport,
    IdempotentTools, LoopGuard, MaxIters, MessageWindow, NoProgress, ProviderConfig, RunContext,
    Scrubber, SessionStore, StopEvaluator, TokenCounter, Vet, count_tokens,
)
from chaoskit_guards import scrub_logging, similarity

router = FallbackRouter([ProviderConfig(name="anthropic", model="m", call=lambda **_: "hi")])
provider = router._providers[0]
bench, warmer, asked, guard = CacheBenchmark(), CacheWarmer("m"), CachedCounts(len), LoopGuard()
evaluator, context, counter = StopEvaluator([NoProgress()]), RunContext(), TokenCounter()
said = [{"role": "user", "content": "hi"}]
vet = Vet()
vet.guard(name="refund")(lambda: "paid")
bounded, sessions = BoundedTools(vet), SessionStore(list)
effects = IdempotentTools(vet, ["refund"])
effects._flights.join(effects._call("refund", {}, effects._effects["refund"], None, None).key)
window = MessageWindow(9, drop_strategy="summarise", summarise=lambda *_, **__: "short")
holders = [bench, warmer, asked, guard, evaluator, context, counter, count_tokens, window]
scrubber = Scrubber()
holders += [scrubber, scrub_logging._everywhere, window._summaries, provider, provider.caller]
holders += [provider.breaker, similarity._cache, bounded, sessions, effects._store]
holders += [effects._flights]
for holder in holders:
    holder._lock.acquire()  # by somebody who is not there in the child
child = os.fork()
if child:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    signal.alarm(20)
    for holder in holders:
        assert not holder._lock.locked(), holder
    assert router.call(said) == "hi"
    assert effects.dispatch("refund", {}) == "paid"
    assert sessions.get("alice") == []
    guard.record("search", {}, "found")
    context.record_tool("found")
    evaluator.check(context)
    bench.record(1, 1)
    scrubber.install()()
    window.push("user", "hi")
    assert window.as_messages() == said
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_no_guard_waits_for_a_thread_that_was_not_forked():
    """Whatever lock was held in the parent is free in the child."""
    run = [sys.executable, "-W", "ignore", "-c", ALL]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


LEASES = """
import os, sys
from chaoskit_guards import BudgetWindow, RedisStore

meter = BudgetWindow(100, store=RedisStore("redis://127.0.0.1:1/0", "k"))._shared.meter
child = os.fork()
lease, *_ = meter.reservation((1, 1, 0, 0, 0), (0,) * 5, (None,) * 5)
os.write(1, f"{lease}\\n".encode())
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_process_takes_no_lease_for_its_own_that_is_its_parents():
    """The first reservation of each has another name in the store."""
    run = [sys.executable, "-W", "ignore", "-c", LEASES]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert len(set(done.stdout.split())) == 2


WARMING = """
import os, signal, threading
from chaoskit_guards import CacheWarmer


class Client:
    def __init__(self):
        self.messages, self.asked, self.go_on = self, threading.Event(), threading.Event()
        self.process = os.getpid()

    def create(self, **_):
        if os.getpid() == self.process:
            self.asked.set()
            self.go_on.wait()
        return {"usage": {"input_tokens": 1, "cache_read_input_tokens": 9_000}}


client = Client()
warmer = CacheWarmer("claude-sonnet-4-6", client=client)
parent = threading.Thread(target=warmer.warm_sync, args=("Be brief.",))
parent.start()
client.asked.wait()  # it is being warmed by a thread that is not there in the child
child = os.fork()
if child:
    client.go_on.set()
    parent.join()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    signal.alarm(20)
    assert warmer.warm_sync("Be brief.").verdict == "already_warm"
    os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes fork")
def test_a_forked_process_does_not_wait_for_its_parents_warming():
    """It warms by itself what a thread of the parent was warming."""
    run = [sys.executable, "-W", "ignore", "-c", WARMING]
    done = subprocess.run(run, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")
