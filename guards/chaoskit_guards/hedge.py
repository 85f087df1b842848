"""Two requests at once when the first is slow: the first answer counts, the other is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from chaoskit_guards.completion import Completion
from chaoskit_guards.route import Ask

__all__ = ["Course", "race"]


class Course(Protocol):
    """Where a race is run: whom to ask, and who is told how it went."""

    def another(self) -> Ask | None:
        """Return the next provider that can be asked at once."""

    def answered(self, ask: Ask, completion: Completion) -> bool:
        """Note an answer and return whether it is the result."""

    def failed(self, ask: Ask, error: BaseException) -> bool:
        """Note a failure and return whether somebody else may be asked."""

    def outrun(self, ask: Ask) -> None:
        """Note a request that was cancelled because another one was answered."""


async def race(
    course: Course,
    first: Ask,
    *,
    send: Callable[[Ask], Coroutine[Any, Any, Completion]],
    delay: Awaitable[object],
) -> bool:
    """Ask one provider, and a second one after the delay; return whether there is a result.

    Raises:
        BaseException: what `failed` says is nobody else's business.
    """
    running = {asyncio.ensure_future(send(first)): first}
    timer = asyncio.ensure_future(delay)
    try:
        late = False
        while running:
            watched = {*running} if late else {*running, timer}
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task in done]:
                ask = running.pop(task)
                try:
                    completion = task.result()
                except BaseException as error:
                    if not course.failed(ask, error):
                        raise
                else:
                    if course.answered(ask, completion):
                        return True
            if timer in done and running:
                late = True
                second = course.another()
                if second is not None:
                    running[asyncio.ensure_future(send(second))] = second
        return False
    finally:
        timer.cancel()
        for task in running:
            task.cancel()
        await asyncio.gather(timer, *running, return_exceptions=True)
        for ask in running.values():
            course.outrun(ask)
