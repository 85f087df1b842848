"""Whose mistake it is when a fault, a behaviour or a check of somebody's own fails."""

import sys
import types

import anthropic
import pytest

import chaoskit
from chaoskit.agent import Agent
from chaoskit.check import Verdict
from chaoskit.errors import InternalError, UsageError
from chaoskit.faults import RateLimited
from chaoskit.register import registered_for_a_while
from chaoskit.run import play, run
from chaoskit.scenario import parse

TOOL = {
    "name": "search_logs",
    "input_schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}},
        "required": ["query"],
    },
}
HEAD = 'title = "t"\nworkload.prompt = "Why did the deploy fail?"\n'
PROMISE = '[[promises]]\ncheck = "no_crash"\n'


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    module = types.ModuleType("myapp.chaos")
    module.__file__ = "myapp/chaos.py"  # pydantic looks for the texts under attributes in it
    monkeypatch.setitem(sys.modules, "myapp.chaos", module)
    with registered_for_a_while():
        yield


def search_logs(query):
    return {"results": ["deploy 4711 failed"]}


def careful(prompt):
    """An agent that forgives everything that it can."""
    client, messages = anthropic.Anthropic(), [{"role": "user", "content": prompt}]
    try:
        with client.messages.stream(
            model="claude-sonnet-4-6", max_tokens=300, tools=[TOOL], messages=messages
        ) as stream:
            message = stream.get_final_message()
        for block in message.content:
            if block.type == "tool_use":
                search_logs(**block.input)
    except Exception:  # noqa: BLE001 - it is the point
        return "sorry"
    return "fine"


def fault(stage, body):
    """Register a fault of which one method does this."""
    chaoskit.register_fault(name="own")(
        type("Own", (), {stage: body, "__module__": "myapp.chaos", "__doc__": "Own."})
    )
    return parse(HEAD + '[[faults]]\nfault = "own"\n' + PROMISE, "t.toml")


def failing(*given):
    raise ZeroDivisionError("no such number")


STAGES = {
    "admit": lambda self, call, strike: failing(),
    "reply": lambda self, reply, call, strike: failing(),
    "frames": lambda self, frames, make, strike: failing(),
    "steps": lambda self, steps, strike: failing(),
    "result": lambda self, result, request, strike: failing(),
}
WRONG = {
    "admit": lambda self, call, strike: "no",
    "reply": lambda self, reply, call, strike: None,
    "frames": lambda self, frames, make, strike: list(frames)[1:],
    "steps": lambda self, steps, strike: None,
    "result": lambda self, result, request, strike: {"results": []},
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_fault_that_raises_is_no_verdict_on_the_agent(stage):
    """However forgiving the agent is: the run ends, and the fault is named."""
    with pytest.raises(UsageError) as caught:
        play(fault(stage, STAGES[stage]), Agent.of(careful))
    assert str(caught.value).startswith(
        f"myapp.chaos.Own.{stage}() failed: ZeroDivisionError: no such number ("
    )
    assert "test_asking.py:" in str(caught.value)


@pytest.mark.parametrize("stage", WRONG)
def test_a_fault_that_returns_something_else_is_told_what_to_return(stage):
    """Where it happens, not three calls later."""
    with pytest.raises(UsageError, match=rf"myapp.chaos.Own.{stage}\(\) returned .*; return "):
        play(fault(stage, WRONG[stage]), Agent.of(careful))


@pytest.mark.parametrize("body", [lambda self, call, scene: failing(), lambda self, call, scene: 3])
def test_a_behaviour_that_fails_is_no_verdict_on_the_agent(body):
    """Neither in the healthy run nor in the other."""
    chaoskit.register_behaviour(name="own")(
        type("Own", (), {"reply": body, "__module__": "myapp.chaos"})
    )
    given = parse(HEAD + '[behaviour]\nuse = "own"\n' + PROMISE, "t.toml")
    with pytest.raises(
        UsageError, match=r"myapp.chaos.Own.reply\(\) (failed|returned 3; return a R)"
    ):
        run(given, Agent.of(careful))


def test_a_function_that_is_not_there_is_told_as_it_is():
    """The mistake is in the scenario."""
    text = '[behaviour]\nuse = "function"\npath = "no_such_module:terse"\n'
    with pytest.raises(UsageError, match="'no_such_module:terse' cannot be imported"):
        play(parse(HEAD + text + PROMISE, "t.toml"), Agent.of(careful))


def test_a_tool_whose_result_cannot_be_made_is_told_as_it_is():
    """Faker's complaint is not the tool's answer."""
    text = (
        '[[tools]]\nname = "search_logs"\nresult = { from = "faker", fields = { a = "cityy" } }\n'
    )
    with pytest.raises(UsageError, match="Faker cannot make"):
        play(parse(HEAD + text + PROMISE, "t.toml"), Agent.of(careful))


def test_a_fault_of_ours_that_raises_is_our_bug(monkeypatch):
    """And says so."""
    monkeypatch.setattr(RateLimited, "admit", lambda self, call, strike: failing())
    given = parse(HEAD + '[[faults]]\nfault = "rate_limited"\n' + PROMISE, "t.toml")
    with pytest.raises(InternalError, match=r"RateLimited.admit\(\) failed: ZeroDivisionError"):
        play(given, Agent.of(careful))


@pytest.mark.parametrize("body", [lambda self, journal: failing(), lambda self, journal: True])
def test_a_check_that_fails_knows_nothing(body):
    """UNKNOWN, and why."""
    chaoskit.register_check(name="own")(
        type("Own", (), {"judge": body, "__module__": "myapp.chaos"})
    )
    text = '[[promises]]\ncheck = "own"\noptional = true\n'
    outcome = run(parse(HEAD + text + PROMISE, "t.toml"), Agent.of(careful))
    (own, _) = outcome.promises
    assert own.judgement.verdict is Verdict.NOT_APPLICABLE
    assert own.judgement.reason.startswith("the check crashed: ")
