"""How long a tool may take, and how often it may fail before it is left alone for a while."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future, wait
from typing import Any

from chaoskit_guards.breaker import CircuitBreaker
from chaoskit_guards.deadline import time_left
from chaoskit_guards.errors import ToolRefused, ToolTimeout
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.settings import seconds as check_seconds
from chaoskit_guards.threads import started
from chaoskit_guards.tool_guard import Inner, Json, Tools, checked_names, discard, schemas_of
from chaoskit_guards.toolbook import shown

__all__ = ["BoundedTools"]

_MOST_NAMES = 1_000


def _usual(name: str) -> CircuitBreaker:
    """Stands for a breaker with the clock and the listener of the tools."""
    return CircuitBreaker(name=shown(name))


class BoundedTools:
    """Gives each tool a time and a breaker of its own.

    An async tool is cancelled when its time is over. A sync one runs in a thread, which cannot be
    stopped: its caller goes on, the error says that the tool may still be at work, and what it
    gives later is lost. A deadline around the call (`Deadline`) shortens the time.

    Args:
        tools: the tools; a `Vet`, or another guard around one.
        timeout: seconds that a call may take; None: no limit, and sync tools stay in the thread
            of their caller.
        timeouts: other times for single tools.
        effects: tools that change something; when one takes too long, its outcome is unknown.
        breaker: makes the breaker of a tool from its name; None: there is none. Its `is_failure`
            decides which of your tool's own errors count.
        clock: monotonic seconds, of the breakers that are made here and of events.
        listener: told about each call that took too long, and by the breakers made here.

    Raises:
        ValueError: a name is not that of a tool.
    """

    def __init__(
        self,
        tools: Tools,
        *,
        timeout: float | None = 30.0,
        timeouts: Mapping[str, float | None] | None = None,
        effects: Collection[str] = (),
        breaker: Callable[[str], CircuitBreaker] | None = _usual,
        clock: Callable[[], float] | None = None,
        listener: Listener | None = None,
    ) -> None:
        check_seconds(timeout=timeout)
        for limit in (timeouts or {}).values():
            check_seconds(timeouts=limit)
        checked_names("timeouts", timeouts or (), tools)
        self._effects = checked_names("effects", effects, tools)
        self._inner = Inner(tools)
        self._timeout = timeout
        self._timeouts = dict(timeouts or {})
        self._make = breaker
        self._clock = clock
        self._listener = listener
        self._lock = own_lock(self)
        self._breakers: dict[str, CircuitBreaker] = {}

    def dispatch(self, name: str, arguments: object) -> Any:
        """Run a tool; an async one gives a coroutine.

        Raises:
            ToolTimeout: it took too long.
            ToolRefused: the deadline around it had passed, and it did not run.
            CircuitOpenError: it has failed too often and is left alone for a while.
        """
        breaker = self.breaker(name)
        if breaker is None:
            return self._dispatch(name, arguments)
        return breaker.call(self._dispatch, name, arguments)

    async def adispatch(self, name: str, arguments: object) -> Any:
        """Run a tool without blocking, a sync one in a thread.

        Raises:
            ToolTimeout: it took too long.
            ToolRefused: the deadline around it had passed, and it did not run.
            CircuitOpenError: it has failed too often and is left alone for a while.
        """
        breaker = self.breaker(name)
        if breaker is None:
            return await self._adispatch(name, arguments)
        async with breaker:
            return await self._adispatch(name, arguments)

    def schemas(self, vendor: str = "anthropic") -> list[Json]:
        """Return the declarations to offer to the model."""
        return schemas_of(self._inner.tools, vendor)

    def breaker(self, name: str) -> CircuitBreaker | None:
        """Return the breaker of a tool; the same one each time."""
        if self._make is None:
            return None
        found = self._breakers.get(name)
        if found is not None:
            return found
        if self._make is _usual:
            made = CircuitBreaker(name=shown(name), clock=self._clock, listener=self._listener)
        else:
            made = self._make(name)
        with self._lock:
            if len(self._breakers) >= _MOST_NAMES:  # a model can invent names without end
                return made
            return self._breakers.setdefault(name, made)

    def _seconds(self, name: str) -> float | None:
        seconds = time_left(self._timeouts.get(name, self._timeout))
        if seconds == 0:
            tool = shown(name)
            raise ToolRefused(f"{tool} did not run: there is no time left.", tool=tool)
        return seconds

    def _dispatch(self, name: str, arguments: object) -> Any:
        seconds = self._seconds(name)
        if seconds is None or self._inner.is_async(name):
            result = self._inner.tools.dispatch(name, arguments)
        else:
            began = self._now()
            call = started(
                lambda: self._inner.tools.dispatch(name, arguments), f"tool {shown(name)}"
            )
            if not wait([call], seconds).done:
                call.add_done_callback(discard)
                raise self._late(name, seconds, began, running=True)
            result = call.result()
        return self._timed(name, result, []) if self._inner.noted(name, result) else result

    async def _adispatch(self, name: str, arguments: object) -> Any:
        threads: list[Future[Any]] = []
        return await self._timed(name, self._inner.run(name, arguments, threads), threads)

    async def _timed(self, name: str, call: Awaitable[Any], threads: list[Future[Any]]) -> Any:
        try:
            seconds = self._seconds(name)
        except ToolRefused:
            if inspect.iscoroutine(call):
                call.close()
            raise
        began = self._now()
        timer = asyncio.timeout(seconds)
        try:
            async with timer:
                return await call
        except TimeoutError as error:
            if not timer.expired():
                raise  # the tool's own
            assert seconds is not None  # noqa: S101 - it has expired
            running = any(not thread.done() for thread in threads)
            raise self._late(name, seconds, began, running=running) from error

    def _now(self) -> float:
        return (self._clock or time.monotonic)()

    def _late(self, name: str, seconds: float, began: float, *, running: bool) -> ToolTimeout:
        effect, tool = name in self._effects, shown(name)
        elapsed = self._now() - began
        emit(
            self._listener,
            "timed_out",
            "bounded",
            tool=tool,
            seconds=seconds,
            elapsed=elapsed,
            effect=effect,
        )
        return ToolTimeout(tool, seconds, effect=effect, running=running)
