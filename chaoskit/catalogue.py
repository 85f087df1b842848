"""Finding scenario files: those that are shipped, and those that the user names."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from chaoskit.errors import Problem, ScenarioError, UsageError
from chaoskit.scenario import SUFFIX, Scenario, load

__all__ = ["ALL", "Found", "find", "load_all", "shipped", "week"]

ALL = "all"
"""Stands for every shipped scenario, those after the first week included."""

_HOME = "chaoskit_scenarios"
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One scenario file. `given` is how it is named on the command line."""

    name: str
    file: Path | Traversable
    given: str


def shipped() -> tuple[Found, ...]:
    """Return the scenarios that come with the package, in the order of their names."""
    found = (
        Found(name=name, file=entry, given=name)
        for entry in files(_HOME).iterdir()
        if entry.name.endswith(SUFFIX) and (name := entry.name.removesuffix(SUFFIX))
    )
    return tuple(sorted(found, key=lambda one: _natural(one.name)))


def week(scenarios: Iterable[tuple[Found, Scenario]]) -> tuple[tuple[Found, Scenario], ...]:
    """Return the scenarios of the first seven days."""
    return tuple(pair for pair in scenarios if 1 <= pair[1].day <= 7)


def find(wanted: Sequence[str]) -> tuple[Found, ...]:
    """Return the scenario files that names, paths, folders and patterns stand for.

    A shipped scenario is named in full or by how its name begins: `day2`; `all` are all of them.

    Raises:
        UsageError: something stands for no file, or for what cannot be read.
    """
    found: dict[str, Found] = {}
    for one in wanted:
        try:
            standing = _standing_for(one)
        except OSError as error:
            raise UsageError(f"cannot look for {one!r}: {error.strerror}") from None
        for file in standing:
            found.setdefault(str(file.file), file)
    return tuple(found.values())


def load_all(found: Iterable[Found]) -> tuple[tuple[Found, Scenario], ...]:
    """Return the scenarios with their files.

    Raises:
        ScenarioError: with everything that is wrong in any of them.
    """
    loaded: list[tuple[Found, Scenario]] = []
    problems: list[Problem] = []
    for one in found:
        try:
            loaded.append((one, load(one.file)))
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(tuple(problems))
    return tuple(loaded)


def _standing_for(wanted: str) -> Sequence[Found]:
    path = Path(wanted)
    if path.is_file():
        return [_file(path)]
    if path.is_dir():
        return _files(path.rglob(f"*{SUFFIX}"), f"there is no *{SUFFIX} in {wanted}")
    if glob.has_magic(wanted):
        matched = (Path(match) for match in glob.glob(wanted, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        return _files(filter(Path.is_file, matched), f"no file matches {wanted!r}")
    known = shipped()
    if wanted == ALL:
        return known
    for fits in (str.__eq__, lambda name, one: name.startswith(f"{one}-"), str.startswith):
        if matching := [one for one in known if fits(one.name, wanted)]:
            return matching
    near = difflib.get_close_matches(wanted, [one.name for one in known], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`chaoskit list` shows the shipped ones"
    raise UsageError(f"there is no file and no shipped scenario called {wanted!r}; {hint}")


def _files(paths: Iterable[Path], nothing: str) -> Sequence[Found]:
    found = [_file(path) for path in sorted(paths, key=lambda path: _natural(str(path)))]
    if not found:
        raise UsageError(nothing)
    return found


def _file(path: Path) -> Found:
    name = path.name.removesuffix(SUFFIX).removesuffix(".toml")
    return Found(name=name, file=path, given=str(path))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort `day10` after `day2`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in _DIGITS.split(name)]
