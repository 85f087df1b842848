"""One scenario: a story, a world, its faults and the promises to keep; read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from chaoskit.behaviour import Behaviour
from chaoskit.behaviours import BEHAVIOURS, Helpful
from chaoskit.bounds import Bounds, Network
from chaoskit.collected import Collected
from chaoskit.errors import Problem, ScenarioError
from chaoskit.faults import FAULTS
from chaoskit.mcp import McpSettings
from chaoskit.plan import Rule
from chaoskit.promise import Promise
from chaoskit.provider.settings import ProviderSettings
from chaoskit.records import CollectionSettings
from chaoskit.scenario_lines import line_of, lines, spell
from chaoskit.scenario_problems import Wrong
from chaoskit.scenario_tables import overlaid, parts, wrong_in_health
from chaoskit.scenario_toml import dumps
from chaoskit.settings import defaults
from chaoskit.story import Happening, Need
from chaoskit.tool import ToolSettings
from chaoskit.workload import Workload

__all__ = ["SUFFIX", "Promise", "Scenario", "load", "parse"]

SUFFIX = ".chaos.toml"
"""How the names of scenario files end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story, a world, its faults and the promises to keep.

    Attributes:
        name: from the file's name: `day2-rate-limits`.
        overrides: the `[healthy]` table: what is different where nothing is wrong.
    """

    name: str
    title: str
    workload: Workload
    promises: tuple[Promise, ...]
    day: int = 0
    story: str = ""
    needs: tuple[Need, ...] = ()
    provider: ProviderSettings = field(default_factory=ProviderSettings)
    behaviour: Behaviour = field(default_factory=Helpful)
    records: Mapping[str, CollectionSettings] = field(default_factory=dict)
    tools: tuple[ToolSettings, ...] = ()
    faults: tuple[Rule, ...] = ()
    events: tuple[Happening, ...] = ()
    bounds: Bounds = field(default_factory=Bounds)
    network: Network = field(default_factory=Network)
    mcp: McpSettings = field(default_factory=McpSettings)
    pytest: Collected = field(default_factory=Collected)
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def healthy(self) -> Scenario:
        """Return the same world without its faults, with the promises on what its users get.

        Raises:
            ScenarioError: the overrides do not fit.
        """
        wrong, made = parts(overlaid(self.to_dict(), self.overrides))
        if wrong:
            raise ScenarioError(_problems(wrong, f"{self.name}, healthy", ""))
        promises = tuple(promise for promise in self.promises if promise.check.outcome)
        return Scenario(name=self.name, **made | {"promises": promises})

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as it stands in a file, without what is as by default."""
        behaviour = {"use": BEHAVIOURS.name_of(type(self.behaviour)), **_table(self.behaviour)}
        table = {
            "title": self.title,
            "day": self.day,
            "story": self.story,
            "needs": list(self.needs),
            "workload": _table(self.workload),
            "provider": _table(self.provider),
            "behaviour": behaviour if behaviour != {"use": "helpful"} else {},
            "records": {name: _table(one) for name, one in self.records.items()},
            "tools": [_table(tool) for tool in self.tools],
            "faults": [rule.to_dict(FAULTS) for rule in self.faults],
            "events": [_table(event) for event in self.events],
            "bounds": _table(self.bounds),
            "network": _table(self.network),
            "mcp": _table(self.mcp),
            "pytest": _table(self.pytest),
            "healthy": dict(self.overrides),
            "promises": [
                {"check": promise.name, **_table(promise.check)}
                | ({"optional": True} if promise.optional else {})
                for promise in self.promises
            ],
        }
        return {key: value for key, value in table.items() if value or key == "title"}

    def dumps(self) -> str:
        """Return the text of the scenario's file; reading it gives an equal scenario."""
        return dumps(self.to_dict())


def load(file: Path | Traversable) -> Scenario:
    """Read a scenario from its file.

    Raises:
        ScenarioError: the file cannot be read, or something in it is wrong.
    """
    where = str(file) if isinstance(file, Path) else file.name
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start})"
        raise ScenarioError((Problem(where=where, key="", message=message),)) from None
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise ScenarioError((Problem(where=where, key="", message=message),)) from None
    return parse(text, where)


def parse(text: str, where: str) -> Scenario:
    """Read a scenario from the text of its file; `where` is the file's path.

    Raises:
        ScenarioError: with everything that is wrong.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError((_syntax(str(error), where),)) from None
    wrong, made = parts(table)
    wrong += wrong_in_health(table, wrong)
    if wrong:
        raise ScenarioError(_problems(wrong, where, text))
    name = Path(where).name.removesuffix(SUFFIX).removesuffix(".toml")
    return Scenario(name=name, overrides=table.get("healthy", {}), **made)


def _syntax(message: str, where: str) -> Problem:
    told, _, place = message.rstrip(")").rpartition(" (at ")
    line = place.removeprefix("line ").partition(",")[0]
    if told and line.isdigit():
        where, message = f"{where}:{line}", told
    return Problem(where=where, key="", message=f"is not TOML: {message}")


def _problems(wrong: list[Wrong], where: str, text: str) -> tuple[Problem, ...]:
    found = lines(text)
    placed = [(line_of(found, item.path), item) for item in dict.fromkeys(wrong)]
    return tuple(
        Problem(
            where=f"{where}:{line}" if line else where,
            key=spell(item.path),
            message=item.message,
            advice=item.advice,
        )
        for line, item in sorted(placed, key=lambda pair: pair[0])
    )


def _table(value: Any) -> dict[str, Any]:
    """Return settings as they stand in a file, without what is as by default."""
    dumped = TypeAdapter(type(value)).dump_python(
        value, mode="json", by_alias=True, exclude_none=True
    )
    usual = defaults(type(value))
    return {
        info.alias or name: dumped[info.alias or name]
        for name, info in type(value).__pydantic_fields__.items()
        if name not in usual or getattr(value, name) != usual[name]
    }
