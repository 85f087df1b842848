"""Frozen values that are made often, made quickly.

A frozen dataclass sets each of its fields around its own lock, which is most of what it costs to
make one. Here a value is unlocked once, filled, and locked again. What remains is mostly Python's
own way from a class to its `__init__`, which a function does not have to go.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, ParamSpec, TypeVar

__all__ = ["maker", "quick"]

P = ParamSpec("P")
T = TypeVar("T")

_LOCKS = ("__setattr__", "__delattr__")
_AS_EVER = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
"""Without a global lock, to unlock a value would stop all threads for a moment."""


def quick(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots an `__init__` that does the same sooner.

    It is written when the first value is made.
    """
    if _AS_EVER:
        return cls

    def first(self: T, *given: Any, **named: Any) -> None:
        init = _written(cls, "__init__", "self", "unlock(self, '__class__', Unlocked)", ())
        setattr(cls, "__init__", init)  # noqa: B010 - which type checkers want nobody to do
        init(self, *given, **named)

    setattr(cls, "__init__", first)  # noqa: B010 - likewise
    return cls


def maker(cls: Callable[P, T]) -> Callable[P, T]:
    """Return a function that makes the values of a frozen dataclass with slots, sooner still.

    It takes what the class takes.
    """
    if _AS_EVER:
        return cls
    return _written(cls, "__new__", "", "self = new(Unlocked)", ("return self",))


def _written(
    cls: Any, name: str, first: str, begin: str, end: tuple[str, ...]
) -> Callable[..., Any]:
    """Write a function that fills in the fields of a class."""
    unlocked = {"__slots__": (), **{lock: getattr(object, lock) for lock in _LOCKS}}
    scope: dict[str, Any] = {
        "new": object.__new__,
        "unlock": object.__setattr__,
        "Locked": cls,
        "Unlocked": type(cls.__name__, (cls,), unlocked),
        "missing": MISSING,
    }
    head, body = list(filter(None, (first,))), [begin]
    for field in sorted(fields(cls), key=lambda one: bool(one.kw_only)):
        if field.kw_only and "*" not in head:
            head.append("*")
        given, value = field.name, field.name
        if field.default is not MISSING:
            scope[f"usual_{given}"] = field.default
            head.append(f"{given}=usual_{given}")
        elif field.default_factory is not MISSING:
            scope[f"make_{given}"] = field.default_factory
            head.append(f"{given}=missing")
            value = f"make_{given}() if {given} is missing else {given}"
        else:
            head.append(given)
        body.append(f"self.{given} = {value}")
    body.append("self.__class__ = Locked")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    lines = "".join(f"    {line}\n" for line in (*body, *end))
    exec(f"def {name}({', '.join(head)}):\n{lines}", scope)  # noqa: S102 - as dataclasses do
    made: Callable[..., Any] = scope[name]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made
