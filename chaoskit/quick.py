"""Frozen values that are made often, made quickly.

A frozen dataclass sets each of its fields around its own lock, which is most of what it costs to
make one. Here a value is unlocked once, filled, and locked again.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

__all__ = ["quick"]

T = TypeVar("T")

_LOCKS = ("__setattr__", "__delattr__")


def quick(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots an `__init__` that does the same sooner.

    It is written when the first value is made.
    """
    if sysconfig.get_config_var("Py_GIL_DISABLED"):  # there it would stop all threads for a moment
        return cls

    def first(self: T, *given: Any, **named: Any) -> None:
        init = _init(cls)
        setattr(cls, "__init__", init)  # noqa: B010 - which type checkers want nobody to do
        init(self, *given, **named)

    setattr(cls, "__init__", first)  # noqa: B010 - likewise
    return cls


def _init(cls: type[Any]) -> Callable[..., None]:
    """Write the `__init__` of a class."""
    unlocked = {"__slots__": (), **{name: getattr(object, name) for name in _LOCKS}}
    scope: dict[str, Any] = {
        "unlock": object.__setattr__,
        "Locked": cls,
        "Unlocked": type(cls.__name__, (cls,), unlocked),
        "missing": MISSING,
    }
    head, body = ["self"], ["unlock(self, '__class__', Unlocked)"]
    for field in sorted(fields(cls), key=lambda one: bool(one.kw_only)):
        if field.kw_only and "*" not in head:
            head.append("*")
        name, value = field.name, field.name
        if field.default is not MISSING:
            scope[f"usual_{name}"] = field.default
            head.append(f"{name}=usual_{name}")
        elif field.default_factory is not MISSING:
            scope[f"make_{name}"] = field.default_factory
            head.append(f"{name}=missing")
            value = f"make_{name}() if {name} is missing else {name}"
        else:
            head.append(name)
        body.append(f"self.{name} = {value}")
    body.append("self.__class__ = Locked")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    text = f"def __init__({', '.join(head)}):\n" + "".join(f"    {line}\n" for line in body)
    exec(text, scope)  # noqa: S102 - as dataclasses do
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made
