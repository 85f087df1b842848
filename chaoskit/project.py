"""What a project says of itself: the `[tool.chaoskit]` table of its `pyproject.toml`.

[tool.chaoskit]
agent = "myapp.agent:answer"
seed = 4
tools = { search = "myapp.tools:search" }
time_scale = 60
port = 8642
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaoskit.errors import UsageError

__all__ = ["Project", "project_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The settings of a project; those of no project where there is no table.

    Attributes:
        agents: places of its agents: `module:callable`, `command: …`, or URLs.
        tools: places of their tools' functions, by tool name.
        extensions: modules and files that register faults, behaviours and checks.
        time_scale: for an agent in another process, seconds of the world in one of the machine.
        port: for an agent that is a URL, where it looks for the simulated provider.
        folder: where the file lies that says so; None where there is none.
    """

    agents: tuple[str, ...] = ()
    seed: int | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    time_scale: float | None = None
    port: int | None = None
    folder: Path | None = None


def project_of(start: Path) -> Project:
    """Return the settings of the nearest `pyproject.toml` with a table, from a folder upwards.

    Raises:
        UsageError: the file is no TOML, or its table says something else than it may.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        table = _table(path)
        if table is not None:
            return _read(table, path, folder)
    return Project()


def _table(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if "chaoskit" not in text:
        return None
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    table = tool.get("chaoskit") if isinstance(tool, dict) else None
    return table if isinstance(table, dict) else None


def _read(table: dict[str, Any], path: Path, folder: Path) -> Project:
    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_KEYS)}"
            raise UsageError(f"{path}: tool.chaoskit has no {key!r}; {hint}")
    agent, seed, tools = table.get("agent", []), table.get("seed"), table.get("tools", {})
    agents = [agent] if isinstance(agent, str) else agent
    if not _are_texts(agents):
        raise UsageError(f'{path}: tool.chaoskit.agent is a text, "module:callable", or several')
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
        raise UsageError(f"{path}: tool.chaoskit.seed is a whole number, not {seed!r}")
    if not isinstance(tools, dict) or not _are_texts([*tools.values()]):
        raise UsageError(
            f'{path}: tool.chaoskit.tools is a table, {{ search = "module:function" }}'
        )
    extensions = table.get("extensions", [])
    if not _are_texts(extensions):
        raise UsageError(
            f"{path}: tool.chaoskit.extensions must be a list of modules or files: "
            'extensions = ["myapp.chaos"]'
        )
    scale = table.get("time_scale")
    if scale is not None and not (isinstance(scale, (int, float)) and 0 < scale < float("inf")):
        raise UsageError(f"{path}: tool.chaoskit.time_scale is a positive number, not {scale!r}")
    port = table.get("port")
    if port is not None and not (type(port) is int and 0 < port < 65_536):
        raise UsageError(f"{path}: tool.chaoskit.port is a number from 1 to 65535, not {port!r}")
    return Project(
        agents=tuple(agents),
        seed=seed,
        tools=tools,
        extensions=tuple(extensions),
        time_scale=scale,
        port=port,
        folder=folder,
    )


_KEYS = ("agent", "seed", "tools", "extensions", "time_scale", "port")


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
