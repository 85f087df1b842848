"""Which agent a test is about."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from chaoskit.agent import Agent, load_agent
from chaoskit.errors import UsageError
from chaoskit.project import project_of

__all__ = ["AGENT", "agent_of", "asked_for", "configured", "early", "named"]

_FIXTURE = "chaos_agent"

AGENT = pytest.StashKey[str]()
"""The place of the agent that a test was made for."""


def named(config: pytest.Config) -> list[str]:
    """Return the places of the agents that options and files name."""
    given = config.option.chaos_agent or config.getini("chaos_agent")
    return list(given or project_of(config.rootpath).agents)


def configured(request: pytest.FixtureRequest) -> Agent:
    """Return the agent that a test was made for, or the one that is named for the session."""
    config = request.config
    place = request.node.stash.get(AGENT, "") or next(iter(named(config)), "")
    if not place:
        pytest.fail(
            "no agent is named. Say which it is by --chaos-agent=module:callable, by\n"
            '    [tool.chaoskit]\n    agent = "module:callable"\n'
            "in pyproject.toml, or by a fixture called chaos_agent in conftest.py that returns it",
            pytrace=False,
        )
    return loaded(place, config)


def early(item: pytest.Item) -> bool:
    """Tell whether the agent of a test has to be built before the test begins.

    A fixture that is async needs a loop of its own, and cannot have it while the test runs in one.
    """
    if not inspect.iscoroutinefunction(inspect.unwrap(getattr(item, "function", None) or early)):
        return False
    function = inspect.unwrap(_fixture_of(item).func)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def asked_for(request: pytest.FixtureRequest) -> Agent:
    """Return the agent of a test that asks for it only now.

    Raises:
        UsageError: the fixture has parameters, and no test was made for each.
    """
    if _fixture_of(request.node).params and _FIXTURE not in request.fixturenames:
        raise UsageError(
            "the chaos_agent fixture has parameters: let the test take it, "
            "`def test_…(chaos, chaos_agent):`, and there is a test for each"
        )
    return agent_of(request.getfixturevalue(_FIXTURE), request.config)


def _fixture_of(node: pytest.Item) -> pytest.FixtureDef[Any]:
    manager = node.session._fixturemanager  # noqa: SLF001 - nothing public knows before it is built
    found = manager.getfixturedefs(_FIXTURE, node)
    assert found, "the plugin itself has one"  # noqa: S101 - so there is always one
    return found[-1]


def loaded(place: str, config: pytest.Config) -> Agent:
    """Return the agent at a place, looked for from the root of the tests, and from here."""
    for folder in (config.invocation_params.dir, config.rootpath):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))  # as `python -m pytest` does for the current one
    try:
        project = project_of(config.rootpath)
        port = config.option.chaos_port or project.port
        return load_agent(place, project.tools, scale=project.time_scale, port=port)
    except UsageError as error:
        raise pytest.fail.Exception(f"chaoskit: {error}", pytrace=False) from None


def agent_of(
    value: Any, config: pytest.Config, keywords: Mapping[str, object] | None = None
) -> Agent:
    """Return the agent that a fixture gave, with what a matrix passes to it."""
    if isinstance(value, Agent):
        agent = value
    elif isinstance(value, str):
        agent = loaded(value, config)
    else:
        try:
            agent = Agent.of(value)
        except UsageError as error:
            raise pytest.fail.Exception(
                f"chaoskit: the chaos_agent fixture returned no agent: {error}", pytrace=False
            ) from None
    if not keywords:
        return agent
    takes = inspect.signature(agent.answer).parameters
    if not any(one.kind is one.VAR_KEYWORD for one in takes.values()):
        for name in keywords:
            if name not in takes:
                pytest.fail(
                    f"chaoskit: the matrix has an axis {name!r}, and {agent.name} takes no "
                    f"argument of that name (it takes {', '.join(takes)}; axes of their own are "
                    "`seeds` and `agents`)",
                    pytrace=False,
                )
    return dataclasses.replace(agent, answer=partial(agent.answer, **keywords))
