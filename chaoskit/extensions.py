"""Extensions that a project or a user names: modules that register classes when imported.

A project names its own for good in `pyproject.toml`:

    [tool.chaoskit]
    extensions = ["myapp.chaos", "tests/chaos_words.py"]

Paths are relative to that file, and its folder is looked in for modules.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from chaoskit.agent import import_named
from chaoskit.errors import UsageError
from chaoskit.project import project_of

__all__ = ["known_to_pytest_alone", "load", "load_of_project"]

_loaded: set[Path] = set()
_REGISTERS = re.compile(r"\bregister_(?:fault|behaviour|check)\b")


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
        if path in _loaded or _is_imported(path):
            continue
        sys.path.insert(0, str(home))
        try:
            import_named(str(path) if name.endswith(".py") else name, name)
        except UsageError as error:
            raise UsageError(f"the extension {name!r} cannot be used: {error}") from None
        finally:
            sys.path.remove(str(home))
        _loaded.add(path)


def _is_imported(file: Path) -> bool:
    """Say whether a file is a module already, as a conftest.py is in pytest."""
    modules = list(sys.modules.values())
    return file.suffix == ".py" and any(
        getattr(module, "__file__", None) == str(file) for module in modules
    )


def known_to_pytest_alone(folder: Path) -> str:
    """Return the conftest.py of a folder that registers words and was not loaded, or nothing."""
    for name in ("conftest.py", "tests/conftest.py"):
        file = (folder / name).resolve()
        if file in _loaded or not file.is_file():
            continue
        if _REGISTERS.search(file.read_text(encoding="utf-8", errors="replace")):
            return name
    return ""


def load_of_project(start: Path | None = None) -> None:
    """Import the extensions that the nearest `pyproject.toml` with a `[tool.chaoskit]` names.

    Raises:
        UsageError: that file is no TOML, names them in another way, or one cannot be imported.
    """
    project = project_of((start or Path.cwd()).resolve())
    load(project.extensions, home=project.folder)
