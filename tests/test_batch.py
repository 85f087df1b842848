"""Many scenarios, one after the other."""

import importlib.util
import io
import sys

import pytest

from chaoskit import batch
from chaoskit import run as running
from chaoskit.agent import Agent
from chaoskit.catalogue import Found
from chaoskit.check import Verdict
from chaoskit.errors import AgentNotFound
from chaoskit.outcome import Outcome
from chaoskit.scenario import parse

SMALL = 'title = "t"\nworkload.prompt = "?"\npromises = [{ check = "no_crash" }]\n'


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Tell so."""
        return True


@pytest.fixture
def one(monkeypatch):
    """A batch of one scenario, whose run tells its progress once."""

    def run(scenario, agent, *, seed, progress):
        if progress is not None:
            progress(scenario.name, 2700.0)
        return Outcome(
            scenario="s", title="t", day=0, agent=agent.name, seed=seed, verdict=Verdict.PASS
        )

    monkeypatch.setattr(running, "run", run)
    scenario = parse(SMALL, "s.chaos.toml")
    found = Found(name="s", file=None, given="s.chaos.toml")
    return batch.Batch(
        scenarios=[(found, scenario)], agents=[Agent.of(lambda prompt: prompt, name="a:b")]
    )


def test_progress_is_shown_on_a_terminal_and_wiped_away(one, monkeypatch):
    """One line, which is gone when the scorecard comes."""
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert one.live()
    assert terminal.getvalue() == "\r\x1b[2Ks: 45m\r\x1b[2K"


def test_nothing_is_shown_where_there_is_no_terminal(one, monkeypatch):
    """A log is not a terminal."""
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    assert one.live()
    assert log.getvalue() == ""


def test_an_outcome_knows_how_to_come_about_again(one):
    """By the word with which its scenario was named."""
    one.live()
    assert one.again(one.outcomes[0]) == "chaoskit run s.chaos.toml --agent a:b --seed 0"


def test_the_demo_says_which_sdks_it_needs(monkeypatch):
    """They are no dependency of the harness."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AgentNotFound, match=r"pip install 'chaoskit\[demo\]'"):
        batch.agents("", ())
