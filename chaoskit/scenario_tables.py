"""The tables of a scenario file become its parts; whatever is wrong is collected, not raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date, time
from typing import Any, ClassVar, TypeGuard, TypeVar

from chaoskit import installed
from chaoskit.behaviour import Behaviour
from chaoskit.behaviours import BEHAVIOURS
from chaoskit.bounds import Bounds, Network
from chaoskit.checks import CHECKS
from chaoskit.collected import Collected
from chaoskit.faults import FAULTS
from chaoskit.mcp import McpSettings
from chaoskit.plan import Rule, When
from chaoskit.promise import Promise
from chaoskit.provider.settings import ProviderSettings
from chaoskit.records import CollectionSettings
from chaoskit.registry import Registry
from chaoskit.route import is_local
from chaoskit.scenario_lines import Path
from chaoskit.scenario_problems import Wrong, keys_of, read, suggestion, what_is
from chaoskit.settings import settings
from chaoskit.story import Happening, Story
from chaoskit.tool import ToolSettings
from chaoskit.workload import Workload

__all__ = [
    "HEALTHY",
    "HEALTHY_EXAMPLE",
    "LISTS",
    "NAMED",
    "SECTIONS",
    "Kept",
    "Strikes",
    "overlaid",
    "parts",
    "wrong_in_health",
]

T = TypeVar("T")

SECTIONS: Mapping[str, type] = {
    "workload": Workload,
    "provider": ProviderSettings,
    "bounds": Bounds,
    "network": Network,
    "mcp": McpSettings,
    "pytest": Collected,
}
LISTS: Mapping[str, type] = {"tools": ToolSettings, "events": Happening}
NAMED: Mapping[str, type] = {"records": CollectionSettings}
"""Tables of tables, whose names are the author's."""
HEALTHY = (
    "workload",
    "provider",
    "behaviour",
    "records",
    "tools",
    "events",
    "bounds",
    "network",
    "mcp",
)
"""What `[healthy]` may change."""
HEALTHY_EXAMPLE = """
[healthy]
provider = { limits = { requests_per_minute = 4_000 } }
bounds = { virtual = "10m" }
"""

_KEYS = (*SECTIONS, *LISTS, *NAMED, "behaviour", "faults", "promises", "healthy")
_EXCLUSIVE = {"prompt": "prompts", "prompts": "prompt"}


@settings
class Strikes:
    """What an entry of `[[faults]]` says beside the settings of its fault."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "rate_limited"
    when = { calls = "5-" }
    optional = true
    sticky = false
    """

    when: When = field(default_factory=When)
    """Which calls are struck; all of them unless set."""

    optional: bool = False
    """It is fine when this fault had nothing to do."""

    sticky: bool = True
    """Who comes back before the time that a Retry-After asked for is refused again."""


@settings
class Kept:
    """What an entry of `[[promises]]` says beside the settings of its check."""

    example: ClassVar[str] = """
    [[promises]]
    check = "tool_errors_reported"
    optional = true
    """

    optional: bool = False
    """It is fine when there was nothing to judge."""


def parts(table: Mapping[str, Any]) -> tuple[list[Wrong], dict[str, Any]]:
    """Return what is wrong with the table of a scenario, and its parts by their names."""
    reader = _Reader(table)
    made = reader.parts()
    return reader.wrong, made


def overlaid(table: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of the healthy world: no faults, and the overrides in their place."""
    healthy = {key: value for key, value in table.items() if key not in ("faults", "healthy")}
    merged: dict[str, Any] = _over(healthy, overrides)
    return merged


def wrong_in_health(table: Mapping[str, Any], known: Sequence[Wrong]) -> list[Wrong]:
    """Return what is wrong with the `[healthy]` table, beyond what is known of the others."""
    overrides = table.get("healthy", {})
    if not isinstance(overrides, dict):
        return [Wrong(("healthy",), f"must be a table, not {what_is(overrides)}")]
    strange = [
        Wrong(("healthy", key), "cannot be different in the healthy run", _why_not(key))
        if key in _KEYS or key in keys_of(Story)
        else Wrong(("healthy", key), "unknown key", suggestion(key, HEALTHY))
        for key in overrides
        if key not in HEALTHY
    ]
    allowed = {key: value for key, value in overrides.items() if key in HEALTHY}
    wrong, _ = parts(overlaid(table, allowed))
    told = {(item.path, item.message) for item in known}
    return strange + [
        Wrong(_in_overrides(item.path, table, allowed), item.message, item.advice)
        for item in wrong
        if (item.path, item.message) not in told
    ]


def _why_not(key: str) -> str:
    if key == "faults":
        return "it has none"
    return f"it may change {', '.join(HEALTHY)}"


def _over(base: object, over: object) -> Any:
    """Return `over` laid over `base`: tables key by key, tools name by name."""
    if isinstance(base, dict) and isinstance(over, dict):
        if "use" in over and over["use"] != base.get("use", "helpful"):
            return over
        gone = {_EXCLUSIVE[key] for key in over if key in _EXCLUSIVE}
        kept = {key: value for key, value in base.items() if key not in gone}
        return kept | {key: _over(base.get(key), value) for key, value in over.items()}
    if _are_named(base) and _are_named(over):
        instead = {item["name"]: item for item in over}
        return [item | instead.pop(item["name"], {}) for item in base] + list(instead.values())
    return over


def _listing(registry: Registry[Any]) -> str:
    shows = f"`chaoskit list {registry.kind}s` shows what there is"
    return "; ".join([shows, *map(str, installed.broken())])


def _are_named(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    )


def _in_overrides(path: Path, table: Mapping[str, Any], overrides: Mapping[str, Any]) -> Path:
    """Return where the overrides write what stands at a path of the healthy table."""
    if len(path) > 1 and path[0] == "tools" and isinstance(path[1], int):
        name = overlaid(table, overrides)["tools"][path[1]]
        named = name.get("name") if isinstance(name, dict) else None
        for position, item in enumerate(overrides.get("tools", ())):
            if item == name or (isinstance(item, dict) and item.get("name") == named):
                return ("healthy", "tools", position, *path[2:])
    return ("healthy", *path)


class _Reader:
    """Takes one table apart."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.wrong: list[Wrong] = []
        self.table = {key: self.plain(value, (key,)) for key, value in table.items()}

    def parts(self) -> dict[str, Any]:
        made: dict[str, Any] = self.story()
        for key, kind in SECTIONS.items():
            if key in self.table or kind is Workload:
                made[key] = self.section(key, kind)
        if "behaviour" in self.table:
            made["behaviour"] = self.behaviour()
        for key, kind in LISTS.items():
            read_items = [self.read(kind, item, path) for path, item in self.items(key)]
            made[key] = tuple(filter(None, read_items))
        for key, kind in NAMED.items():
            made[key] = self.named(key, kind)
        self.unlike_names()
        self.known_records(made["tools"], made["records"])
        self.routes(made["tools"], made.get("network") or Network())
        made["faults"] = tuple(self.faults())
        made["promises"] = tuple(self.promises())
        return made

    def plain(self, value: Any, path: Path) -> Any:
        """Return a value without dates, which scenario files have no use for."""
        if isinstance(value, dict):
            return {key: self.plain(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.plain(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, (date, time)):
            self.wrong.append(Wrong(path, "is a date or a time of day", "write a text in quotes"))
            return str(value)
        return value

    def read(self, make: type[T], table: object, path: Path, **more: Any) -> T | None:
        made = read(make, table, path, **more)
        if isinstance(made, list):
            self.wrong += made
            return None
        return made

    def story(self) -> dict[str, Any]:
        own = {key: value for key, value in self.table.items() if key not in _KEYS}
        hints = {
            key: f"it belongs into [{section}]"
            for section, kind in SECTIONS.items()
            for key in keys_of(kind)
            if key not in _KEYS
        }
        story = self.read(Story, own, (), also=_KEYS, hints=hints)
        if story is None:
            return {}
        return {key: getattr(story, key) for key in keys_of(Story)}

    def section(self, key: str, kind: type[T]) -> T | None:
        table = self.table.get(key, {})
        hints = dict.fromkeys(keys_of(Story), "write it above the first [section]")
        return self.read(kind, table, (key,), hints=hints)

    def items(self, key: str) -> Iterator[tuple[Path, Any]]:
        """Return the tables of a list, with their paths."""
        value = self.table.get(key, [])
        if not isinstance(value, list):
            message = f"must be a list of tables, not {what_is(value)}"
            self.wrong.append(Wrong((key,), message, f"write [[{key}]]"))
            return
        for index, item in enumerate(value):
            yield (key, index), item

    def named(self, key: str, kind: type[T]) -> dict[str, T]:
        """Return what the tables below a key make, by their names."""
        value = self.table.get(key, {})
        if not isinstance(value, dict):
            message = f"must be a table of tables, not {what_is(value)}"
            self.wrong.append(Wrong((key,), message, f"write [{key}.NAME]"))
            return {}
        made = {name: self.read(kind, table, (key, name)) for name, table in value.items()}
        return {name: one for name, one in made.items() if one is not None}

    def known_records(
        self, tools: Sequence[ToolSettings], records: Mapping[str, CollectionSettings]
    ) -> None:
        """See to it that tools read and change records that there are."""
        places = self.places()
        declared = self.table.get("records", {})
        for tool in tools:
            for step in tool.steps:
                name = step.collection
                if name not in records and name not in declared:
                    declare = f"declare them: [records.{name}]"
                    advice = suggestion(name, records) if records else declare
                    path = (*places[tool.name], "does")
                    self.wrong.append(Wrong(path, f"there are no records {name!r}", advice))

    def routes(self, tools: Sequence[ToolSettings], network: Network) -> None:
        """See to it that each route belongs to one tool, and that real hosts are in reach."""
        places = self.places()
        taken: dict[tuple[str, str, str], str] = {}
        for tool in tools:
            route = tool.route
            if route is None:
                continue
            path: Path = (*places.get(tool.name, ("tools",)), "http")
            other = taken.setdefault(route.shape, tool.name)
            if other != tool.name:
                self.wrong.append(Wrong(path, f"is the route of {other!r} as well"))
            if tool.real and route.host not in network.allow and not is_local(route.host):
                advice = f'allow it: [network] allow = ["{route.host}"]'
                self.wrong.append(Wrong(path, f"the real {route.host} is out of reach", advice))

    def places(self) -> dict[str, Path]:
        """Return where each tool is written."""
        return {
            table["name"]: path
            for path, table in self.items("tools")
            if isinstance(table, dict) and isinstance(table.get("name"), str)
        }

    def behaviour(self) -> Behaviour | None:
        table = self.table["behaviour"]
        if isinstance(table, dict):
            table = {"use": "helpful", **table}
        return self.member(table, ("behaviour",), "use", BEHAVIOURS)

    def member(
        self, table: Any, path: Path, word: str, registry: Registry[T], own: type | None = None
    ) -> T | None:
        """Return what an entry makes of the member of a catalogue that it names at `word`."""
        if not isinstance(table, dict):
            self.wrong.append(Wrong(path, f"must be a table, not {what_is(table)}"))
            return None
        name, where = table.get(word), (*path, word)
        if word not in table:
            self.wrong.append(Wrong(where, "missing", _listing(registry)))
        elif not isinstance(name, str):
            self.wrong.append(Wrong(where, f"must be a text, not {what_is(name)}"))
        elif name not in registry:
            message = f"there is no {registry.kind} called {name!r}"
            near = registry.advice(name)
            advice = _listing(registry) if near.startswith("known") else near
            self.wrong.append(Wrong(where, message, advice))
        else:
            beside = (word, *(keys_of(own) if own else ()))
            rest = {key: value for key, value in table.items() if key not in beside}
            hints = dict.fromkeys(keys_of(When), "write it inside `when = { … }`")
            more = {"hints": hints} if own is Strikes else {}
            return self.read(registry[name], rest, path, also=beside, **more)
        return None

    def beside(self, table: Any, path: Path, own: type[T]) -> T | None:
        if not isinstance(table, dict):
            return None
        return self.read(
            own, {key: value for key, value in table.items() if key in keys_of(own)}, path
        )

    def faults(self) -> Iterator[Rule]:
        for path, table in self.items("faults"):
            fault = self.member(table, path, "fault", FAULTS, Strikes)
            rule = self.beside(table, path, Strikes)
            if fault is not None and rule is not None:
                yield Rule(fault=fault, when=rule.when, optional=rule.optional, sticky=rule.sticky)

    def promises(self) -> Iterator[Promise]:
        if not self.table.get("promises", ()):
            advice = 'write what must hold: [[promises]] and check = "every_user_answered"'
            self.wrong.append(Wrong(("promises",), "missing", advice))
        for path, table in self.items("promises"):
            check = self.member(table, path, "check", CHECKS, Kept)
            kept = self.beside(table, path, Kept)
            if check is not None and kept is not None:
                yield Promise(name=table["check"], check=check, optional=kept.optional)

    def unlike_names(self) -> None:
        seen: set[str] = set()
        for path, table in self.items("tools"):
            name = table.get("name") if isinstance(table, dict) else None
            if isinstance(name, str) and name in seen:
                message = f"there is a tool called {name!r} already"
                self.wrong.append(Wrong((*path, "name"), message))
            elif isinstance(name, str):
                seen.add(name)
