"""Replaces functions wherever a module holds them by name: `from time import sleep` included."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["replaced_everywhere"]

# Modules that wait for real things (child processes, other machines, terminals) or keep time for
# the process rather than for the agent.
_KEEP = frozenset(
    {
        "IPython", "_pytest", "chaoskit", "coverage", "execnet", "faulthandler",
        "hypothesis", "multiprocessing", "pdb", "pip", "pluggy", "pydevd", "pytest", "rich",
        "subprocess", "xdist",
    }
)  # fmt: skip

# Looking through every module costs milliseconds: what was found in a module is remembered.
_seen: set[str] = set()
_found: dict[str, list[tuple[str, str]]] = {}


@contextlib.contextmanager
def replaced_everywhere(
    functions: Mapping[Callable[..., Any], Callable[..., Any]],
) -> Iterator[None]:
    """Put each value in place of its key in every module that holds the key."""
    originals = {function.__name__: function for function in functions}
    names = {id(function): name for name, function in originals.items()}
    for module_name in [name for name in list(sys.modules) if name not in _seen]:
        _seen.add(module_name)
        if module_name.split(".", 1)[0] not in _KEEP:
            held = [
                (name, names[id(value)])
                for name, value in list(_space(module_name).items())
                if id(value) in names
            ]
            if held:
                _found[module_name] = held
    undo: list[tuple[dict[str, Any], str, Any]] = []
    for module_name, held in _found.items():
        space = _space(module_name)
        for name, function in held:
            if function in originals and space.get(name) is originals[function]:
                undo.append((space, name, originals[function]))
                space[name] = functions[originals[function]]
    try:
        yield
    finally:
        for space, name, original in reversed(undo):
            space[name] = original


def _space(module_name: str) -> dict[str, Any]:
    space = getattr(sys.modules.get(module_name), "__dict__", None)
    return space if isinstance(space, dict) else {}
