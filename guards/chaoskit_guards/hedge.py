"""Two requests at once when the first is slow: the first answer counts, the other is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextvars import copy_context

from chaoskit_guards.completion import Completion
from chaoskit_guards.course import Course, asked, asked_here
from chaoskit_guards.route import Ask

__all__ = ["arace", "race"]


def race(course: Course, first: Ask, *, after: float, executor: Executor | None) -> bool:
    """Ask one provider in a thread, and a second one after the delay; return whether it answered.

    A thread cannot be cancelled: what is given up goes on, and nobody hears of it.

    Raises:
        BaseException: what `failed` says is nobody else's business.
    """
    running = {_in_thread(first, executor): first}
    late = False
    try:
        while running:
            done, _ = wait(running, None if late else after, FIRST_COMPLETED)
            for future in [future for future in running if future in done]:
                ask = running.pop(future)
                try:
                    completion = future.result()
                except BaseException as error:
                    if not course.failed(ask, error):
                        raise
                else:
                    if course.answered(ask, completion):
                        return True
            if not done:
                late = True
                second = course.another()
                if second is not None:
                    running[_in_thread(second, executor)] = second
        return False
    finally:
        for future, ask in running.items():
            future.cancel()
            course.outrun(ask)


async def arace(course: Course, first: Ask, *, delay: Awaitable[object]) -> bool:
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
                second = await course.aanother()
                if second is not None:
                    running[asyncio.ensure_future(asked(second))] = second
        return False
    finally:
        timer.cancel()
        for task in running:
            task.cancel()
        await asyncio.gather(timer, *running, return_exceptions=True)
        for ask in running.values():
            await course.aoutrun(ask)


def _in_thread(ask: Ask, executor: Executor | None) -> Future[Completion]:
    """Ask in another thread, in the context of this one."""
    context = copy_context()
    if executor is not None:
        return executor.submit(context.run, asked_here, ask)
    answer: Future[Completion] = Future()

    def go() -> None:
        try:
            completion = context.run(asked_here, ask)
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            answer.set_exception(error)
        else:
            answer.set_result(completion)

    # A daemon, since a program that ends does not wait for an answer that nobody wants.
    answer.set_running_or_notify_cancel()
    threading.Thread(target=go, name="chaoskit-guards-hedge", daemon=True).start()
    return answer
