"""Two requests at once when the first is slow: the first answer counts, the other is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from chaoskit_guards.course import Course, asked
from chaoskit_guards.route import Ask

__all__ = ["race"]


async def race(course: Course, first: Ask, *, delay: Awaitable[object]) -> bool:
    """Ask one provider, and a second one after the delay; return whether there is a result.

    Raises:
        BaseException: what `failed` says is nobody else's business.
    """
    running = {asyncio.ensure_future(asked(first)): first}
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
                    if not await course.afailed(ask, error):
                        raise
                else:
                    if await course.aanswered(ask, completion):
                        return True
            if timer in done and running:
                late = True
                second = await course.another()
                if second is not None:
                    running[asyncio.ensure_future(asked(second))] = second
        return False
    finally:
        timer.cancel()
        for task in running:
            task.cancel()
        await asyncio.gather(timer, *running, return_exceptions=True)
        for ask in running.values():
            await course.outrun(ask)
