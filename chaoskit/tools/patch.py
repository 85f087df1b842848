"""Functions of the agent, replaced in place for the duration of a run.

An agent holds its tools by references that nobody can find: `from tools import search`, dispatch
tables, closures, objects of its framework. A plain Python function therefore keeps its identity
and gets another `__code__`; anything else is replaced where it was found.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType
from typing import Any

from chaoskit.dotted import Place
from chaoskit.errors import UsageError
from chaoskit.tool import Replacement

__all__ = ["patched"]

_HERE = "<the replacement>"


def _plain(*args: object, **kwargs: object) -> object:  # pragma: no cover - a copy of its code runs
    return "<the replacement>".__call__(*args, **kwargs)  # type: ignore[operator]  # exchanged


async def _coroutine(
    *args: object, **kwargs: object
) -> object:  # pragma: no cover - a copy of its code runs
    return await "<the replacement>".awaited(*args, **kwargs)  # type: ignore[attr-defined]  # exchanged


def _awaitable(
    *args: object, **kwargs: object
) -> object:  # pragma: no cover - a copy of its code runs
    return "<the replacement>".awaited(*args, **kwargs)  # type: ignore[attr-defined]  # exchanged


@contextmanager
def patched(
    place: Place, make: Callable[[Callable[..., Any]], Replacement]
) -> Iterator[Replacement]:
    """Let a replacement run instead of the callable at a place, and restore it in the end.

    `make` gets a callable that still does what the agent wrote. Patches may be nested.

    Raises:
        UsageError: what stands there cannot be replaced.
    """
    target: Any = place.value
    if isinstance(target, MethodType):
        target = target.__func__
    if not callable(target) or isinstance(target, type):
        raise UsageError(f"{place.name!r} is {target!r}, not a function; name the tool's function")
    if inspect.isasyncgenfunction(target):
        raise UsageError(f"{place.name!r} is an async generator; name a function that returns")
    if isinstance(target, FunctionType):
        with _exchanged(target, make) as replacement:
            yield replacement
    else:
        with _reassigned(place, target, make) as replacement:
            yield replacement


@contextmanager
def _exchanged(
    function: FunctionType, make: Callable[[Callable[..., Any]], Replacement]
) -> Iterator[Replacement]:
    code, signature = function.__code__, inspect.signature(function)
    original = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    original.__dict__.update(function.__dict__)
    original.__signature__ = signature  # type: ignore[attr-defined]  # inspect reads it
    replacement = make(original)
    shown = function.__dict__.get("__signature__")
    function.__code__ = _trampoline(function, replacement)
    # Frameworks look at signatures to build schemas and to decide what to pass.
    function.__signature__ = signature  # type: ignore[attr-defined]  # inspect reads it
    try:
        yield replacement
    finally:
        function.__code__ = code
        if shown is None:
            function.__dict__.pop("__signature__", None)
        else:
            function.__signature__ = shown  # type: ignore[attr-defined]  # inspect reads it


def _trampoline(function: FunctionType, replacement: Replacement) -> CodeType:
    """Return code that calls the replacement and fits the function."""
    code = function.__code__
    if code.co_flags & inspect.CO_COROUTINE:
        made = _coroutine.__code__
    elif inspect.iscoroutinefunction(inspect.unwrap(function)):
        made = _awaitable.__code__  # a plain wrapper of a coroutine function
    else:
        made = _plain.__code__
    return made.replace(
        co_consts=tuple(replacement if const == _HERE else const for const in made.co_consts),
        co_freevars=code.co_freevars,  # the closure of a function cannot be exchanged
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
    )


@contextmanager
def _reassigned(
    place: Place, target: Callable[..., Any], make: Callable[[Callable[..., Any]], Replacement]
) -> Iterator[Replacement]:
    replacement = make(target)
    is_async = inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(
        getattr(target, "__call__", None)  # noqa: B004 - it is asked what it is, not whether
    )

    async def awaited(*args: object, **kwargs: object) -> object:
        return await replacement.awaited(*args, **kwargs)

    restore = _assigned(place, awaited if is_async else replacement)
    try:
        yield replacement
    finally:
        restore()


def _assigned(place: Place, value: object) -> Callable[[], None]:
    """Put a value into a place and return what undoes that."""
    owner, name = place.owner, place.name
    if isinstance(owner, (dict, list)):
        entries: Any = owner
        before = entries[name]
        entries[name] = value
        return lambda: entries.__setitem__(name, before)
    own = name in getattr(owner, "__dict__", {})
    before = inspect.getattr_static(owner, str(name))
    try:
        setattr(owner, str(name), value)
    except (AttributeError, TypeError) as error:
        raise UsageError(f"{name!r} of {owner!r} cannot be replaced: {error}") from error
    if own:
        return lambda: setattr(owner, str(name), before)
    return lambda: delattr(owner, str(name))
