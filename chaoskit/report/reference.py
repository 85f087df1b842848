"""The reference of scenario files as a page of Markdown, made from the definitions that read them.

Everything on the page stands beside the definitions: meanings are docstrings, examples the
`example` of each class. What is registered by extensions is on it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from chaoskit.behaviours import BEHAVIOURS
from chaoskit.checks import CHECKS
from chaoskit.describe import Entry, Setting, describe, describe_table
from chaoskit.faults import FAULTS
from chaoskit.registry import Registry
from chaoskit.scenario_tables import (
    HEALTHY,
    HEALTHY_EXAMPLE,
    LISTS,
    NAMED,
    SECTIONS,
    Kept,
    Strikes,
)
from chaoskit.story import Story

__all__ = ["reference_text", "tables_within"]

_HEAD = """\
# Reference of scenario files

A scenario is a TOML file whose name ends in `.chaos.toml`. This page holds every key of it. It is
made by `chaoskit reference > docs/reference.md` from the definitions that read the files; each
example is a fragment of a scenario, and is loaded by the tests, those of the faults are run.
`chaoskit list NAME` shows one entry at the terminal, `chaoskit schema` has the same for editors.

| kind | what is written |
|---|---|
| duration | a number of seconds, or a text with units: `250ms`, `7s`, `45m`, `1h30m`, `2d` |
| tokens | a whole number of tokens, as the simulated provider counts them |
| US dollars | a number; the names of most such keys end in `_usd` |
| share, 0 to 1 | a number: 0.25 is a quarter |
| text, number, whole number, true or false | as in TOML; `20_000` is a whole number |
| list, table | `[1, 2]`, `{ key = "value" }`, or the headers of TOML |

A key that is not required may be left out; the column *unless set* says what holds then, and — that
nothing does.
"""


def reference_text() -> str:
    """Return the page."""
    return "\n\n".join(part.strip("\n") for part in _page()) + "\n"


def tables_within(kind: type, path: str = "") -> Mapping[type, list[str]]:
    """Return the settings that stand inside of others, each with the paths that lead to it."""
    found: dict[type, list[str]] = {}
    known: Mapping[str, FieldInfo] = kind.__pydantic_fields__  # type: ignore[attr-defined]  # `@settings` makes it
    for name, info in known.items():
        key = info.alias or name
        for inner, step in _settings_in(info.annotation):
            place = ".".join(filter(None, (path, key, step)))
            found.setdefault(inner, []).append(place)
            for deeper, paths in tables_within(inner, place).items():
                found.setdefault(deeper, []).extend(paths)
    return found


def _settings_in(annotation: Any) -> Iterator[tuple[type, str]]:
    """Yield the settings in an annotation, and the step between, where names are free."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        yield annotation, ""
        return
    step = "NAME" if get_origin(annotation) is dict else ""
    for inner in get_args(annotation):
        for kind, deeper in _settings_in(inner):
            yield kind, ".".join(filter(None, (step, deeper)))


def _page() -> Iterator[str]:
    yield _HEAD
    yield "## The top of the file"
    yield from _table(describe_table("", Story))
    for key, kind in SECTIONS.items():
        yield f"## `[{key}]`"
        yield from _with_inner(kind, key)
    for key, kind in LISTS.items():
        yield f"## `[[{key}]]`"
        yield from _with_inner(kind, key)
    for key, kind in NAMED.items():
        yield f"## `[{key}.NAME]`"
        yield from _with_inner(kind, f"{key}.NAME")
    yield "## `[behaviour]`"
    yield "What the simulated model answers when nothing is wrong. `use` names one of these:"
    yield from _catalogue(BEHAVIOURS, "use", "behaviour")
    yield "## `[[faults]]`"
    yield "What goes wrong. `fault` names one of those below; beside its own settings may stand:"
    yield from _with_inner(Strikes, "faults", text=False)
    yield from _catalogue(FAULTS, "fault", "faults")
    yield "## `[[promises]]`"
    yield "What must hold. `check` names one of those below; beside its own settings may stand:"
    yield from _with_inner(Kept, "promises", text=False)
    yield from _catalogue(CHECKS, "check", "promises")
    yield "## `[healthy]`"
    listed = ", ".join(f"`{key}`" for key in HEALTHY)
    yield (
        "What is different in the run without faults, which comes first and must go well: "
        f"{listed}, each as above and laid over what the scenario says."
    )
    yield _code(HEALTHY_EXAMPLE)


def _with_inner(kind: type, path: str, *, text: bool = True) -> Iterator[str]:
    yield from _table(describe_table("", kind), text=text)
    for inner, paths in tables_within(kind, path).items():
        yield "### " + ", ".join(f"`{one}`" for one in dict.fromkeys(paths))
        yield from _table(describe_table("", inner))


def _catalogue(registry: Registry[Any], word: str, path: str) -> Iterator[str]:
    entries = describe(registry)
    yield ", ".join(f"[`{entry.name}`](#{entry.name})" for entry in entries) + "."
    for entry in entries:
        yield f"### `{entry.name}`"
        yield from _table(entry)
        for inner, paths in tables_within(registry[entry.name], path).items():
            yield f'#### {", ".join(f"`{one}`" for one in paths)} of `{word} = "{entry.name}"`'
            yield from _table(describe_table("", inner))


def _table(entry: Entry, *, text: bool = True) -> Iterator[str]:
    if text:
        if entry.remark:
            yield f"*{entry.remark}*"
        yield entry.text
        yield from entry.more
    if entry.settings:
        rows = [_row(setting) for setting in entry.settings]
        yield "\n".join(["| key | kind | unless set | meaning |", "|---|---|---|---|", *rows])
    yield from map(_code, entry.examples)


def _row(setting: Setting) -> str:
    default = setting.default or "—"
    default = default if default in ("required", "—") else f"`{default}`"
    cells = (f"`{setting.name}`", setting.kind, default, setting.text)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: str) -> str:
    return f"```toml\n{text.strip()}\n```"
