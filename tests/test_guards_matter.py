"""Each guard carries its day: without it that day's promises break, with it they hold."""

from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

import anthropic
import httpx2
import pytest

from chaoskit.agent import load_agent
from chaoskit.catalogue import load_all, shipped, week
from chaoskit.check import Verdict
from chaoskit.demo import guarded_agent as demo
from chaoskit.demo import guarded_tools, naive_agent
from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS
from chaoskit.history import to_anthropic
from chaoskit.run import run
from chaoskit.scenario import parse
from chaoskit_guards import (
    AsyncGuardedTransport,
    CacheBenchmark,
    CircuitBreaker,
    FallbackRouter,
    GuardedTransport,
    MessageWindow,
    RetryConfig,
)

OWN = Path(__file__).parent / "days"
DAYS = {scenario.day: scenario for _, scenario in week(load_all(shipped()))}

pytestmark = pytest.mark.slow


class Unchecked:
    """The tools without a vet: whatever the model passes goes in."""

    schemas = staticmethod(demo.tools.schemas)

    @staticmethod
    def dispatch(name, arguments):
        return FUNCTIONS[name](**arguments)


def numb(name):
    """A breaker that never opens."""
    return CircuitBreaker(name=name, failure_threshold=10**9)


def living(agent, startup=demo.startup, before=lambda: None):
    """An agent loop, ready to live through a day; `before` is called with each question."""

    def answer(prompt, *, session, history=()):
        before()
        return agent.run([*to_anthropic(history), {"role": "user", "content": prompt}]).text

    whole = load_agent("chaoskit.demo:guarded")
    return replace(whole, answer=answer, startup=startup)


def without(startup=demo.startup, **changes):
    """The demo agent with some of its guards replaced."""
    return living(demo.build(**changes), startup)


def stamped(cache):
    """The demo agent with a deploy that puts a number before the prompt.

    A cache benchmark takes that back when it sees that the cache hits less.
    """
    numbers, deploys, taken_back = count(1), [], []
    bench = CacheBenchmark(on_regression=taken_back.append) if cache else None
    agent = demo.build(cache=bench)
    marked = agent.system

    async def startup():
        deploys.append(None)
        await demo.startup()

    def before():
        drifts = len(deploys) > 1 and not taken_back
        prompt = f"Prompt {next(numbers)}. {SYSTEM_PROMPT}"
        agent.system = demo.warmer.cached_system(prompt) if drifts else marked

    return living(agent, startup, before)


def written(name):
    """A day of this test's own; not named as the plugin would run it by itself."""
    return parse((OWN / f"{name}.toml").read_text(), name)


def stricter(day, *changes):
    """A day that only one of two guards can save."""
    (text,) = [it.file.read_text() for it in shipped() if it.name.startswith(f"day{day}-")]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text, f"day{day}.chaos.toml")


STRUCK = """
[[faults]]
fault       = "rate_limited"
when        = { from = "15s", for = "45s" }
retry_after = "11s"
"""
PEAK = stricter(  # all come at once, and nobody may run into the provider's own limit
    2,
    (STRUCK, ""),
    ('arrive = "60s"', 'arrive = "10s"'),
    ('check = "bounded_amplification"', 'check = "bounded_amplification"\nmax_attempts = 1'),
    ('[[promises]]\ncheck = "retry_after_honoured"\n', ""),
)
FRUITLESS = stricter(4, ("max_empty = 12", "max_empty = 6"))
READING, TOO_LARGE, DRIFTING = map(
    written, ("endless-reading", "result-beyond-the-window", "drifting-prompt")
)


@pytest.mark.parametrize(
    "scenario", [*DAYS.values(), PEAK, FRUITLESS, READING, TOO_LARGE], ids=lambda it: it.title
)
def test_with_all_guards_the_day_is_passed(scenario):
    """The agent that is built here is the demo agent."""
    assert run(scenario, without()).verdict is Verdict.PASS


def test_with_all_guards_a_drifting_prompt_is_taken_back():
    """The benchmark says when."""
    assert run(DRIFTING, stamped(cache=True)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("scenario", "promises", "agent"),
    [
        pytest.param(
            DAYS[1],
            {"tool_body_not_run_on_bad_arguments"},
            lambda: without(tools=Unchecked()),
            id="vet",
        ),
        pytest.param(
            DAYS[2],
            {"no_crash", "every_user_answered"},
            lambda: without(retry=None),
            id="retry",
        ),
        pytest.param(
            PEAK, {"bounded_amplification"}, lambda: without(budget=None), id="budget-window"
        ),
        pytest.param(
            DAYS[3],
            {"no_crash", "every_user_answered"},
            lambda: without(window=None, fit=None),
            id="message-window",
        ),
        pytest.param(
            DAYS[3],
            {"every_user_answered"},
            lambda: without(window=MessageWindow(45_000, token_counter=lambda _: 1), fit=None),
            id="token-count",
        ),
        pytest.param(
            TOO_LARGE,
            {"no_crash", "every_user_answered"},
            lambda: without(fit=None, tools=guarded_tools.once),
            id="fit-report",
        ),
        pytest.param(FRUITLESS, {"no_tool_loop"}, lambda: without(loop=None), id="loop-guard"),
        pytest.param(
            READING, {"gives_up_gracefully"}, lambda: without(conditions=()), id="stop-conditions"
        ),
        pytest.param(
            DAYS[4],
            {"gives_up_gracefully"},
            lambda: without(loop=None, conditions=()),
            id="loop-guard-and-stop-conditions",
        ),
        pytest.param(DAYS[5], {"no_secret_in_logs"}, lambda: without(scrubber=None), id="scrubber"),
        pytest.param(
            DAYS[6], {"warmed_before_traffic"}, lambda: without(startup=None), id="cache-warmer"
        ),
        pytest.param(
            DAYS[6], {"cache_hit_ratio"}, lambda: without(system=SYSTEM_PROMPT), id="marked-prefix"
        ),
        pytest.param(
            DRIFTING, {"cache_hit_ratio"}, lambda: stamped(cache=False), id="cache-benchmark"
        ),
        pytest.param(
            DAYS[7],
            {"every_user_answered"},
            lambda: without(model=FallbackRouter([demo.claude])),
            id="fallback-router",
        ),
        pytest.param(
            DAYS[7],
            {"no_hammering"},
            lambda: without(model=FallbackRouter([demo.claude, demo.gpt], breaker=numb)),
            id="circuit-breaker",
        ),
    ],
)
def test_without_its_guard_the_day_is_failed(scenario, promises, agent):
    """Every guard is needed, and nothing but that guard is missing."""
    broken = {
        it.name for it in run(scenario, agent()).promises if it.judgement.verdict is Verdict.FAIL
    }

    assert broken >= promises


@pytest.fixture
def guarded_clients(monkeypatch):
    """The clients of the naive agent, on guarded transports; its code stays as it is."""
    patient = RetryConfig(max_attempts=12, deadline=240)

    @cache
    def client():
        transport = GuardedTransport(httpx2.HTTPTransport(), retry=patient)
        http = httpx2.Client(transport=transport)
        return anthropic.Anthropic(max_retries=0, http_client=http)

    @cache
    def async_client():
        transport = AsyncGuardedTransport(httpx2.AsyncHTTPTransport(), retry=patient)
        http = httpx2.AsyncClient(transport=transport)
        return anthropic.AsyncAnthropic(max_retries=0, http_client=http)

    monkeypatch.setattr(naive_agent, "_client", client)
    monkeypatch.setattr(naive_agent, "_async_client", async_client)


@pytest.mark.parametrize("agent", ["naive", "naive_async"])
@pytest.mark.parametrize(
    ("day", "kept"),
    [
        (2, {"no_crash", "every_user_answered", "retry_after_honoured", "bounded_amplification"}),
        (7, {"no_hammering", "traffic_resumes"}),
    ],
)
def test_a_transport_guards_an_agent_that_is_not_changed(agent, day, kept, guarded_clients):
    """Rate limits are lived through, and a dead provider is left in peace."""
    outcome = run(DAYS[day], load_agent(f"chaoskit.demo:{agent}"))
    verdicts = {it.name: it.judgement.verdict for it in outcome.promises}

    assert {name: verdicts[name] for name in kept} == dict.fromkeys(kept, Verdict.PASS)
