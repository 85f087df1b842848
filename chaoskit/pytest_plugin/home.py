"""Where the shipped week lives among the tests, which decides on the fixtures that it sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

__all__ = ["home_of_week"]


def home_of_week(session: pytest.Session, items: Sequence[pytest.Item]) -> pytest.Collector:
    """Return the folder whose conftest.py builds the agent, if it is the only one; else the root.

    Many have theirs in `tests`, and mean it for everything.
    """
    root = session.config.rootpath
    folders = set(filter(None, map(_builds_agents, session.config.pluginmanager.get_plugins())))
    if len(folders) != 1:
        return session
    folder = folders.pop()
    if root not in folder.parents:
        return session
    for item in items:
        for node in item.listchain():
            if isinstance(node, pytest.Directory) and node.path == folder:
                return node
    return _alone(session, folder) if session.config.option.chaos_only else session


def _builds_agents(plugin: object) -> Path | None:
    """Return the folder of a conftest.py that overrides the fixture."""
    file = Path(str(getattr(plugin, "__file__", None) or ""))
    return file.parent if file.name == "conftest.py" and hasattr(plugin, "chaos_agent") else None


def _alone(session: pytest.Session, folder: Path) -> pytest.Collector:
    """Return a folder of which nothing is collected but the fixtures of its conftest.py."""
    node: pytest.Collector = session
    path = session.config.rootpath
    for part in folder.relative_to(path).parts:
        path /= part
        node = pytest.Dir.from_parent(node, path=path)
        node.ihook.pytest_make_collect_report(collector=node)
    return node
