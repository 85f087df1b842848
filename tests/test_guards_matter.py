"""Each guard carries its day: without it that day's promises break, with it they hold."""

from dataclasses import replace
from functools import cache

import anthropic
import httpx2
import pytest

from chaoskit.agent import load_agent
from chaoskit.catalogue import load_all, shipped
from chaoskit.check import Verdict
from chaoskit.demo import guarded_agent as demo
from chaoskit.demo import naive_agent
from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS
from chaoskit.history import to_anthropic
from chaoskit.run import run
from chaoskit.scenario import parse
from chaoskit_guards import (
    AsyncGuardedTransport,
    BudgetWindow,
    CircuitBreaker,
    FallbackRouter,
    GuardedTransport,
    MaxIters,
    MessageWindow,
    RetryConfig,
)

DAYS = {scenario.day: scenario for _, scenario in load_all(shipped()) if scenario.day}

pytestmark = pytest.mark.slow


class Unchecked:
    """The tools without a vet: whatever the model passes goes in."""

    schemas = staticmethod(demo.vet.schemas)

    @staticmethod
    def dispatch(name, arguments):
        return FUNCTIONS[name](**arguments)


def numb(name):
    """A breaker that never opens."""
    return CircuitBreaker(name=name, failure_threshold=10**9)


def without(startup=demo.startup, **changes):
    """The demo agent with some of its guards replaced, ready to live through a day."""
    agent = demo.build(**changes)

    def answer(prompt, *, history=()):
        return agent.run([*to_anthropic(history), {"role": "user", "content": prompt}]).text

    whole = load_agent("chaoskit.demo:guarded")
    return replace(whole, answer=answer, startup=startup)


def broken(day, **changes):
    """The promises of a day that the agent breaks."""
    outcome = run(DAYS[day], without(**changes))
    return {it.name for it in outcome.promises if it.judgement.verdict is Verdict.FAIL}


@pytest.mark.parametrize("day", range(1, 8))
def test_with_all_guards_the_day_is_passed(day):
    """The agent that is built here is the demo agent."""
    assert run(DAYS[day], without()).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("day", "promises", "changes"),
    [
        pytest.param(1, {"tool_body_not_run_on_bad_arguments"}, {"tools": Unchecked()}, id="vet"),
        pytest.param(2, {"no_crash", "every_user_answered"}, {"retry": None}, id="retry"),
        pytest.param(3, {"no_crash", "every_user_answered"}, {"window": None}, id="window"),
        pytest.param(
            4, {"gives_up_gracefully"}, {"loop": None, "conditions": ()}, id="loop-and-stop"
        ),
        pytest.param(5, {"no_secret_in_logs"}, {"scrubber": None}, id="scrubber"),
        pytest.param(6, {"warmed_before_traffic"}, {"startup": None}, id="warmer"),
        pytest.param(6, {"cache_hit_ratio"}, {"system": SYSTEM_PROMPT}, id="marked-prefix"),
        pytest.param(
            7, {"every_user_answered"}, {"model": FallbackRouter([demo.claude])}, id="fallback"
        ),
        pytest.param(
            7,
            {"no_hammering"},
            {"model": FallbackRouter([demo.claude, demo.gpt], breaker=numb)},
            id="breaker",
        ),
    ],
)
def test_without_its_guard_the_day_is_failed(day, promises, changes):
    """Every guard is needed."""
    assert broken(day, **changes) >= promises


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
NARROW = stricter(  # the provider's own limit is all that there is, and nobody may run into it
    2,
    (STRUCK, ""),
    ("requests_per_minute = 30", "requests_per_minute = 12"),
    ('check = "bounded_amplification"', 'check = "bounded_amplification"\nmax_attempts = 1'),
    ('[[promises]]\ncheck = "retry_after_honoured"\n', ""),
)
FRUITLESS = stricter(4, ("max_empty = 12", "max_empty = 6"))
SHORT = stricter(4, ("max_calls = 25", "max_calls = 5"))


@pytest.mark.parametrize(
    ("scenario", "promise", "with_it", "without_it"),
    [
        pytest.param(
            NARROW,
            "bounded_amplification",
            lambda: {"budget": BudgetWindow(requests_per_minute=12)},
            lambda: {"budget": None},
            id="budget",
        ),
        pytest.param(
            FRUITLESS, "no_tool_loop", dict, lambda: {"loop": None}, id="loop-without-stop"
        ),
        pytest.param(
            SHORT,
            "gives_up_gracefully",
            lambda: {"conditions": [MaxIters(3)]},
            lambda: {"conditions": ()},
            id="stop-without-loop",
        ),
        pytest.param(
            DAYS[3],
            "every_user_answered",
            dict,
            lambda: {"window": MessageWindow(45_000, token_counter=lambda _: 1)},
            id="token-count",
        ),
    ],
)
def test_guards_that_stand_in_for_each_other_matter_too(scenario, promise, with_it, without_it):
    """A stricter day tells them apart."""
    kept, lost = (run(scenario, without(**changes())) for changes in (with_it, without_it))
    verdicts = [
        {it.name: it.judgement.verdict for it in outcome.promises}[promise]
        for outcome in (kept, lost)
    ]

    assert verdicts == [Verdict.PASS, Verdict.FAIL]
    assert Verdict.FAIL not in {it.judgement.verdict for it in kept.promises}


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
