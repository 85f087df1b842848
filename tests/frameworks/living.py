"""A program as an agent of `chaoskit run`: it is answered in its own process, in virtual time."""

import inspect
import os
import runpy

PLAIN = runpy.run_path(os.environ["CHAOS_PROGRAM"])["plain"]
API = os.environ["CHAOS_API"]


async def later(prompt):
    return await PLAIN(API)


def now(prompt):
    return PLAIN(API)


answer = later if inspect.iscoroutinefunction(PLAIN) else now
