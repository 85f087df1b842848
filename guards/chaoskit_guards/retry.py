"""Repeat what may succeed later, when the provider says, and nothing else.

One decision for sync functions, coroutines and generators (up to their first item). Waits that
the provider asks for are never cut short: what does not fit is raised at once, with the wanted
wait on the error. Repeating a request repeats its effects; only wrap what is safe to repeat.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial, update_wrapper
from typing import Any, ParamSpec, TypeVar, cast, overload

from chaoskit_guards.callables import Begun, Primed, delegate, kind_of, kind_of_result, unwrapped
from chaoskit_guards.events import Listener
from chaoskit_guards.retry_config import RETRYABLE_STATUS_CODES, RetryBudget, RetryConfig
from chaoskit_guards.retry_run import Env, Run, current_attempt, moment
from chaoskit_guards.settings import Random

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
    is there), and on functions that return any of these. Failures that cannot pass are raised as
    they are; so is the last failure when the attempts are used up, with a note. Cancellation and
    interrupts are never repeated. A layer around another one does not repeat what the inner one
    has given up, and the layers count their attempts together.

    Raises:
        RetryAfterTooLong: the provider asks for a longer wait than deadline or cap leave.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        env = Env(
            config=config if isinstance(config, RetryConfig) else RetryConfig(),
            name=getattr(unwrapped(function), "__qualname__", type(function).__qualname__),
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


def _wrapper(function: Callable[..., Any], env: Env) -> Callable[..., Any]:
    kind = kind_of(function)
    if kind == "awaitable":
        return _async_wrapper(function, env)
    if kind == "async generator":
        return lambda *args, **kwargs: _astream(partial(function, *args, **kwargs), env)
    if kind == "generator":
        return lambda *args, **kwargs: _stream(partial(function, *args, **kwargs), env)
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
            kind = kind_of_result(result.__class__)
            if kind == "value":
                return result
            call = partial(function, *args, **kwargs)
            if kind == "awaitable":
                return _resume(result, call, env, born, began)
            return (_stream if kind == "generator" else _astream)(call, env, result)
        return _repeat(run, seconds, partial(function, *args, **kwargs))

    return wrapper


def _repeat(run: Run, seconds: float | None, call: Callable[[], Any]) -> Any:
    while True:
        assert seconds is not None  # noqa: S101 - the caller has raised otherwise
        run.env.pause(seconds)
        token = run.enter()
        try:
            return call()
        except Exception as error:
            seconds = run.wait(error)
            if seconds is None:
                raise
        finally:
            run.leave(token)


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
    first: Awaitable[Any],
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
        token = run.enter()
        try:
            return await call()
        except Exception as error:
            seconds = run.wait(error)
            if seconds is None:
                raise
        finally:
            run.leave(token)


def _stream(
    make: Callable[[], Generator[Any, Any, Any]],
    env: Env,
    made: Generator[Any, Any, Any] | None = None,
) -> Generator[Any, Any, Any]:
    """Yield from the first generator that gives an item; `made` is the first one to try."""
    born = moment()
    began = env.begin()
    primed: Primed | None = None
    try:
        primed = Primed(make() if made is None else made)
    except StopIteration as end:
        return end.value
    except Exception as error:
        run = Run(env, born, began)
        seconds = run.wait(error)
        if seconds is None:
            raise
    if primed is None:
        try:
            primed = _repeat(run, seconds, lambda: Primed(make()))
        except StopIteration as end:
            return end.value
    return (yield from primed)


def _astream(
    make: Callable[[], AsyncGenerator[Any, Any]],
    env: Env,
    made: AsyncGenerator[Any, Any] | None = None,
) -> AsyncGenerator[Any, Any]:
    """Yield from the first async generator that gives an item, as `_stream` does."""

    async def first(generator: AsyncGenerator[Any, Any]) -> Begun | None:
        try:
            return Begun(generator, await anext(generator))
        except StopAsyncIteration:
            return None

    async def begin() -> Begun | None:
        tried = first(make() if made is None else made)
        begun = await _resume(tried, lambda: first(make()), env, moment(), env.begin())
        return cast("Begun | None", begun)

    return delegate(begin)
