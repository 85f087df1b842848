"""Dummy API keys for clients that are built while modules are imported."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoskit.agent import DUMMY_KEY, KEYS
from chaoskit.project import project_of

__all__ = ["for_session", "while_importing"]


def for_session(config: pytest.Config) -> None:
    """Put keys where there are none until the session ends, if something names chaoskit."""
    option = config.known_args_namespace
    if not (
        option.chaos_agent
        or option.chaos_week
        or option.chaos_named
        or config.getini("chaos_agent")
        or project_of(config.rootpath).folder
    ):
        return
    keys = contextlib.ExitStack()
    keys.enter_context(_where_missing())
    config.add_cleanup(keys.close)


@contextlib.contextmanager
def while_importing(path: Path) -> Iterator[None]:
    """Put keys where there are none while a test module is imported that speaks of chaos."""
    try:
        speaks = b"chaos" in path.read_bytes()
    except OSError:
        speaks = False
    with _where_missing() if speaks else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _where_missing() -> Iterator[None]:
    missing = [name for name in KEYS if not os.environ.get(name)]
    os.environ.update(dict.fromkeys(missing, DUMMY_KEY))
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
