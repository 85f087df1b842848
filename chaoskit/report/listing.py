"""What there is to use in scenario files, for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import getdoc
from typing import Any

from rich.console import Console
from rich.text import Text

from chaoskit import catalogue
from chaoskit.behaviours import BEHAVIOURS
from chaoskit.checks import CHECKS
from chaoskit.describe import Entry, Setting, describe, describe_table
from chaoskit.dialects import DIALECTS, TOOL_DIALECTS
from chaoskit.errors import UsageError
from chaoskit.faults import FAULTS
from chaoskit.registry import Registry
from chaoskit.report.lines import say
from chaoskit.scenario_problems import suggestion
from chaoskit.when import When

__all__ = ["show"]

_CATALOGUES: Mapping[str, tuple[Registry[Any], str]] = {
    "faults": (FAULTS, '[[faults]] fault = "…", and its settings beside it'),
    "behaviours": (BEHAVIOURS, '[behaviour] use = "…", and its settings beside it'),
    "checks": (CHECKS, '[[promises]] check = "…", and its settings beside it'),
}


def show(what: str, console: Console) -> None:
    """Print one catalogue, or one member of any.

    Raises:
        UsageError: there is nothing of that name.
    """
    lists: Mapping[str, Callable[[Console], None]] = {
        "scenarios": _scenarios,
        "dialects": _dialects,
        **{name: lambda console, name=name: _catalogue(console, name) for name in _CATALOGUES},  # type: ignore[misc]  # a lambda's default has no annotation
    }
    members = {
        entry.name: entry for registry, _ in _CATALOGUES.values() for entry in describe(registry)
    }
    if what in lists:
        lists[what](console)
    elif what in members:
        _entry(console, members[what])
    else:
        raise UsageError(f"there is nothing called {what!r} to list; {_hint(what, lists, members)}")


def _hint(what: str, lists: Mapping[str, object], members: Mapping[str, object]) -> str:
    near = suggestion(what, [*lists, *members])
    if near.startswith("did"):
        return near
    own = "; words of a file of yours, such as conftest.py, are read by -e FILE"
    return suggestion("", lists) + own


def _scenarios(console: Console) -> None:
    for found, scenario in catalogue.load_all(catalogue.shipped()):
        console.print(Text.assemble((found.name, "bold"), f"  {scenario.title}"))
        first = " ".join(scenario.story.split()).partition(". ")[0].removesuffix(".")
        say(console, 2, f"{first}." if first else "")
        if scenario.needs:
            say(console, 2, Text(f"needs {', '.join(scenario.needs)}", style="dim"))


def _dialects(console: Console) -> None:
    for dialect in DIALECTS:
        console.print(Text.assemble((dialect.name, "bold"), f"  of {dialect.provider}"))
        say(console, 2, _summary(dialect))
    for spoken in TOOL_DIALECTS:
        console.print(Text.assemble((spoken.name, "bold"), "  of tools"))
        say(console, 2, _summary(spoken))


def _summary(dialect: object) -> str:
    return " ".join((getdoc(type(dialect)) or "").split("\n\n")[0].split())


def _catalogue(console: Console, name: str) -> None:
    registry, usage = _CATALOGUES[name]
    console.print(Text(usage, style="dim"))
    for entry in describe(registry):
        console.print()
        _entry(console, entry)
    if registry is FAULTS:
        console.print()
        _entry(console, describe_table("when = { … }", When, remark="which calls a fault strikes"))


def _entry(console: Console, entry: Entry) -> None:
    remark = Text(f"  {entry.remark}" if entry.remark else "", style="dim")
    console.print(Text.assemble((entry.name, "bold"), remark))
    say(console, 2, entry.text)
    for setting in entry.settings:
        say(console, 4, Text(setting.name, style="cyan"), f": {_said(setting)}. {setting.text}")


def _said(setting: Setting) -> str:
    if setting.default == "required":
        return f"{setting.kind}, required"
    return f"{setting.kind}, {setting.default} unless set" if setting.default else setting.kind
