"""The code that people copy for days 3 to 6 runs as it is written."""

import asyncio
import io
import logging
import sys
from types import SimpleNamespace

import pytest

from chaoskit_guards import LoopDetectedError, count_tokens

DAY_3 = """
from chaoskit_guards import MessageWindow
from chaoskit_guards import FitReport
from chaoskit_guards import count_tokens

window = MessageWindow(
    max_tokens=75_000,  # well under the model's hard limit
    token_counter=count_tokens,
    drop_strategy="oldest",  # drop oldest when over budget
)

def run_turn(user_text: str, history: list) -> tuple[str, list]:
    window.clear()
    for turn in history:
        window.push(turn["role"], turn["content"])
    window.push("user", user_text)
    messages = window.as_messages()

    fit = FitReport(messages=messages, model="claude-sonnet-4-6")
    if fit.tokens > 90_000:
        # Hard block before the API call even happens
        raise RuntimeError(f"Context too large: {fit.tokens} tokens")

    response = client.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=1024,
        messages=messages,
    )
    reply = response.content[0].text
    window.push("assistant", reply)
    return reply, window.as_turns()
"""

DAY_4 = """
from chaoskit_guards import LoopGuard, LoopDetectedError
from chaoskit_guards import StopEvaluator, MaxIters, MaxUsd, NoProgress

guard = LoopGuard(window_size=8, max_repeats=3)
evaluator = StopEvaluator(conditions=[
    MaxIters(20),
    MaxUsd(1.50),
    NoProgress(window=5, similarity=0.80, max_stale=3),
])
ctx = {"iters": 0, "cost_usd": 0.0, "last_tool_results": []}

def run_tool(name: str, args: dict, result: str) -> str:
    guard.record(name, args)  # raises LoopDetectedError after 3 identical calls
    ctx["last_tool_results"].append(result)
    return result

def step():
    # In the main loop:
    stop = evaluator.check(ctx)
    if stop.should_stop:
        return f"Could not complete: {stop.reason}. Please try a more specific query."
"""

DAY_5 = """
from chaoskit_guards import Scrubber

scrubber = Scrubber(
    patterns=["api_key", "token", "secret", "password", "bearer"],
    redact_with="[REDACTED]",
)

import logging
log = logging.getLogger("tools")

def dispatch_tool(name: str, args: dict) -> dict:
    safe_args = scrubber.scrub_dict(args)
    log.info("tool_call", extra={"tool": name, "args": safe_args})
    result = execute_tool(name, args)  # pass real args to the tool
    safe_result = scrubber.scrub_dict(result)
    log.info("tool_result", extra={"tool": name, "result": safe_result})
    return result
"""

DAY_6 = """
from chaoskit_guards import CacheWarmer
from chaoskit_guards import CacheBenchmark

SYSTEM_PROMPT = open("system_prompt.txt").read()  # 8,000 tokens of shared context

warmer = CacheWarmer(model="claude-sonnet-4-6")
bench = CacheBenchmark()

async def warm_cache_on_startup():
    \"\"\"Call this once at deploy time, before serving user traffic.\"\"\"
    await warmer.warm(
        system=SYSTEM_PROMPT,
        seed_messages=[
            {"role": "user", "content": "Ready."},
        ],
    )
    print("Cache warmed.")

def real_request(user_messages):
    # In each real request
    response = client.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=512,
        system=SYSTEM_PROMPT,
        messages=user_messages,
    )
    bench.record(
        cache_read_tokens=response.usage.cache_read_input_tokens or 0,
        input_tokens=response.usage.input_tokens,
    )
    print(f"Cache hit ratio: {bench.hit_ratio():.1%}")
"""


def run(code, **names):
    exec(compile(code, "playbook", "exec"), names)
    return SimpleNamespace(**names)


class Client:
    """Answers every request and keeps it."""

    def __init__(self, **usage):
        self.usage = SimpleNamespace(**usage)
        self.requests = []
        self.messages = self

    def create(self, **request):
        self.requests.append(request)
        text = SimpleNamespace(type="text", text=f"answer {len(self.requests)}")
        return SimpleNamespace(content=[text], usage=self.usage)


@pytest.mark.slow
def test_day_3_survives_turn_35():
    """Every request fits, and the history keeps every turn."""
    client, history = Client(), []
    day = run(DAY_3, client=client)
    for n in range(60):
        reply, history = day.run_turn(f"question {n} " + "research " * 2_000, history)
        assert f"answer {n + 1}" == reply
    sizes = [count_tokens(request["messages"]) for request in client.requests]
    assert max(sizes) <= 75_000
    assert len(history) == 120


def test_day_3_blocks_what_cannot_fit():
    """A newest message beyond the limit is not dropped silently."""
    day = run(DAY_3, client=Client())
    with pytest.raises(RuntimeError, match="Context too large"):
        day.run_turn("word " * 120_000, [])


def test_day_4_raises_on_the_fourth_identical_call():
    """Three are allowed."""
    day = run(DAY_4)
    for _ in range(3):
        day.run_tool("search", {"query": "acme"}, "nothing")
    with pytest.raises(LoopDetectedError):
        day.run_tool("search", {"query": "acme"}, "nothing")


def test_day_4_gives_up_on_results_that_are_all_alike():
    """However the query is rephrased."""
    day = run(DAY_4)
    for n in range(5):
        day.run_tool("search", {"query": f"acme {n}"}, "Search returned no results.")
    assert day.step().startswith("Could not complete: ")


@pytest.mark.parametrize(("name", "value"), [("iters", 20), ("cost_usd", 1.5)])
def test_day_4_stops_at_its_caps(name, value):
    """Once somebody counts."""
    day = run(DAY_4)
    assert day.step() is None
    day.ctx[name] = value
    assert day.step().startswith("Could not complete: ")


def test_day_5_logs_without_secrets_and_gives_the_tool_the_real_value(caplog):
    """With the scrubber installed, `extra={"args": …}` no longer raises."""
    seen = []

    def execute_tool(name, args):
        seen.append(args)
        return {"ok": True, "session": {"refresh_token": "hunter2"}, "max_tokens": 5}

    day = run(DAY_5, execute_tool=execute_tool)
    undo = day.scrubber.install()
    try:
        with caplog.at_level(logging.INFO, logger="tools"):
            result = day.dispatch_tool("login", {"api_key": "hunter2", "user": "bob"})
    finally:
        undo()
    assert "hunter2" == seen[0]["api_key"] == result["session"]["refresh_token"]
    call, outcome = caplog.records
    assert call.extra_args == {"api_key": "[REDACTED]", "user": "bob"}
    assert "hunter2" not in repr(vars(outcome))
    assert outcome.result["max_tokens"] == 5


def test_day_6_warms_with_the_installed_sdk_and_measures(monkeypatch, capsys):
    """The default client is made when it is needed; the ratio is over all tokens."""
    writes = Client(cache_read_input_tokens=0, cache_creation_input_tokens=8_000, input_tokens=4)
    writes.close = lambda: None
    monkeypatch.setitem(sys.modules, "anthropic", SimpleNamespace(AsyncAnthropic=lambda: writes))
    files = {"system_prompt.txt": "You are careful. " * 2_000}

    async def no_wait(seconds):
        writes.usage = SimpleNamespace(
            cache_read_input_tokens=8_000, cache_creation_input_tokens=0, input_tokens=4
        )

    monkeypatch.setattr(asyncio, "sleep", no_wait)
    reads = Client(cache_read_input_tokens=9_000, input_tokens=1_000)
    day = run(DAY_6, client=reads, open=lambda name: io.StringIO(files[name]))
    asyncio.run(day.warm_cache_on_startup())
    day.real_request([{"role": "user", "content": "hi"}])
    assert capsys.readouterr().out == "Cache warmed.\nCache hit ratio: 90.0%\n"
    assert len(writes.requests) == 2
    assert writes.requests[0]["system"][-1]["cache_control"]["type"] == "ephemeral"
