"""A command's clients are told of a proxy that refuses every host but the simulated provider."""

import shlex
import sys

import pytest

from chaoskit.agent import load_agent
from chaoskit.journal import Answered, Blocked, Replied
from chaoskit.run import play
from chaoskit.scenario import parse

WORLD = """
title = "A world"
[workload]
prompt = "Why?"
[provider]
latency = { first_token = 0 }
[[promises]]
check = "every_user_answered"
"""
REACH = """
import urllib.error, urllib.request
try:
    urllib.request.urlopen(%r, timeout=20)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError as error:
    print(error)
"""


def lived(code, more=""):
    """The journal of a command that is a piece of Python."""
    line = shlex.join([sys.executable, "-c", code])
    scenario = parse(WORLD + more, "world.chaos.toml")
    return play(scenario, load_agent(f"command: {line}", scale=300.0)).journal


@pytest.mark.parametrize("url", ["https://telemetry.invalid/v1", "http://telemetry.invalid:8080/"])
def test_other_host_is_refused_and_told(url):
    """By name, and as whose turn it was; nothing is looked up."""
    journal = lived(REACH % url)
    (blocked,) = journal.of(Blocked)
    assert (blocked.host, blocked.user, blocked.turn) == ("telemetry.invalid", "user-1", 1)
    (answered,) = journal.of(Answered)
    assert "403" in answered.answer


def test_vendor_over_plain_http_is_the_simulated_one():
    """A proxy is asked for it, and the provider stands behind the proxy."""
    code = (
        "import json, urllib.request\n"
        "body = {'model': 'claude-sonnet-4-6', 'max_tokens': 9,"
        " 'messages': [{'role': 'user', 'content': 'Why?'}]}\n"
        "head = {'x-api-key': 'any', 'anthropic-version': '2023-06-01'}\n"
        "url = 'http://api.anthropic.com/v1/messages'\n"
        "asked = urllib.request.Request(url, json.dumps(body).encode(), head)\n"
        "print(json.load(urllib.request.urlopen(asked, timeout=20))['content'][0]['text'])\n"
    )
    journal = lived(code)
    assert journal.of(Replied)
    assert not journal.of(Blocked)


def test_allowed_host_is_reached_without_the_proxy():
    """The clients are told to ask it directly."""
    code = "import os; print(os.environ['NO_PROXY'], os.environ['NODE_USE_ENV_PROXY'])"
    (answered,) = lived(code, '[network]\nallow = ["telemetry.internal"]\n').of(Answered)
    assert "telemetry.internal" in answered.answer.split(" ")[0].split(",")
    assert answered.answer.split(" ")[1] == "1"
