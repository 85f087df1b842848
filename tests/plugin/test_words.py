"""Faults and promises of one's own, in scenario files and as verbs."""

import pytest

WORDS = '''
import chaoskit
from chaoskit.check import Judgement
from chaoskit.exchange import Refusal
from chaoskit.journal import Requested


@chaoskit.register_fault
class Maintenance:
    """The provider is being maintained."""

    message: str = "We will be back soon."
    """What it says."""

    def admit(self, call, strike):
        return Refusal(kind="unavailable", message=self.message)


@chaoskit.register_check
class FewCalls:
    """Few calls are made."""

    most: int = 3
    """How many."""

    def judge(self, journal):
        made = len(journal.of(Requested))
        return Judgement.of(made, [], nothing="no calls")
'''
NIGHT = """
title = "Maintenance"

[workload]
prompt = "Why?"

[[faults]]
fault = "maintenance"
when = { calls = 1 }
message = "Not now."

[[promises]]
check = "few_calls"
"""
TEST = "from myagent import answer\ndef test_it(chaos):\n    chaos.maintenance(calls=1)\n    answer('x')\n"


def test_conftest_adds_words(project):
    """What it registers are keys of scenario files and verbs of the fixture."""
    project.agent().file("conftest.py", WORDS).file("night.chaos.toml", NIGHT).tests(TEST)
    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_project_may_name_its_conftest(project, mode):
    """For the command line; in pytest it is not imported a second time."""
    project.agent(extensions='["inner/conftest.py"]').file("inner/conftest.py", WORDS)
    project.file("inner/__init__.py", "").file("inner/night.chaos.toml", NIGHT)
    project.run(f"--import-mode={mode}").assert_outcomes(passed=1)


def test_project_adds_words(project):
    """The modules that it names in pyproject.toml."""
    project.agent(extensions='["words_of_mine.py"]').file("words_of_mine.py", WORDS)
    project.file("night.chaos.toml", NIGHT).tests(TEST)
    project.run().assert_outcomes(passed=2)


def test_words_that_cannot_be_used_are_told(project):
    """Which, and why."""
    project.agent(extensions='["no_such_words"]').scenario()
    result = project.run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*the extension 'no_such_words' cannot be used*"])


def test_project_that_says_something_else_is_told(project):
    """With the file and what it may say."""
    project.agent(sead=4).scenario()
    result = project.run()
    assert result.ret != 0
    (result.stdout if "sead" in result.stdout.str() else result.stderr).fnmatch_lines(
        ["*pyproject.toml: tool.chaoskit has no 'sead'; did you mean 'seed'?*"]
    )
