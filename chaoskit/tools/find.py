"""The agent's own function behind a tool that it offers."""

from __future__ import annotations

import inspect
import sys
import sysconfig
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from pathlib import Path
from types import CellType, FunctionType, MethodType, ModuleType
from typing import cast

from chaoskit.dotted import Place

__all__ = ["find"]

_INNER = ("func", "fn", "function", "coroutine", "handler", "callable")
_FOREIGN = tuple(
    {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_FUNCTIONS = (FunctionType, MethodType)
_ENTRIES = 1_000  # of one table; a table of tools is short
_DEPTH = 2
_CLOSURES = 4  # between a tool object and the function that it was made from
_FOREIGN_PARTS = frozenset({"site-packages", "dist-packages"})


def find(name: str, module: ModuleType) -> tuple[Place, ...]:
    """Return where the function of the tool `name` stands; empty when it is not to be found.

    The agent's module comes first, then the loaded modules of its package, then the tables and
    lists in them, then the methods of their classes. A tool object of a framework may hold two
    functions, a plain and an async one; both are returned. It may also keep the function in a
    closure. Nothing that belongs to the standard library or to an installed package is returned.
    """
    top = module.__name__.partition(".")[0]
    loaded = cast("dict[str, object]", sys.modules)  # some packages put other things in there
    modules = [module]
    for path, other in sorted(loaded.items(), key=itemgetter(0)):
        if isinstance(other, ModuleType) and path.partition(".")[0] == top and other is not module:
            modules.append(other)
    for places in (_globals, _contained, _methods):
        for searched in modules:
            for place in places(searched, name):
                if found := _own(place, top):
                    return found
    return ()


def _globals(module: ModuleType, name: str) -> Iterator[Place]:
    """Yield the global of that name first: a name is a stronger sign than a `__name__`."""
    variables = dict(vars(module))
    if name in variables:
        yield Place(owner=module, name=name, value=variables[name])
    for key, value in variables.items():
        if key != name and _is_called(value, name):
            yield Place(owner=module, name=key, value=value)


def _contained(module: ModuleType, name: str) -> Iterator[Place]:
    for key, value in dict(vars(module)).items():
        if not key.startswith("__"):
            yield from _inside(value, name, depth=0)


def _inside(container: object, name: str, depth: int) -> Iterator[Place]:
    entries: list[tuple[str | int, object]] = []
    if isinstance(container, dict):
        entries = [(key, value) for key, value in container.items() if isinstance(key, str)]
    elif isinstance(container, (list, tuple)):
        entries = list(enumerate(container))
    for key, value in entries[:_ENTRIES]:
        if key == name or _is_called(value, name):
            yield Place(owner=container, name=key, value=value)
        elif depth < _DEPTH:
            yield from _inside(value, name, depth + 1)


def _methods(module: ModuleType, name: str) -> Iterator[Place]:
    for value in dict(vars(module)).values():
        if isinstance(value, type) and name in vars(value):
            yield Place(owner=value, name=name, value=getattr(value, name))


def _is_called(value: object, name: str) -> bool:
    if isinstance(value, (FunctionType, MethodType)):
        return value.__name__ == name
    if isinstance(value, (type, ModuleType)):
        return False
    called = _static(value, "name")
    return isinstance(called, str) and called == name


def _own(place: Place, top: str) -> tuple[Place, ...]:
    """Return the functions at a place that belong to the agent; tool objects hold theirs inside."""
    value = place.value
    if isinstance(value, (type, ModuleType)):
        return ()
    if not isinstance(value, (*_FUNCTIONS, partial)):
        inner = [Place(owner=value, name=key, value=_static(value, key)) for key in _INNER]
        found = tuple(
            held
            for held in inner
            if isinstance(held.value, _FUNCTIONS) and _belongs(held.value, top)
        )
        found = found or _enclosed(value, str(_static(value, "name")), top)
        if found:
            return found
    return (place,) if callable(value) and _belongs(value, top) else ()


def _enclosed(tool: object, name: str, top: str) -> tuple[Place, ...]:
    """Return the agent's function of that name, some closures away from a tool object."""
    level, seen = [tool], {id(tool)}
    for _ in range(_CLOSURES):
        held = [(holder, value) for holder in level for value in _held(holder)]
        level = []
        for holder, value in held[:_ENTRIES]:
            named = isinstance(value, _FUNCTIONS) and value.__name__ == name
            if named and _belongs(value, top):
                return (Place(owner=holder, name="__closure__", value=value),)
            if id(value) not in seen:
                seen.add(id(value))
                level.append(value)
    return ()


def _held(holder: object) -> Iterator[object]:
    """Yield the callables that a callable or an object holds on to."""
    values: list[object]
    if isinstance(holder, FunctionType):
        values = [cell.cell_contents for cell in holder.__closure__ or () if _is_filled(cell)]
    elif isinstance(holder, MethodType):
        values = [holder.__func__, holder.__self__]
    else:
        values = list(getattr(holder, "__dict__", {}).values())
    yield from (value for value in values if callable(value) and not isinstance(value, type))


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - to see whether there are any
    except ValueError:
        return False
    return True


def _belongs(value: object, top: str) -> bool:
    """Tell whether a callable was written for the agent, whoever decorated it."""
    inner: object = value.func if isinstance(value, partial) else value
    while isinstance(wrapped := getattr(inner, "__wrapped__", None), _FUNCTIONS):
        inner = wrapped
    module = getattr(inner, "__module__", None)
    if not isinstance(module, str):
        module = type(inner).__module__
    if module.partition(".")[0] == top:
        return True
    code = getattr(inner, "__code__", None)
    file = code.co_filename if code else getattr(sys.modules.get(module), "__file__", None)
    if not file:
        return False  # built in
    path = Path(file)
    return _FOREIGN_PARTS.isdisjoint(path.parts) and not str(path).startswith(_FOREIGN)


def _static(value: object, name: str) -> object:
    """Return an attribute without running any code of the object's class; None without it."""
    if isinstance(value, dict):
        return value.get(name)
    found = inspect.getattr_static(value, name, None)
    if inspect.ismemberdescriptor(found):  # a slot
        return getattr(value, name, None)
    return found
