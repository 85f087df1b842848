"""Sample projects whose tests are run by pytest within pytest."""

import asyncio
import warnings

import anthropic  # noqa: F401 - once for all tests: what they import themselves is forgotten after each
import openai  # noqa: F401 - likewise
import pytest

import chaoskit.pytest_plugin.by_hand
import chaoskit.pytest_plugin.items
import chaoskit.pytest_plugin.summary  # noqa: F401 - likewise
from chaoskit.register import registered_for_a_while

AGENT = """
import anthropic

client = anthropic.Anthropic()


def answer(prompt):
    reply = client.messages.create(
        model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": prompt}]
    )
    return reply.content[0].text
"""
NIGHT = """
title = "Rate limits at midnight"
day = 2

[workload]
users = 2
prompt = "Why?"

[[faults]]
fault = "rate_limited"
when = {{ calls = "{calls}" }}
retry_after = "7s"

[[promises]]
check = "every_user_answered"
"""


class Project:
    """A folder with an agent that any team could have, and what a test adds to it."""

    def __init__(self, pytester):
        self.pytester = pytester
        pytester.makepyfile(myagent=AGENT)
        pytester.makefile(
            ".ini",
            pytest="[pytest]\naddopts = -p no:randomly\nasyncio_default_fixture_loop_scope = function\n",
        )
        pytester.syspathinsert()

    def agent(self, place="myagent:answer", **more):
        """Name the agent in pyproject.toml, as most will."""
        lines = [f"{key} = {value}" for key, value in {"agent": f'"{place}"', **more}.items()]
        self.pytester.makepyprojecttoml("\n".join(["[tool.chaoskit]", *lines]))
        return self

    def file(self, name, text):
        """Write a file of any kind."""
        path = self.pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self

    def scenario(self, name="night", calls="1", more=""):
        """Write a scenario that the plain SDK survives as long as few calls are refused."""
        return self.file(f"{name}.chaos.toml", NIGHT.format(calls=calls) + more)

    def tests(self, source):
        """Write a test file."""
        self.pytester.makepyfile(test_mine=source)
        return self

    def run(self, *args):
        """Run its tests in this process, which is quick."""
        return self.pytester.runpytest_inprocess("-q", *args)


@pytest.fixture
def project(pytester):
    """An empty project with an agent; what its tests register is forgotten afterwards."""
    with registered_for_a_while():
        yield Project(pytester)
    _close_loop_left_open()


def _close_loop_left_open():
    """pytest-asyncio 1.3, the last for pytest 8.3, leaves a loop behind when it runs in process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # for the policy, since Python 3.14
        try:
            loop = asyncio.get_event_loop_policy().get_event_loop()
        except RuntimeError:  # there is none
            return
    loop.close()
    asyncio.set_event_loop(None)
