"""Dummy API keys for clients that are built while modules are imported."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaoskit.agent import DUMMY_KEY, KEYS
from chaoskit.project import project_of

__all__ = ["for_session", "while_collecting", "while_running"]

_FIXTURES = {"chaos", "chaos_agent"}


def for_session(config: pytest.Config) -> None:
    """Put keys where there are none until the session ends, if something names chaoskit.

    That is an option, an ini file, `[tool.chaoskit]`, or a conftest.py that is loaded at once.
    """
    option = config.known_args_namespace
    if not (
        option.chaos_agent
        or option.chaos_week
        or option.chaos_named
        or config.getini("chaos_agent")
        or project_of(config.rootpath).folder
        or any(map(_speaks, _first_conftests(config)))
    ):
        return
    keys = contextlib.ExitStack()
    keys.enter_context(_where_missing())
    config.add_cleanup(keys.close)


def while_collecting(collector: pytest.Collector) -> contextlib.AbstractContextManager[None]:
    """Put keys where there are none while a module that speaks of chaos is imported.

    It may be the test module itself, or the conftest.py of a folder.
    """
    if isinstance(collector, pytest.Module):
        imported = [collector.path]
    elif isinstance(collector, pytest.Directory):
        imported = [collector.path / "conftest.py", *collector.path.glob("*/conftest.py")]
    else:
        imported = []
    return _where_missing() if any(map(_speaks, imported)) else contextlib.nullcontext()


def while_running(item: pytest.Item) -> contextlib.AbstractContextManager[None]:
    """Put keys where there are none while a test of ours has its fixtures.

    Those that are built before its world, of whatever scope, may build clients.
    """
    ours = _FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return _where_missing() if ours else contextlib.nullcontext()


def _first_conftests(config: pytest.Config) -> Iterator[Path]:
    """Yield where pytest looks for a conftest.py before it collects anything."""
    here = config.invocation_params.dir
    named = config.known_args_namespace.file_or_dir or config.getini("testpaths") or ["."]
    for name in named:
        place = here / name.partition("::")[0]
        folder = place if place.is_dir() else place.parent
        inner = (one for one in folder.glob("test*/conftest.py"))
        outer = (one / "conftest.py" for one in (folder, *folder.parents))
        yield from (one for one in (*inner, *outer) if one.is_relative_to(config.rootpath))


def _speaks(path: Path) -> bool:
    try:
        return b"chaos" in path.read_bytes()
    except OSError:
        return False


@contextlib.contextmanager
def _where_missing() -> Iterator[None]:
    missing = [name for name in KEYS if not os.environ.get(name)]
    os.environ.update(dict.fromkeys(missing, DUMMY_KEY))
    try:
        yield
    finally:
        for name in missing:
            if os.environ.get(name) == DUMMY_KEY:  # somebody may have set their own
                del os.environ[name]
