"""The seed of a session: given, remembered, or drawn."""

from __future__ import annotations

import random
from typing import cast

import pytest

from chaoskit.project import project_of
from chaoskit.pytest_plugin.agents import named

__all__ = ["header", "remember", "seed_of", "session_seed"]

_KEY = "chaoskit/seed"


def seed_of(config: pytest.Config, given: str) -> int:
    """Return the seed that a text stands for.

    Raises:
        pytest.UsageError: it is neither a number nor one of the words.
    """
    cache = getattr(config, "cache", None)  # it can be switched off
    if given == "last":
        return int(cache.get(_KEY, 0)) if cache is not None else 0
    if given == "random":
        return random.SystemRandom().randrange(2**31)
    try:
        return int(given)
    except ValueError:
        raise pytest.UsageError(
            f"--chaos-seed {given}: write a number, `last` or `random`"
        ) from None


def session_seed(config: pytest.Config) -> int:
    """Return the seed of the session; that of the project, or 0, unless one was given."""
    given = config.option.chaos_seed
    if given is None:
        given = config.option.chaos_seed = project_of(config.rootpath).seed or 0
    return cast("int", given)


def remember(config: pytest.Config) -> None:
    """Keep the seed for `--chaos-seed=last`."""
    cache = getattr(config, "cache", None)
    if cache is not None and not hasattr(config, "workerinput"):
        cache.set(_KEY, session_seed(config))


def header(config: pytest.Config) -> str:
    """Return the line for the head of the report."""
    remember(config)
    agents = ", ".join(named(config)) or "the `chaos_agent` fixture"
    return f"chaoskit: agent {agents}, --chaos-seed={session_seed(config)}"
