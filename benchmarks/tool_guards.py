"""What the guards of tools cost: beside the bare call, and beside peers where there are any.

Part of `python benchmarks/guards.py`.
"""

import asyncio
import json
import random
from concurrent.futures import ThreadPoolExecutor

from chaoskit_guards import (
    ArgSpec,
    BoundedTools,
    IdempotentTools,
    LimitedTools,
    OutputParser,
    Parallel,
    ResultLimiter,
    SessionScope,
    SessionStore,
    ToolRunner,
    Vet,
    count_tokens,
)

WORDS = ("deploy", "failed", "migration", "timed", "out", "pool", "exhausted", "health", "check")


def tool_guards(peers, table, atable):
    calls(table, atable)
    turns(table, atable)
    results(table)
    answers(peers, table)
    sessions(table)


def calls(table, atable):
    vet = Vet()

    @vet.guard()
    def search(query: str, limit: int = 10) -> str:
        return query * limit

    @vet.guard()
    async def fetch(query: str) -> str:
        return query

    asked, numbers = {"query": "deploy", "limit": 3}, iter(range(10**9))
    effects = IdempotentTools(vet, ["search"])
    timed, untimed = BoundedTools(vet, timeout=30), BoundedTools(vet, timeout=None)
    limited = LimitedTools(vet)

    def new():
        effects.dispatch("search", {"query": str(next(numbers)), "limit": 3})

    rows = {
        "vet alone": lambda: vet.dispatch("search", asked),
        "effect, the first time": new,
        "effect, remembered": lambda: effects.dispatch("search", asked),
        "breaker": lambda: untimed.dispatch("search", asked),
        "breaker and time, in a thread": lambda: timed.dispatch("search", asked),
        "limit": lambda: limited.dispatch("search", asked),
    }
    table("a tool call, sync", rows, 300)
    found = {"query": "deploy"}
    aeffects, atimed = IdempotentTools(vet, ["fetch"]), BoundedTools(vet, timeout=30)
    # From the first call on it is known to be async, and needs no thread.
    asyncio.run(aeffects.adispatch("fetch", found))
    asyncio.run(atimed.adispatch("fetch", found))

    async def anew():
        await aeffects.dispatch("fetch", {"query": str(next(numbers))})

    arows = {
        "vet alone": lambda: vet.dispatch("fetch", found),
        "effect, the first time": anew,
        "effect, remembered": lambda: aeffects.dispatch("fetch", found),
        "breaker and time": lambda: atimed.dispatch("fetch", found),
    }
    atable("a tool call, async", arows, 300)


def turns(table, atable):
    vet = Vet()

    @vet.guard()
    def search(query: str) -> str:
        return query

    turn = [
        {"type": "tool_use", "id": f"t{n}", "name": "search", "input": {"query": "deploy"}}
        for n in range(8)
    ]
    names, parallel, runner = ["search"] * 8, Parallel(), ToolRunner(vet)

    def one(call):
        return vet.dispatch(call["name"], call["input"])

    async def aone(call):
        return one(call)

    def pool():
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(one, turn))

    async def gather():
        return await asyncio.gather(*map(aone, turn))

    table(
        "a turn of 8 calls that take no time, sync",
        {
            "one after the other": lambda: [one(call) for call in turn],
            "ThreadPoolExecutor": pool,
            "Parallel": lambda: parallel.map(one, turn, names),
            "ToolRunner": lambda: runner.run(turn),
        },
        30,
    )
    atable(
        "a turn of 8 calls that take no time, async",
        {"gather": gather, "Parallel": lambda: parallel.amap(aone, turn, names)},
        30,
    )


def results(table):
    rng = random.Random(1)
    orders = [
        {"id": n, "state": "paid", "note": " ".join(rng.choices(WORDS, k=20))} for n in range(700)
    ]
    found, small = {"total": 700, "orders": orders}, {"total": 1, "orders": orders[:1]}
    limiter, text = ResultLimiter(4_000), "\n".join(order["note"] for order in orders)
    written = json.dumps(found)
    table(
        f"limit a result of {len(written) // 1_000} KB to 4,000 tokens",
        {
            "json.dumps": lambda: json.dumps(found),
            "count it": lambda: count_tokens(written),
            "one that fits": lambda: limiter.limit(small),
            "JSON value": lambda: limiter.limit(found),
            "JSON text": lambda: limiter.limit(written),
            f"text of {len(text) // 1_000} KB": lambda: limiter.limit(text),
        },
        3,
    )


def answers(peers, table):
    class Ticket(ArgSpec):
        title: str
        priority: int
        tags: list[str] = []  # noqa: RUF012 - a declaration, never shared

    good = json.dumps({"title": "Login fails", "priority": 2, "tags": ["auth", "web"]})
    loose = "Here you are:\n```json\n" + good.replace("]", ",]") + "\n```"
    parser = OutputParser(Ticket)
    rows = {
        "json.loads, unchecked": lambda: json.loads(good),
        "chaoskit_guards": lambda: parser.parse(good),
    }
    repaired = {"chaoskit_guards, checked": lambda: parser.parse(loose)}
    if pydantic := peers.get("pydantic"):
        fields = {"title": (str, ...), "priority": (int, ...), "tags": (list[str], [])}
        model = pydantic.create_model("Ticket", **fields)
        rows["pydantic"] = lambda: model.model_validate_json(good)
    if lib := peers.get("json_repair"):
        repaired["json_repair, unchecked"] = lambda: lib.loads(loose)
    table("an answer that is good JSON", rows, 1_000)
    table("an answer in a fence, a comma too many", repaired, 500)


def sessions(table):
    store, plain = SessionStore(list), {"alice": []}

    def ours():
        with SessionScope("alice"):
            return store.get()

    rows = {"a dict": lambda: plain["alice"], "scope and store": ours}
    table("state of a session", rows, 1_000)
