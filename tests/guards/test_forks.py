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
    CacheBenchmark, CacheWarmer, CachedCounts, FallbackRouter, FitReport, LoopGuard, MaxIters,
    MessageWindow, NoProgress, ProviderConfig, RunContext, Scrubber, StopEvaluator, TokenCounter,
    count_tokens,
)
from chaoskit_guards import scrub_logging, similarity

router = FallbackRouter([ProviderConfig(name="anthropic", model="m", call=lambda **_: "hi")])
provider = router._providers[0]
bench, warmer, asked, guard = CacheBenchmark(), CacheWarmer("m"), CachedCounts(len), LoopGuard()
evaluator, context, counter = StopEvaluator([NoProgress()]), RunContext(), TokenCounter()
said = [{"role": "user", "content": "hi"}]
window = MessageWindow(9, drop_strategy="summarise", summarise=lambda *_, **__: "short")
holders = [bench, warmer, asked, guard, evaluator, context, counter, count_tokens, window]
scrubber = Scrubber()
holders += [scrubber, scrub_logging._everywhere, window._summaries, provider, provider.caller, provider.breaker, similarity._cache]
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
