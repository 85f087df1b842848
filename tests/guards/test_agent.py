"""The guards together, around a model that says what a test wants."""

import asyncio
import json
import logging
import math
from functools import partial

import pytest

from chaoskit_guards import (
    AgentLoop,
    AllProvidersFailed,
    Attempt,
    BudgetWindow,
    CacheBenchmark,
    Completion,
    FitReport,
    MaxIters,
    MaxUsd,
    MessageWindow,
    RetryConfig,
    Usage,
    Vet,
)

SECRET = "sk-ant-" + "api03-" + "Zq8" * 31
QUESTION = {"role": "user", "content": "why?"}


def said(text):
    """An answer without tool calls."""
    usage = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=30)
    content = [{"type": "text", "text": text}] if text else []
    return Completion(content=content, stop_reason="end_turn", usage=usage, model="m")


def called(*calls):
    """An answer that calls tools, as (name, arguments) pairs."""
    blocks = [
        {"type": "tool_use", "id": f"t{n}", "name": name, "input": arguments}
        for n, (name, arguments) in enumerate(calls)
    ]
    return Completion(content=blocks, stop_reason="tool_use", usage=Usage(), model="m")


class Scripted:
    """Says or raises one thing after the other, the last one for ever."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []

    def complete(self, messages, max_tokens, **keywords):
        self.requests.append({"messages": list(messages), "max_tokens": max_tokens, **keywords})
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def acomplete(self, messages, max_tokens, **keywords):
        return self.complete(messages, max_tokens, **keywords)


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Runs a loop in either form."""

    def go(loop, messages=(QUESTION,)):
        if request.param == "sync":
            return loop.run(messages)
        return asyncio.run(loop.arun(messages))

    return go


@pytest.fixture
def vet():
    """One tool that finds something, one that breaks."""
    vet = Vet()

    @vet.guard()
    def search(query: str) -> dict:
        """Search."""
        return {"hits": [query]}

    @vet.guard()
    def broken(password: str) -> dict:
        """Break."""
        raise RuntimeError(f"cannot log in with {password}")

    return vet


def test_an_answer_ends_the_run(ask):
    """Text, the next history, and what it took."""
    answer = ask(AgentLoop(Scripted(said("because"))))

    assert answer.text == "because"
    assert answer.messages == [QUESTION, said("because").message]
    assert (answer.steps, answer.tokens, answer.stopped) == (1, 150, "")


def test_tools_run_and_their_results_go_back(ask, vet):
    """In the order of the calls."""
    model = Scripted(called(("search", {"query": "a"}), ("search", {"query": "b"})), said("done"))
    answer = ask(AgentLoop(model, vet))

    results = model.requests[1]["messages"][-1]["content"]
    assert [json.loads(it["content"]) for it in results] == [{"hits": ["a"]}, {"hits": ["b"]}]
    assert [it["tool_use_id"] for it in results] == ["t0", "t1"]
    assert answer.text == "done"


def test_bad_arguments_are_told_to_the_model(ask, vet):
    """The tool does not run, and the run goes on."""
    model = Scripted(called(("search", {"query": ["a"]})), said("done"))
    ask(AgentLoop(model, vet))

    (result,) = model.requests[1]["messages"][-1]["content"]
    assert result["is_error"]
    assert "query" in result["content"]


def test_a_failing_tool_is_told_without_its_secrets(ask, vet, caplog):
    """The exception is an error result, in the log a warning, in neither with its credentials."""
    model = Scripted(called(("broken", {"password": SECRET})), said(f"I used {SECRET}"))
    with caplog.at_level(logging.INFO):
        answer = ask(AgentLoop(model, vet))

    (result,) = model.requests[1]["messages"][-1]["content"]
    assert result["is_error"]
    assert result["content"].startswith("broken failed: RuntimeError: cannot log in with")
    assert SECRET not in result["content"] + caplog.text + answer.text
    assert "tool call broken" in caplog.text


def test_without_a_scrubber_nothing_is_cleaned(ask, vet, caplog):
    """Which shows that it is the scrubber who does it."""
    model = Scripted(called(("search", {"query": SECRET})), said("done"))
    with caplog.at_level(logging.INFO):
        ask(AgentLoop(model, vet, scrubber=None))

    assert SECRET in caplog.text


def test_a_loop_is_told_and_then_ended(ask, vet):
    """First the model hears of it; when it goes on, it has to answer without tools."""
    model = Scripted(called(("search", {"query": "a"})))
    answer = ask(AgentLoop(model, vet, conditions=[MaxIters(50)], nothing="nothing found"))

    choices = [request["tool_choice"]["type"] for request in model.requests]
    assert choices == [*["auto"] * (len(choices) - 1), "none"]
    assert len(choices) < 10
    assert "brings nothing new" in answer.stopped
    assert answer.text == "nothing found"


def test_a_condition_ends_the_run_with_an_answer_without_tools(ask, vet):
    """The reason is handed over."""
    calls = [called(("search", {"query": str(n)})) for n in range(3)]
    model = Scripted(*calls, said("so far"))
    answer = ask(AgentLoop(model, vet, conditions=[MaxIters(3)]))

    assert [r["tool_choice"]["type"] for r in model.requests] == ["auto", "auto", "auto", "none"]
    assert (answer.text, answer.steps) == ("so far", 4)
    assert "3 iterations" in answer.stopped


def test_money_is_counted_and_ends_the_run(ask, vet):
    """A price that nobody knows ends it as well."""
    for price, spent in ((lambda model, usage: 0.4, 0.8), (lambda model, usage: None, math.nan)):
        model = Scripted(called(("search", {"query": "a"})), said("done"))
        answer = ask(AgentLoop(model, vet, conditions=[MaxUsd(0.3)], price=price))

        assert model.requests[1]["tool_choice"] == {"type": "none"}
        assert answer.cost_usd == pytest.approx(spent, nan_ok=True)


def test_the_budget_is_settled_with_the_usage(ask, clock):
    """The estimate is replaced; a failed call gives back all but its request."""
    budget = BudgetWindow(
        tokens_per_minute=100_000, usd_per_minute=5, clock=clock, sleep=clock.sleep
    )
    loop = AgentLoop(
        Scripted(ValueError("no"), said("yes")), budget=budget, price=lambda *_: 0.25, retry=None
    )
    with pytest.raises(ValueError, match="no"):
        ask(loop)
    assert budget.snapshot()["tokens"] == 0
    ask(loop)

    held = budget.snapshot()
    assert (held["requests"], held["tokens"], held["USD"]) == (2, 150, 0.25)
    assert (held["input tokens"], held["output tokens"]) == (130, 20)


def test_what_nobody_answered_is_asked_again(ask):
    """Every attempt books for itself."""
    attempt = Attempt(provider="a", model="m", outcome="overloaded")
    model = Scripted(AllProvidersFailed((attempt,)), said("yes"))
    budget = BudgetWindow(requests_per_minute=10)
    retry = RetryConfig(base_delay=0, max_delay=0)

    assert ask(AgentLoop(model, retry=retry, budget=budget)).text == "yes"
    assert budget.snapshot()["requests"] == 2


def test_the_view_is_trimmed_and_the_history_is_not(ask):
    """What is left out of a request stays in the conversation."""
    old = [
        {"role": role, "content": f"{n} " + "word " * 300}
        for n in range(10)
        for role in ("user", "assistant")
    ]
    model = Scripted(said("ok"))
    answer = ask(AgentLoop(model, window=MessageWindow(max_tokens=2_000)), [*old, QUESTION])

    assert len(model.requests[0]["messages"]) < 12
    assert len(answer.messages) == 22


def test_async_tools_run_side_by_side(vet):
    """Those of one turn wait for each other only at its end."""
    both = asyncio.Barrier(2)

    @vet.guard()
    async def meet(who: str) -> str:
        await both.wait()
        return who

    model = Scripted(called(("meet", {"who": "a"}), ("meet", {"who": "b"})), said("met"))
    asyncio.run(asyncio.wait_for(AgentLoop(model, vet).arun([QUESTION]), 5))

    assert [it["content"] for it in model.requests[1]["messages"][-1]["content"]] == ["a", "b"]


def test_a_sync_run_refuses_async_tools(vet):
    """A coroutine is no result."""

    @vet.guard()
    async def later() -> str:
        return "never"

    with pytest.raises(TypeError, match="use arun"):
        AgentLoop(Scripted(called(("later", {}))), vet).run([QUESTION])


def test_the_listener_hears_of_the_end(ask, vet):
    """With numbers and names only."""
    events = []
    model = Scripted(called(("broken", {"password": "x"})), said("ok"))
    ask(AgentLoop(model, vet, listener=events.append))

    assert [event.kind for event in events] == ["tool_failed", "answered"]
    assert events[1].values["steps"] == 2


def no_price(_model, _usage):
    """A price table with a hole."""
    raise KeyError


def test_a_price_function_that_fails_costs_no_answer(ask, caplog):
    """What the answer cost is not known, and a cap on money ends the run; the budget goes on."""
    budget = BudgetWindow(tokens_per_minute=10_000, usd_per_minute=1)
    answer = ask(AgentLoop(Scripted(said("yes")), budget=budget, price=no_price))

    assert answer.text == "yes"
    assert math.isnan(answer.cost_usd)
    assert budget.snapshot()["tokens"] == 150
    assert "the price function for m failed" in caplog.text


def test_the_loop_guard_knows_the_tools(ask):
    """So that an argument which only spells out its default is nothing new."""
    vet = Vet()
    bodies = []

    @vet.guard()
    def find(query: str, limit: int = 10) -> list:
        """Find."""
        bodies.append(limit)
        return []

    plain, spelt = ("find", {"query": "a"}), ("find", {"query": "a", "limit": 10})
    model = Scripted(*[called(plain), called(spelt)] * 3, said("nothing"))
    answer = ask(AgentLoop(model, vet, conditions=()))

    assert answer.text == "nothing"
    assert len(bodies) == 3


def test_time_and_chance_of_the_retries_can_be_given(ask, clock):
    """No second is slept, and no die is cast."""
    attempt = Attempt(provider="a", model="m", outcome="overloaded")
    model = Scripted(AllProvidersFailed((attempt,)), said("yes"))
    most = type("Most", (), {"uniform": staticmethod(max)})
    loop = AgentLoop(
        model,
        retry=RetryConfig(base_delay=7.0),
        clock=clock,
        sleep=clock.sleep,
        async_sleep=clock.asleep,
        rng=most,
    )

    assert ask(loop).text == "yes"
    assert clock.sleeps == [7.0]


def small(**settings):
    """Reports on a model with a small window."""
    return FitReport(context_window=4_000, **settings)


def test_a_request_that_cannot_fit_is_refused_instead_of_sent(ask):
    """The user is told, the history stays valid, and nothing is paid."""
    model, events = Scripted(said("never")), []
    loop = AgentLoop(model, fit=small, too_large="Too long.", listener=events.append)
    question = {"role": "user", "content": "words and words " * 4_000}
    answer = ask(loop, [question])

    assert (answer.text, answer.steps, model.requests) == ("Too long.", 0, [])
    assert "over" in answer.stopped
    assert [turn["role"] for turn in answer.messages] == ["user", "assistant"]
    assert [event.kind for event in events] == ["too_large", "answered"]


def test_what_the_window_has_trimmed_fits(ask):
    """A long conversation is cut, and only what cannot be cut is refused."""
    turns = [{"role": role, "content": "words " * 200} for role in ("user", "assistant") * 20]
    model = Scripted(said("yes"))
    window = MessageWindow(max_tokens=2_000)

    assert ask(AgentLoop(model, fit=small, window=window), [*turns, QUESTION]).text == "yes"
    assert ask(AgentLoop(model, fit=small), [*turns, QUESTION]).text != "yes"


def test_a_tool_that_brings_too_much_ends_the_run(ask):
    """Its result is the newest turn, which no window leaves out."""
    vet = Vet()

    @vet.guard()
    def dump() -> str:
        """Dump everything."""
        return "line after line " * 4_000

    model = Scripted(called(("dump", {})), said("never"))
    answer = ask(AgentLoop(model, vet, fit=small, window=MessageWindow(max_tokens=2_000)))

    assert answer.steps == 1
    assert answer.text == AgentLoop(model).too_large


def test_a_model_that_nobody_knows_is_asked(ask):
    """Whether it fits cannot be told."""
    assert ask(AgentLoop(Scripted(said("yes")), fit=partial(FitReport, model="m"))).text == "yes"


def test_the_cache_benchmark_hears_each_answer(ask, vet):
    """What was read, what was not, and which prefix it was."""
    bench = CacheBenchmark()
    model = Scripted(called(("search", {"query": "a"})), said("done"))
    ask(AgentLoop(model, vet, system="Be brief.", cache=bench))

    assert bench.hit_ratio() == 30 / 130
    assert bench.request_hit_rate() == 0.5
