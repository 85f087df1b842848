"""What the guards cost and what they let through, beside every peer that is installed.

python benchmarks/guards.py [rounds]

Rows of a table are timed in turns, so that the load of the machine falls on all of them; the ratio
of the fastest round to that of the first row is the result; times are of one call. Peers are looked
for, never required, and so are the package `redis` and a redis-server. Half a minute alone, two to
three minutes with all peers.
"""

import asyncio
import contextlib
import copy
import difflib
import importlib
import logging
import random
import statistics
import subprocess
import sys
import threading
import time
from datetime import timedelta

from races import races
from tool_guards import tool_guards
from windows import windows

from chaoskit_guards import (
    ArgSpec,
    BudgetWindow,
    CircuitBreaker,
    Completion,
    FallbackRouter,
    LoopGuard,
    MessageWindow,
    NoProgress,
    ProviderConfig,
    RetryConfig,
    Scrubber,
    Usage,
    Vet,
    count_tokens,
    with_retry,
)

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
PEERS = {  # the module, and what to install where that has another name
    "llm_retry": "llm-retry-py",
    "tenacity": "",
    "stamina": "",
    "backoff": "",
    "opnieuw": "",
    "hyx": "",
    "circuitbreaker": "",
    "pybreaker": "",
    "aiobreaker": "",
    "purgatory": "",
    "limits": "",
    "pyrate_limiter": "pyrate-limiter",
    "throttled": "throttled-py",
    "aiolimiter": "",
    "langchain_core": "langchain-core",
    "agentfit": "agentfit-py",
    "rapidfuzz": "",
    "agentvet": "agentvet-py",
    "pydantic": "",
    "jsonschema": "",
    "sentry_sdk.scrubber": "sentry-sdk",
    "logfire._internal.scrubbing": "logfire",
    "json_repair": "json-repair",
}


WORDS = ("deploy", "failed", "migration", "timed", "out", "pool", "exhausted", "health", "check")


def found():
    """The peers that can be imported, by name."""
    peers, missing = {}, []
    for name, distribution in PEERS.items():
        try:
            peers[name] = importlib.import_module(name)
        except ImportError:
            missing.append(distribution or name)
    if missing:
        print("left out, since they are not installed: " + " ".join(missing))
    return peers


def table(title, rows, number):
    """Time each row in turns and print the fastest of each."""
    times = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, work in rows.items():
            began = time.perf_counter()
            for _ in range(number):
                work()
            times[name].append((time.perf_counter() - began) / number)
    report(title, times)


def atable(title, rows, number):
    """Time each coroutine function in turns, within one loop, and print the fastest of each."""

    async def go():
        times = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, work in rows.items():
                began = time.perf_counter()
                for _ in range(number):
                    await work()
                times[name].append((time.perf_counter() - began) / number)
        return times

    report(title, asyncio.run(go()))


def report(title, times):
    print(f"\n{title:36}   fastest    ratio   median")
    first = None
    for name, taken in times.items():
        fastest, median = min(taken), statistics.median(taken)
        first = first or fastest
        print(f"  {name:32}{fastest * 1e6:9.2f} µs {fastest / first:7.1f} × {median * 1e6:8.2f}")


def nothing():
    return 1


async def anothing():
    return 1


class Flaky:
    """Fails every other call."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.calls % 2:
            raise ConnectionError
        return 1


def retries(peers):
    config = RetryConfig(max_attempts=4, base_delay=0, max_delay=0, jitter=False)
    rows, arows, failing = {"bare": nothing}, {"bare": anothing}, {}
    ours = with_retry(config, sleep=lambda _: None)
    rows["chaoskit_guards"] = ours(nothing)
    arows["chaoskit_guards"] = with_retry(config)(anothing)

    failing["chaoskit_guards"] = ours(Flaky().__call__)
    if llm := peers.get("llm_retry"):
        policy = llm.RetryPolicy(max_attempts=4, base_delay_ms=0, max_delay_ms=0)
        rows["llm_retry"] = lambda: llm.retry(nothing, policy=policy)
        arows["llm_retry"] = lambda: llm.retry_async(anothing, policy=policy)
        one = Flaky()
        failing["llm_retry"] = lambda: llm.retry(one, policy=policy, sleep=lambda _: None)
    if lib := peers.get("backoff"):
        logging.getLogger("backoff").disabled = True
        wrap = lib.on_exception(lib.constant, OSError, interval=0, jitter=None, max_tries=4)
        rows["backoff"], arows["backoff"] = wrap(nothing), wrap(anothing)
        failing["backoff"] = wrap(Flaky().__call__)
    if lib := peers.get("stamina"):
        options = {"attempts": 4, "wait_initial": 0, "wait_max": 0, "wait_jitter": 0}
        lib.instrumentation.set_on_retry_hooks([])
        wrap = lib.retry(on=OSError, **options)
        rows["stamina"], arows["stamina"] = wrap(nothing), wrap(anothing)
        failing["stamina"] = wrap(Flaky().__call__)
    if lib := peers.get("tenacity"):
        wrap = lib.retry(stop=lib.stop_after_attempt(4), reraise=True)
        rows["tenacity"], arows["tenacity"] = wrap(nothing), wrap(anothing)
        failing["tenacity"] = wrap(Flaky().__call__)
    if lib := peers.get("opnieuw"):
        rows["opnieuw"] = lib.retry(retry_on_exceptions=OSError)(nothing)
        arows["opnieuw"] = lib.retry_async(retry_on_exceptions=OSError)(anothing)
    if peers.get("hyx"):
        from hyx.retry import retry

        arows["hyx"] = retry(on=OSError, backoff=0)(anothing)
    table("retry, happy path, sync", rows, 3_000)
    atable("retry, happy path, async", arows, 3_000)
    table("retry, one failure, no sleep", failing, 500)


def refused(call):
    def work():
        with contextlib.suppress(Exception):
            call()

    return work


def raises():
    raise ConnectionError


def decorated(peers, function, *, is_async=False):
    """Return the function under a closed breaker of each library, as it is decorated there."""
    rows = {"chaoskit_guards": CircuitBreaker(5, 60)(function)}
    if lib := peers.get("circuitbreaker"):
        rows["circuitbreaker"] = lib.CircuitBreaker(5, 60, name=f"c{is_async}")(function)
    if lib := peers.get("aiobreaker"):
        rows["aiobreaker"] = lib.CircuitBreaker(5, timedelta(seconds=60))(function)
    if (lib := peers.get("pybreaker")) and not is_async:
        rows["pybreaker"] = lib.CircuitBreaker(fail_max=5)(function)
    if peers.get("hyx") and is_async:
        from hyx.circuitbreaker import consecutive_breaker

        rows["hyx"] = consecutive_breaker()(function)
    if lib := peers.get("purgatory"):
        rows["purgatory"] = purgatory(lib, function, is_async=is_async)
    return rows


def purgatory(lib, function, *, is_async):
    if not is_async:
        return lib.SyncCircuitBreakerFactory(default_threshold=5)("a")(function)
    return lib.AsyncCircuitBreakerFactory(default_threshold=5)("a")(function)


def circuits(peers):
    table("breaker, closed, sync", {"bare": nothing, **decorated(peers, nothing)}, 3_000)
    awaited = {"bare": anothing, **decorated(peers, anothing, is_async=True)}
    atable("breaker, closed, async", awaited, 3_000)
    rows = {"bare raise and except": refused(raises)}
    for name, work in decorated(peers, raises).items():
        for _ in range(6):
            refused(work)()
        rows[name] = refused(work)
    table("breaker, open, refusing", rows, 3_000)


def limiters(peers):
    rows, filled = {}, {}
    with_lock = threading.Lock()

    def lock():
        with with_lock:
            pass

    rows["bare lock"] = filled["bare lock"] = lock
    window = BudgetWindow(tokens_per_minute=10**12)
    rows["chaoskit_guards reserve+settle"] = lambda: window.reserve(1).settle(1)
    big = BudgetWindow(tokens_per_minute=10**12)
    filled["chaoskit_guards reserve+settle"] = lambda: big.reserve(2_000).settle(2_000)
    if "limits" in peers:
        from limits import RateLimitItemPerMinute, storage, strategies

        item = RateLimitItemPerMinute(10**9)
        moving = strategies.MovingWindowRateLimiter(storage.MemoryStorage())
        rows["limits moving window"] = lambda: moving.hit(item, "a")
        filled["limits moving window"] = lambda: moving.hit(item, "b", cost=2_000)
    if "pyrate_limiter" in peers:
        from pyrate_limiter import Duration, InMemoryBucket, Limiter, Rate

        def limiter():
            return Limiter(InMemoryBucket([Rate(10**9, Duration.MINUTE)]))

        one, many = limiter(), limiter()
        rows["pyrate_limiter"] = lambda: one.try_acquire("a", 1)
        filled["pyrate_limiter"] = lambda: many.try_acquire("a", 2_000)
    table("budget, cost 1", rows, 1_000)
    table("budget, cost 2,000", filled, 100)

    aours = BudgetWindow(tokens_per_minute=10**12)

    async def ours():
        (await aours.areserve(1)).settle(1)

    arows = {"chaoskit_guards reserve+settle": ours}
    if lib := peers.get("aiolimiter"):

        def acquire():
            state = {}

            async def work():
                if "limiter" not in state:
                    state["limiter"] = lib.AsyncLimiter(10**9, 60)
                await state["limiter"].acquire(1)

            return work

        arows["aiolimiter"] = acquire()
    atable("budget, async, cost 1", arows, 1_000)


def conversation(rng, count=200):
    """Messages of some 230 characters, one third of them with tool calls and results."""
    said = []
    for n in range(count // 4):
        text = " ".join(rng.choices(WORDS, k=34))
        call = {"type": "tool_use", "id": f"t{n}", "name": "search", "input": {"query": text}}
        result = {"type": "tool_result", "tool_use_id": f"t{n}", "content": text}
        said += [
            {"role": "user", "content": text},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
            {"role": "assistant", "content": text},
        ]
    return said


def trimming(peers):
    messages = conversation(random.Random(1))
    half = count_tokens(messages) // 2
    again, grown = MessageWindow(max_tokens=half), MessageWindow(max_tokens=half)
    for message in messages:
        grown.push(**message)
    numbers = iter(range(10**9))

    def one_more():
        grown.push("user", f"question {next(numbers)}")
        return grown.as_messages()

    rows = {
        "count everything once": lambda: count_tokens(messages),
        "chaoskit_guards, first": lambda: MessageWindow(max_tokens=half).trim(messages),
        "chaoskit_guards, again": lambda: again.trim(messages),
        "chaoskit_guards, one more pushed": one_more,
    }
    if lib := peers.get("agentfit"):
        plain = [{"role": m["role"], "content": str(m["content"])} for m in messages]
        rows["agentfit, as text"] = lambda: lib.fit(plain, max_tokens=half)
    if "langchain_core" in peers:
        from langchain_core.messages import AIMessage, HumanMessage, ToolMessage, trim_messages
        from langchain_core.messages.utils import count_tokens_approximately

        chain = []
        for n in range(0, len(messages), 4):
            text = messages[n]["content"]
            call = {"name": "search", "args": {"query": text}, "id": f"t{n}"}
            chain += [
                HumanMessage(text),
                AIMessage("", tool_calls=[call]),
                ToolMessage(text, tool_call_id=f"t{n}"),
                AIMessage(text),
            ]

        def trim(counter):
            return lambda: trim_messages(
                chain, max_tokens=half, token_counter=counter, start_on="human"
            )

        rows["langchain, our count"] = trim(
            lambda said: sum(count_tokens({"role": "user", "content": m.content}) for m in said)
        )
        rows["langchain, approximate"] = trim(count_tokens_approximately)
    table(f"trim {len(messages)} messages, {2 * half} tokens, to half", rows, 5)


TURNS, WINDOW = 310, 6_000


def reused(show):
    """Return the share of what was sent over a conversation that repeats the request before."""
    rng, history, before, kept, sent = random.Random(1), [], [], 0, 0
    for turn in range(TURNS):
        history.append({"role": "user", "content": f"{turn} {' '.join(rng.choices(WORDS, k=20))}"})
        shown = show(history)
        same = 0
        while same < min(len(before), len(shown)) and before[same] == shown[same]:
            same += 1
        kept += count_tokens(shown[:same])
        sent += count_tokens(shown)
        before = shown
        if turn % 3 == 0:
            call = {"type": "tool_use", "id": f"t{turn}", "name": "search", "input": {"n": turn}}
            found = " ".join(rng.choices(WORDS, k=120))
            result = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": found}
            history.append({"role": "assistant", "content": [call]})
            history.append({"role": "user", "content": [result]})
        history.append({"role": "assistant", "content": " ".join(rng.choices(WORDS, k=60))})
    return kept / sent


def prefixes(_peers):
    """How much of each prompt is the beginning of the one before, which a prompt cache serves."""

    def brim(history):
        return MessageWindow(WINDOW, low_water=1.0).trim(history)

    print(f"\nprefix reuse, {TURNS} turns against {WINDOW:,} tokens")
    strategies = ("oldest", "middle", "priority", "clear_tool_results")
    windows = {
        f"chaoskit_guards, {name}": MessageWindow(WINDOW, drop_strategy=name) for name in strategies
    }
    windows["chaoskit_guards, summarise"] = MessageWindow(
        WINDOW, drop_strategy="summarise", summarise=lambda said: f"{len(said)} messages"
    )
    rows = {name: window.trim for name, window in windows.items()}
    for name, show in {**rows, "cut to the brim each turn": brim}.items():
        share = reused(show)
        bill = 0.1 * share + 1.25 * (1 - share)
        print(f"  {name:34}{share:8.1%} reused, input costs {bill:.2f} of the list price")


def stale(peers):
    """One check of five results: all of them new, and one of them."""
    for size in (2_000, 20_000):
        no_progress(peers, size)


def no_progress(peers, size):
    rng = random.Random(1)

    def result():
        return " ".join(rng.choices(WORDS, k=size // 7)) + f" {rng.random()}"

    five = [result() for _ in range(5)]
    several = iter([[result() for _ in range(5)] for _ in range(ROUNDS * 5)])
    single = iter([result() for _ in range(ROUNDS * 5)])
    judge = NoProgress().judge
    rows = {
        "chaoskit_guards, five new": lambda: judge({"last_tool_results": next(several)}),
        "chaoskit_guards, one new": lambda: judge({"last_tool_results": [*five, next(single)]}),
    }
    if lib := peers.get("rapidfuzz"):
        rows["rapidfuzz ratio, each with each"] = lambda: [
            lib.fuzz.ratio(a, b) for at, a in enumerate(five) for b in five[:at]
        ]
    if size < 10_000:
        rows["difflib, one pair"] = lambda: difflib.SequenceMatcher(None, *five[:2]).ratio()
    table(f"no progress, results of {size // 1_000} KB", rows, 5)


def scrubbing(peers):
    rng = random.Random(1)
    filters = [{"field": f"f{n}", "value": " ".join(rng.choices(WORDS, k=4))} for n in range(14)]
    data = {
        "query": "why did the deploy fail",
        "filters": filters,
        "options": {"region": "eu-west-1", "api_key": "x" * 20, "accept": "application/json"},
        "text": " ".join(rng.choices(WORDS, k=150)),
    }
    scrubber = Scrubber()
    text = " ".join(rng.choices(WORDS, k=7_000))[:50_000]
    rows = {
        "deepcopy": lambda: copy.deepcopy(data),
        "chaoskit_guards": lambda: scrubber.scrub_dict(data),
    }
    texts = {"chaoskit_guards": lambda: scrubber.scrub_text(text)}
    if lib := peers.get("sentry_sdk.scrubber"):  # by names only, and in place
        sentry = lib.EventScrubber(recursive=True)
        rows["sentry, of a copy"] = lambda: sentry.scrub_dict(copy.deepcopy(data))
    if lib := peers.get("logfire._internal.scrubbing"):
        logfire = lib.Scrubber(None)
        rows["logfire"] = lambda: logfire.scrub_value(("attributes",), data)
        texts["logfire"] = lambda: logfire.scrub_value(("attributes",), text)
    table("scrub 2 KB of nested arguments", rows, 100)
    table("scrub 50 KB of text", texts, 1)


def validating(peers):
    class Args(ArgSpec):
        query: str
        limit: int = 10
        tags: list[str] = []  # noqa: RUF012 - a declaration, never shared

    vet = Vet()

    @vet.guard(schema=Args)
    def search(query, limit=10, tags=()):
        return query, limit, tags

    good, bad = {"query": "x", "limit": 3, "tags": ["a", "b"]}, {"query": ["x"], "limit": "3"}
    rows, wrong = {}, {}
    rows["chaoskit_guards"] = lambda: search(**good)
    wrong["chaoskit_guards"] = refused(lambda: search(**bad))
    if pydantic := peers.get("pydantic"):
        strict = pydantic.ConfigDict(strict=True, extra="forbid")
        fields = {"query": (str, ...), "limit": (int, 10), "tags": (list[str], [])}
        model = pydantic.create_model("Args", __config__=strict, **fields)
        rows["pydantic strict"] = lambda: model(**good)

        def errors():
            try:
                model(**bad)
            except pydantic.ValidationError as error:
                error.errors()

        wrong["pydantic strict, with errors"] = errors
    if lib := peers.get("jsonschema"):
        validator = lib.Draft202012Validator(Args.schema())
        rows["jsonschema"] = lambda: validator.is_valid(good)
        wrong["jsonschema, with errors"] = lambda: list(validator.iter_errors(bad))
    if agentvet := peers.get("agentvet"):
        shape = agentvet.adapters.shape({"query": "string", "limit": "number?", "tags": "array?"})
        rows["agentvet"] = lambda: agentvet.validate("search", shape, good)
        wrong["agentvet"] = lambda: agentvet.validate("search", shape, bad)
    table("validate, good arguments", rows, 2_000)
    table("validate, bad arguments, all errors", wrong, 1_000)


def loops_and_routes(peers):
    guard = LoopGuard()
    schema = {"type": "object", "properties": {"page": {"type": "integer", "default": 1}}}
    strict = LoopGuard(tools=[{"name": "search", "input_schema": schema}])
    numbers = iter(range(10**9))

    def record(guard=guard):
        guard.record("search", {"query": "deploy", "page": next(numbers), "tags": ["a"]}, "found")

    bare = LoopGuard()

    def before():
        bare.record("search", {"query": "deploy", "page": next(numbers), "tags": ["a"]})

    reply = Completion(
        content=[{"type": "text", "text": "hi"}], stop_reason="end_turn", usage=Usage()
    )
    said = [{"role": "user", "content": "hello"}]

    def provider(name, call):
        return ProviderConfig(name=name, model=name, dialect="anthropic", call=call)

    def answer(**_):
        return reply

    def down(**_):
        raise ConnectionError

    def never(name):
        return CircuitBreaker(10**9, name=name)

    direct = FallbackRouter([provider("a", answer), provider("b", answer)])
    second = FallbackRouter([provider("a", down), provider("b", answer)], breaker=never)
    table(
        "loop guard",
        {
            "a new call": before,
            "with its result": record,
            "with its schema": lambda: record(strict),
        },
        500,
    )
    rows = {"chaoskit_guards": lambda: direct.complete(said)}
    failing = {"chaoskit_guards": lambda: second.complete(said)}
    if peers.get("langchain_core"):
        runnables = importlib.import_module("langchain_core.runnables")

        def chain(call):
            second = runnables.RunnableLambda(lambda _: answer())
            return runnables.RunnableLambda(lambda _: call()).with_fallbacks([second])

        kept, moved = chain(answer), chain(down)
        rows["langchain_core with_fallbacks"] = lambda: kept.invoke(said)
        failing["langchain_core with_fallbacks"] = lambda: moved.invoke(said)
    table("router, the first answers", rows, 500)
    table("router, the first fails", failing, 500)


def imports():
    print("\nimport, in a new process (median)")
    codes = {
        "python alone": "pass",
        "import chaoskit_guards": "import chaoskit_guards",
        "with every name used": "from chaoskit_guards import *",
    }
    times = {name: [] for name in codes}
    for _ in range(ROUNDS):
        for name, code in codes.items():
            script = f"import time; b=time.perf_counter()\n{code}\nprint(time.perf_counter()-b)"
            run = [sys.executable, "-c", script]
            times[name].append(float(subprocess.check_output(run)))
    for name, taken in times.items():
        print(f"  {name:34}{statistics.median(taken) * 1e3:8.1f} ms")


def main():
    logging.disable(logging.CRITICAL)
    peers = found()
    for part in (
        retries,
        circuits,
        lambda peers: races(peers, ROUNDS),
        limiters,
        trimming,
        prefixes,
        stale,
        scrubbing,
        validating,
        loops_and_routes,
        lambda peers: tool_guards(peers, table, atable),
    ):
        part(peers)
    windows(table)
    imports()


if __name__ == "__main__":
    main()
