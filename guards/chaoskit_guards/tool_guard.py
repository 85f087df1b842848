"""What stands between a loop and its tools: the shape that all guards of tools have in common."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from typing import Any, Protocol

from chaoskit_guards.argnodes import nearest
from chaoskit_guards.threads import started
from chaoskit_guards.toolbook import shown

__all__ = ["Inner", "Json", "Tools", "checked_names", "discard", "schemas_of"]

Json = dict[str, Any]

_MOST_NAMES = 1_000
"""A model can make names up without end."""


class Tools(Protocol):
    """Runs tools by name; a `Vet` does, and so does every guard around one.

    With a method `adispatch` of the same arguments, a coroutine function, it runs tools without
    blocking, sync ones in threads.
    """

    def dispatch(self, name: str, arguments: object) -> Any:
        """Run a tool with what the model wrote; an async one gives a coroutine."""

    def schemas(self) -> list[Json]:
        """Return the declarations to offer to the model."""


class Inner:
    """The tools inside of a guard, and which of them are async, found out by calling them."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._async: set[str] = set()

    def is_async(self, name: str) -> bool:
        """Whether a tool has given a coroutine before."""
        return name in self._async

    def noted(self, name: str, result: Any) -> bool:
        """Return whether a tool has given something to await, and remember that."""
        if not inspect.isawaitable(result):
            return False
        if len(self._async) < _MOST_NAMES:
            self._async.add(name)
        return True

    async def run(
        self, name: str, arguments: object, threads: list[Future[Any]] | None = None
    ) -> Any:
        """Run a tool without blocking, a sync one in a thread, which is added to `threads`."""
        inner = getattr(self.tools, "adispatch", None)
        if inner is not None:
            return await inner(name, arguments)
        if self.is_async(name):
            result = self.tools.dispatch(name, arguments)
        else:
            call = started(lambda: self.tools.dispatch(name, arguments), f"tool {shown(name)}")
            if threads is not None:
                threads.append(call)
            try:
                result = await asyncio.wrap_future(call)
            except asyncio.CancelledError:
                call.add_done_callback(discard)
                raise
        return await result if self.noted(name, result) else result


def discard(call: Future[Any]) -> None:
    """Close the coroutine that a thread has made when nobody waits any more."""
    if call.exception() is None and inspect.iscoroutine(call.result()):
        call.result().close()


def schemas_of(tools: Tools, vendor: str) -> list[Json]:
    """Return the declarations in the form of a vendor, where the tools know vendors."""
    told: Any = tools.schemas
    made: list[Json] = told() if vendor == "anthropic" else told(vendor)
    return made


def checked_names(what: str, names: Iterable[str], tools: Tools) -> frozenset[str]:
    """Return the names, each of which a tool must have.

    Raises:
        ValueError: there is no such tool, which would leave one unguarded without a word.
    """
    if isinstance(names, str):
        raise TypeError(f"{what} is a collection of names, not a text")
    known = _names(tools.schemas())
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: there is no tool {name!r}{nearest(name, sorted(known))}")
    return frozenset(names)


def _names(schemas: Iterable[Json]) -> Collection[str]:
    return {
        str((s["function"] if isinstance(s.get("function"), dict) else s).get("name"))
        for s in schemas
    }
