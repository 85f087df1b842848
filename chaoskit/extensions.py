"""Extensions that a project or a user names: modules that register classes when imported.

A project names its own for good in `pyproject.toml`:

    [tool.chaoskit]
    extensions = ["myapp.chaos", "tests/chaos_words.py"]

Paths are relative to that file, and its folder is looked in for modules.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from chaoskit.agent import import_named
from chaoskit.errors import UsageError
from chaoskit.project import project_of

__all__ = ["load", "load_of_project"]

_loaded: set[Path] = set()


def load(names: Iterable[str], *, home: Path | None = None) -> None:
    """Import modules, or `.py` files, each once in a process.

    Args:
        home: where modules and files are looked for; the current folder unless set.

    Raises:
        UsageError: one cannot be imported; the text names it and says why.
    """
    home = (home or Path.cwd()).resolve()
    for name in names:
        path = (home / name).resolve()
        if path in _loaded:
            continue
        sys.path.insert(0, str(home))
        try:
            import_named(str(path) if name.endswith(".py") else name, name)
        except UsageError as error:
            raise UsageError(f"the extension {name!r} cannot be used: {error}") from None
        finally:
            sys.path.remove(str(home))
        _loaded.add(path)


def load_of_project(start: Path | None = None) -> None:
    """Import the extensions that the nearest `pyproject.toml` with a `[tool.chaoskit]` names.

    Raises:
        UsageError: that file is no TOML, names them in another way, or one cannot be imported.
    """
    project = project_of((start or Path.cwd()).resolve())
    load(project.extensions, home=project.folder)
