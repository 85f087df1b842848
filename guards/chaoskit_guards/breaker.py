"""Stop asking a provider that is down, and find out with one request when it is back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import ContextVar
from functools import partial, update_wrapper
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from chaoskit_guards.callables import Begun, Primed, delegate, kind_of, kind_of_result
from chaoskit_guards.circuit import Circuit, State
from chaoskit_guards.permit import Permit

__all__ = ["CircuitBreaker", "Permit", "State"]

P = ParamSpec("P")
T = TypeVar("T")


_held: ContextVar[Permit | None] = ContextVar("chaoskit_guards_breaker", default=None)
"""The innermost permit that the code under way holds; each knows the one below."""


class CircuitBreaker(Circuit):
    """Opens after failures of the provider, and closes when one probe succeeds.

    Use it as a context manager (`with` and `async with`), as a decorator of functions, coroutines
    and generators, through `call`, or with `acquire` where a result is known much later. Durations
    are seconds.

    Args:
        failure_threshold: consecutive failures that open it. Refusals for too many requests (429)
            are counted apart, and open it for as long as the provider asks.
        recovery_timeout: from opening to the first probe; longer where the provider asks for it.
        name: how errors and events call it.
        max_recovery_timeout: where given, the time doubles with each failed probe up to this, and
            is drawn at random between `recovery_timeout` and that, so that a fleet does not probe
            in step.
        jitter: share of the time that is added at random, also to the first one, for a fleet.
        probe_successes: probes that must succeed, one after the other.
        probe_lease: after this a probe without a result counts as lost.
        failure_rate: share of failures in `window` that opens it as well; None: only in a row.
        minimum_calls: calls in the window below which no rate is looked at.
        window: seconds that rates look back.
        slow_call: a call that takes longer is slow; None: nothing is. A timeout around the guarded
            block cancels it, which counts as a failure only when it was slow; one inside counts.
        slow_first_item: a stream whose first item takes longer is slow too.
        slow_rate: share of slow calls in `window` that opens it.
        is_failure: asked about each exception first: True, False, or None to leave it here.
        store: shares the state with all processes that give it the same key and name; None: with
            the threads and tasks of this one. `async with` and decorated coroutines do not block.
        clock: monotonic seconds; `time.monotonic` when it is None.
        rng: source of the random recovery time; the `random` module when it is None.
        listener: told about every change of state and every refusal.
    """

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function under the breaker; a coroutine function gives a coroutine as ever."""
        return cast("T", self._guarded(function)(*args, **kwargs))

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorate a function; a stream counts when it ends."""
        guarded = self._guarded(function)
        update_wrapper(guarded, function)
        return cast("Callable[P, T]", guarded)

    def __enter__(self) -> Permit:
        return _hold(self.acquire())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        permit = self._release()
        if error is None:
            permit.success()
        else:
            permit.failure(error)

    async def __aenter__(self) -> Permit:
        return _hold(self.acquire() if self._shared is None else await self.aacquire())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        permit = self._release()
        if error is not None:
            await permit.afailure(error)
        elif permit.shared is not None:
            await permit.asuccess()
        else:
            permit.success()

    def _guarded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        kind = kind_of(function)
        if kind == "awaitable":
            return self._guard_coroutine(function)
        if kind == "generator":
            return lambda *args, **kwargs: self._stream(partial(function, *args, **kwargs))
        if kind == "async generator":
            return lambda *args, **kwargs: self._astream(partial(function, *args, **kwargs))
        return self._guard_function(function)

    def _guard_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            permit = self._acquire() if self._shared is None else self.acquire()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                permit.failure(error)
                raise
            kind = kind_of_result(result.__class__)
            if kind == "value":
                permit.success()
                return result
            if kind == "awaitable":
                return self._settled_by(permit, result)
            return (self._stream if kind == "generator" else self._astream)(lambda: result, permit)

        return guarded

    async def _settled_by(self, permit: Permit, result: Awaitable[T]) -> T:
        try:
            value = await result
        except BaseException as error:
            await permit.afailure(error)
            raise
        await permit.asuccess()
        return value

    def _guard_coroutine(self, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            # In memory there is nothing to wait for, and a coroutine less is worth a branch.
            permit = self._acquire() if self._shared is None else await self.aacquire()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                await permit.afailure(error)
                raise
            if permit.shared is not None:
                await permit.asuccess()
            else:
                permit.success()
            return result

        return guarded

    def _stream(
        self, make: Callable[[], Generator[Any, Any, Any]], permit: Permit | None = None
    ) -> Generator[Any, Any, Any]:
        """Yield from a generator; without a permit, one is asked for when it begins."""
        permit = permit or self.acquire()
        try:
            try:
                primed = Primed(make())
            except StopIteration as end:
                result = end.value
            else:
                permit.first_item()
                result = yield from primed
        except BaseException as error:
            permit.failure(error)
            raise
        permit.success()
        return result

    def _astream(
        self, make: Callable[[], AsyncGenerator[Any, Any]], permit: Permit | None = None
    ) -> AsyncGenerator[Any, Any]:
        """Yield from an async generator, as `_stream` does."""

        async def begin() -> Begun | None:
            granted = permit or await self.aacquire()

            async def ended(error: BaseException | None) -> None:
                await (granted.asuccess() if error is None else granted.afailure(error))

            stream = make()
            try:
                item = await anext(stream)
            except StopAsyncIteration:
                await ended(None)
                return None
            except BaseException as error:
                await ended(error)
                raise
            granted.first_item()
            return Begun(stream, item, ended)

        return delegate(begin)

    def _release(self) -> Permit:
        """Take this breaker's innermost permit off the context's list."""
        above: Permit | None = None
        top = _held.get()
        while top is not None and top.breaker is not self:
            above, top = top, top.below
        if top is None:
            # Left in another context than entered, as some frameworks do: the admission cannot be
            # found, so it counts as one of now. A probe is then left to its lease.
            if self._shared is not None:
                return Permit(self, -1, float("inf"), shared=self._shared, probe=False)
            return Permit(self, self._generation if self._state == "closed" else -1, float("inf"))
        if above is None:
            _held.set(top.below)
        else:
            above.below = top.below
        return top


def _hold(permit: Permit) -> Permit:
    """Make it the innermost permit of this context."""
    permit.below = _held.get()
    _held.set(permit)
    return permit
