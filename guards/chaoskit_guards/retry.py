"""Repeat what may succeed later, when the provider says, and nothing else.

One decision for sync functions, coroutines and generators (up to their first item). Waits that
the provider asks for are never cut short: what does not fit is raised at once, with the wanted
wait on the error. Repeating a request repeats its effects; only wrap what is safe to repeat.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import partial, update_wrapper
from types import CoroutineType
from typing import Any, ParamSpec, TypeVar, cast, overload

from chaoskit_guards.events import Listener
from chaoskit_guards.retry_config import RETRYABLE_STATUS_CODES, RetryBudget, RetryConfig
from chaoskit_guards.retry_run import Env, Random, Run, moment

__all__ = [
    "RETRYABLE_STATUS_CODES",
    "RetryBudget",
    "RetryConfig",
    "current_attempt",
    "with_retry",
    "without_sdk_retries",
]

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")

_attempt: ContextVar[int] = ContextVar("chaoskit_guards_attempt", default=1)


def current_attempt() -> int:
    """Return the number of the attempt under way, from 1; for logs and idempotency keys."""
    return _attempt.get()


@overload
def with_retry(config: Callable[P, T], /) -> Callable[P, T]: ...
@overload
def with_retry(
    config: RetryConfig | None = None,
    /,
    *,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], object] | None = None,
    async_sleep: Callable[[float], Awaitable[object]] | None = None,
    rng: Random | None = None,
    listener: Listener | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
def with_retry(
    config: RetryConfig | Callable[..., Any] | None = None,
    /,
    *,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], object] | None = None,
    async_sleep: Callable[[float], Awaitable[object]] | None = None,
    rng: Random | None = None,
    listener: Listener | None = None,
) -> Any:
    """Decorate a function so that it repeats failures of the provider.

    Works on functions, coroutine functions, generators and async generators (until the first item
    is there), and on functions that return a coroutine. Failures that cannot pass are raised as
    they are; so is the last failure when the attempts are used up, with a note. Cancellation and
    interrupts are never repeated. A layer around another one does not repeat what the inner one
    has given up.

    Raises:
        RetryAfterTooLong: the provider asks for a longer wait than deadline or cap leave.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        env = Env(
            config=config if isinstance(config, RetryConfig) else RetryConfig(),
            name=getattr(_unwrapped(function), "__qualname__", type(function).__qualname__),
            clock=clock,
            sleep=sleep,
            async_sleep=async_sleep,
            rng=rng,
            listener=listener,
        )
        wrapper = _wrapper(function, env)
        update_wrapper(wrapper, function)
        return wrapper

    if config is None or isinstance(config, RetryConfig):
        return decorate
    return decorate(config)


def without_sdk_retries(client: C) -> C:
    """Return the SDK client with its own retries switched off, so that one layer owns them."""
    options = getattr(client, "with_options", None)
    if options is None:
        raise TypeError(f"{type(client).__name__} has no with_options(max_retries=…)")
    return cast("C", options(max_retries=0))


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = function.func
    return function


def _wrapper(function: Callable[..., Any], env: Env) -> Callable[..., Any]:
    plain = _unwrapped(function)
    call = plain if inspect.isroutine(plain) else type(plain).__call__
    if inspect.iscoroutinefunction(call):
        return _async_wrapper(function, env)
    if inspect.isasyncgenfunction(call):
        return _async_generator_wrapper(function, env)
    if inspect.isgeneratorfunction(call):
        return _generator_wrapper(function, env)
    return _sync_wrapper(function, env)


def _sync_wrapper(function: Callable[..., Any], env: Env) -> Callable[..., Any]:
    idle = env.config.budget is None and env.config.deadline is None

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        born = moment()
        began = 0.0 if idle else env.begin()
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            run = Run(env, born, began)
            seconds = run.wait(error)
            if seconds is None:
                raise
        else:
            if result.__class__ is CoroutineType:
                return _resume(result, partial(function, *args, **kwargs), env, born, began)
            return result
        return _repeat(run, seconds, partial(function, *args, **kwargs))

    return wrapper


def _repeat(run: Run, seconds: float | None, call: Callable[[], Any]) -> Any:
    while True:
        assert seconds is not None  # noqa: S101 - the caller has raised otherwise
        run.env.pause(seconds)
        token = _attempt.set(run.attempt)
        try:
            return call()
        except Exception as error:
            seconds = run.wait(error)
            if seconds is None:
                raise
        finally:
            _attempt.reset(token)


def _async_wrapper(function: Callable[..., Any], env: Env) -> Callable[..., Any]:
    idle = env.config.budget is None and env.config.deadline is None

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        born = moment()
        began = 0.0 if idle else env.begin()
        try:
            return await function(*args, **kwargs)
        except Exception as error:
            run = Run(env, born, began)
            seconds = run.wait(error)
            if seconds is None:
                raise
        return await _arepeat(run, seconds, partial(function, *args, **kwargs))

    return wrapper


async def _resume(
    first: Coroutine[Any, Any, Any],
    call: Callable[[], Awaitable[Any]],
    env: Env,
    born: int,
    began: float,
) -> Any:
    try:
        return await first
    except Exception as error:
        run = Run(env, born, began)
        seconds = run.wait(error)
        if seconds is None:
            raise
    return await _arepeat(run, seconds, call)


async def _arepeat(run: Run, seconds: float | None, call: Callable[[], Awaitable[Any]]) -> Any:
    while True:
        assert seconds is not None  # noqa: S101 - the caller has raised otherwise
        await run.env.apause(seconds)
        token = _attempt.set(run.attempt)
        try:
            return await call()
        except Exception as error:
            seconds = run.wait(error)
            if seconds is None:
                raise
        finally:
            _attempt.reset(token)


class _Primed:
    """A generator whose first item is already there; `yield from` treats it as the generator."""

    __slots__ = ("_first", "_generator")

    def __init__(self, generator: Generator[Any, Any, Any], first: Any) -> None:
        self._generator = generator
        self._first: list[Any] = [first]

    def __iter__(self) -> _Primed:
        return self

    def __next__(self) -> Any:
        return self._first.pop() if self._first else next(self._generator)

    def send(self, value: Any) -> Any:
        return self._generator.send(value)

    def throw(self, error: BaseException) -> Any:
        return self._generator.throw(error)

    def close(self) -> None:
        self._generator.close()


def _generator_wrapper(function: Callable[..., Any], env: Env) -> Callable[..., Any]:
    def first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Primed:
        generator = function(*args, **kwargs)
        return _Primed(generator, next(generator))

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        born = moment()
        began = env.begin()
        primed: _Primed | None = None
        try:
            primed = first(args, kwargs)
        except StopIteration as end:
            return end.value
        except Exception as error:
            run = Run(env, born, began)
            seconds = run.wait(error)
            if seconds is None:
                raise
        if primed is None:
            try:
                primed = _repeat(run, seconds, partial(first, args, kwargs))
            except StopIteration as end:
                return end.value
        return (yield from primed)

    return wrapper


def _async_generator_wrapper(function: Callable[..., Any], env: Env) -> Callable[..., Any]:
    async def first(
        args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[AsyncGenerator[Any, Any], Any] | None:
        generator = function(*args, **kwargs)
        try:
            return generator, await anext(generator)
        except StopAsyncIteration:
            return None

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        begun = await _resume(
            first(args, kwargs), partial(first, args, kwargs), env, moment(), env.begin()
        )
        if begun is None:
            return
        generator, item = begun
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
        finally:
            await generator.aclose()

    return wrapper
