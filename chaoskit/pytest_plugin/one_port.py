"""Lets the workers of a session use a port that only one can listen on, one after the other."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoskit.agent import Agent

__all__ = ["alone_on_its_port"]


@contextlib.contextmanager
def alone_on_its_port(agent: Agent, config: pytest.Config) -> Iterator[None]:
    """Wait until no other worker runs an agent that looks for its provider on the same port."""
    port = agent.outside.port if agent.outside is not None else 0
    if not port or not hasattr(config, "workerinput"):
        yield
        return
    try:
        import fcntl  # noqa: PLC0415 - Windows has none, where an error says that the port is taken
    except ImportError:
        yield
        return
    with (Path(tempfile.gettempdir()) / f"chaoskit-port-{port}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield
