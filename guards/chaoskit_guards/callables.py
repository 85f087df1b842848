"""What a callable gives: a value, something to await, or a stream."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import lru_cache, partial
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Literal, NamedTuple

__all__ = ["Begun", "Kind", "Primed", "delegate", "kind_of", "kind_of_result", "unwrapped"]

Kind = Literal["value", "awaitable", "generator", "async generator"]
"""What comes of a call; everything but a value has not run yet."""


class Begun(NamedTuple):
    """An async generator whose first item has been taken already."""

    generator: AsyncGenerator[Any, Any]
    item: Any
    ended: Callable[[BaseException | None], Awaitable[None]] | None = None


def unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that partial objects end in."""
    while isinstance(function, partial):
        function = function.func
    return function


def kind_of(function: Callable[..., Any]) -> Kind:
    """Return what a function says that it gives; a plain one may still give anything.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(function):
        raise TypeError(f"what is guarded is a function, not {type(function).__name__}")
    plain = unwrapped(function)
    call = plain if inspect.isroutine(plain) else type(plain).__call__
    if inspect.iscoroutinefunction(call):
        return "awaitable"
    if inspect.isasyncgenfunction(call):
        return "async generator"
    if inspect.isgeneratorfunction(call):
        return "generator"
    return "value"


@lru_cache(maxsize=256)  # asked after every call; programs have few classes of results
def kind_of_result(kind: type) -> Kind:
    """Return what a plain function has given, by its class.

    What can be entered as well as awaited, such as the request of an HTTP client, is a value: as
    anything else its caller could no longer enter it.
    """
    if kind is CoroutineType:
        return "awaitable"
    if kind is GeneratorType:
        return "generator"
    if kind is AsyncGeneratorType:
        return "async generator"
    if hasattr(kind, "__await__") and not hasattr(kind, "__aenter__"):
        return "awaitable"
    return "value"


class Primed:
    """A generator whose first item is already there; `yield from` treats it as the generator."""

    __slots__ = ("_first", "_generator")

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator
        self._first: list[Any] = [next(generator)]

    def __iter__(self) -> Primed:
        return self

    def __next__(self) -> Any:
        return self._first.pop() if self._first else next(self._generator)

    def send(self, value: Any) -> Any:
        """Send a value to the generator."""
        return self._generator.send(value)

    def throw(self, error: BaseException) -> Any:
        """Raise an error in the generator."""
        return self._generator.throw(error)

    def close(self) -> None:
        """Close the generator."""
        self._generator.close()


async def delegate(begin: Callable[[], Awaitable[Begun | None]]) -> AsyncGenerator[Any, Any]:
    """Yield from the async generator that `begin` gives, as `yield from` does, and close it.

    What ends it, by itself or from outside, is told to `ended`.
    """
    begun = await begin()
    if begun is None:
        return
    generator, item, ended = begun
    outcome: BaseException | None = None
    try:
        while True:
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as thrown:  # noqa: BLE001 - handed to the generator inside
                item = await generator.athrow(thrown)
            else:
                item = await generator.asend(sent)
    except StopAsyncIteration:
        return
    except BaseException as error:
        outcome = error
        raise
    finally:
        try:
            await generator.aclose()
        finally:
            if ended is not None:
                await ended(outcome)
