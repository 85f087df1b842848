"""Calls of one turn at the same time: bounded, in order, each with an outcome of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from typing import Any, TypeVar

from chaoskit_guards.deadline import Deadline, time_left
from chaoskit_guards.errors import ToolError, ToolRefused, ToolTimeout
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.settings import seconds as check_seconds
from chaoskit_guards.threads import started
from chaoskit_guards.toolbook import shown

__all__ = ["Parallel"]

_GRACE = 0.1
"""Seconds after the deadline in which a guard within a call can say what has become of it."""

C = TypeVar("C")
R = TypeVar("R")


class Parallel:
    """Runs the calls of one turn side by side and gives their outcomes in the order of the calls.

    A failure is an outcome and cancels nothing. A call of a `sequential` tool has the floor for
    itself: what stands before it is done first, what stands after it waits. When the deadline
    passes, what has not begun does not run; async calls are cancelled, and calls in threads, which
    cannot be stopped, are left to themselves. Threads and tasks have the context of the caller, so
    that session, deadline and trace are the same; what they change in it stays with them.

    Args:
        max_concurrency: calls at the same time.
        sequential: tools whose calls stand alone, such as those with effects.
        deadline: seconds for all calls of a turn; a deadline around it that is earlier holds too.
        clock: monotonic seconds; `time.monotonic` when it is None.
    """

    def __init__(
        self,
        max_concurrency: int = 8,
        *,
        sequential: Collection[str] = (),
        deadline: float | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        at_least_one(max_concurrency=max_concurrency)
        check_seconds(deadline=deadline)
        if isinstance(sequential, str):
            raise TypeError("sequential is a collection of names, not a text")
        self.max_concurrency = max_concurrency
        self.sequential = frozenset(sequential)
        self.deadline = deadline
        self._clock = clock

    def __repr__(self) -> str:
        names = sorted(self.sequential)
        return f"{type(self).__name__}({self.max_concurrency}, sequential={names!r})"

    def map(
        self, function: Callable[[C], R], calls: Sequence[C], names: Sequence[str]
    ) -> list[R | Exception]:
        """Return what the function gives for each call, or the exception that it raises.

        Args:
            names: the tool of each call.
        """
        outcomes: list[Any] = [None] * len(calls)
        with self._deadline():
            for group in self._groups(names):
                self._run(function, calls, names, group, outcomes)
        return outcomes

    async def amap(
        self, function: Callable[[C], Awaitable[R]], calls: Sequence[C], names: Sequence[str]
    ) -> list[R | Exception]:
        """Return the same for a coroutine function; cancelling it cancels all that runs."""
        outcomes: list[Any] = [None] * len(calls)
        room = asyncio.Semaphore(self.max_concurrency)

        async def one(at: int) -> None:
            async with room:
                outcomes[at] = await self._settled(function, calls[at], names[at])

        with self._deadline():
            for group in self._groups(names):
                async with asyncio.TaskGroup() as tasks:
                    for at in group:
                        tasks.create_task(one(at))
        return outcomes

    def _deadline(self) -> Any:
        if self.deadline is None:
            return nullcontext()
        return Deadline(self.deadline, clock=self._clock)

    def _groups(self, names: Sequence[str]) -> list[list[int]]:
        """Return the calls that may run side by side, group after group."""
        groups: list[list[int]] = [[]]
        for at, name in enumerate(names):
            if name in self.sequential:
                groups += [[at], []]
            else:
                groups[-1].append(at)
        return [group for group in groups if group]

    def _run(
        self,
        function: Callable[[Any], Any],
        calls: Sequence[Any],
        names: Sequence[str],
        group: Sequence[int],
        outcomes: list[Any],
    ) -> None:
        if len(group) == 1 and time_left() is None:  # needs no thread
            outcomes[group[0]] = _outcome(function, calls[group[0]])
            return
        waiting = list(reversed(group))
        running: dict[Future[Any], int] = {}
        while waiting or running:
            left = time_left()
            while waiting and len(running) < self.max_concurrency and left != 0:
                at = waiting.pop()
                running[started(_call(function, calls[at]), f"tool {shown(names[at])}")] = at
            done = wait(running, _patience(left), FIRST_COMPLETED).done
            for future in done:
                outcomes[running.pop(future)] = _outcome(lambda call: call.result(), future)
            if not done:  # the time is over
                for at in waiting:
                    outcomes[at] = _unstarted(names[at])
                for at in running.values():
                    outcomes[at] = self._late(names[at], running=True)
                return

    async def _settled(self, function: Callable[[Any], Any], call: Any, name: str) -> Any:
        left = time_left()
        if left == 0:
            return _unstarted(name)
        timer = asyncio.timeout(_patience(left))
        try:
            async with timer:
                return await function(call)
        except TimeoutError as error:
            return self._late(name, running=False) if timer.expired() else error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            tool = shown(name)  # something within it was cancelled, and nobody else is concerned
            return ToolError(f"{tool} was cancelled before it was done.", tool=tool)
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            return error

    def _late(self, name: str, *, running: bool) -> ToolTimeout:
        tool, effect = shown(name), name in self.sequential
        return ToolTimeout(tool, self.deadline or 0.0, effect=effect, running=running)


def _patience(left: float | None) -> float | None:
    return None if left is None else left + _GRACE


def _call(function: Callable[[Any], Any], call: Any) -> Callable[[], Any]:
    return lambda: function(call)


def _outcome(function: Callable[[Any], Any], call: Any) -> Any:
    try:
        result = function(call)
    except Exception as error:  # noqa: BLE001 - an outcome like any other
        return error
    if inspect.iscoroutine(result):
        result.close()
        return TypeError("an async tool needs the async form")
    return result


def _unstarted(name: str) -> ToolRefused:
    tool = shown(name)
    return ToolRefused(f"{tool} did not run: there was no time left.", tool=tool)
