"""Live the first seven days of production before you ship your LLM agent.

Everything is loaded when its name is first used, so that importing the package is cheap. Runs are
started with `chaoskit.run.run`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaoskit.agent import Agent, load_agent
    from chaoskit.chaos import Chaos
    from chaoskit.check import Check, Finding, Judgement, Verdict
    from chaoskit.errors import (
        AgentNotFound,
        ChaoskitError,
        InternalError,
        NetworkRefused,
        RunStopped,
        ScenarioError,
        UsageError,
    )
    from chaoskit.freely import PromiseBroken
    from chaoskit.journal import Journal
    from chaoskit.outcome import Judged, Outcome
    from chaoskit.register import register_behaviour, register_check, register_fault
    from chaoskit.scenario import Scenario, load, parse

_HOME = {
    "Agent": "agent",
    "AgentNotFound": "errors",
    "ChaoskitError": "errors",
    "Chaos": "chaos",
    "Check": "check",
    "Finding": "check",
    "InternalError": "errors",
    "Journal": "journal",
    "Judged": "outcome",
    "Judgement": "check",
    "NetworkRefused": "errors",
    "Outcome": "outcome",
    "PromiseBroken": "freely",
    "RunStopped": "errors",
    "Scenario": "scenario",
    "ScenarioError": "errors",
    "UsageError": "errors",
    "Verdict": "check",
    "load": "scenario",
    "load_agent": "agent",
    "parse": "scenario",
    "register_behaviour": "register",
    "register_check": "register",
    "register_fault": "register",
}
"""Where each public name lives."""

__all__ = [
    "Agent",
    "AgentNotFound",
    "Chaos",
    "ChaoskitError",
    "Check",
    "Finding",
    "InternalError",
    "Journal",
    "Judged",
    "Judgement",
    "NetworkRefused",
    "Outcome",
    "PromiseBroken",
    "RunStopped",
    "Scenario",
    "ScenarioError",
    "UsageError",
    "Verdict",
    "load",
    "load_agent",
    "parse",
    "register_behaviour",
    "register_check",
    "register_fault",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
