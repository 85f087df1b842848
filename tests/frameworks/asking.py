"""Runs in the environment of a framework: does what the runner asks for, line by line.

    python -P asking.py PROGRAM PACKAGE...

The first line on stdout says which versions there are and what the program can do. Each line on
stdin names a function of the program, an API and an environment; each answer is a line on stdout.
What the framework itself prints goes to stderr. Nothing of chaoskit is here.
"""

import asyncio
import importlib.metadata
import inspect
import json
import os
import re
import runpy
import sys
import traceback

from pydantic import BaseModel


class Cause(BaseModel):
    """Why something failed."""

    summary: str
    certain: bool


class Logs:
    """A tool that remembers how it was called."""

    def __init__(self):
        self.queries = []

    def tool(self):
        """Return the tool as a function."""

        def search_logs(query: str) -> str:
            """Search the deploy logs."""
            self.queries.append(query)
            return f"2026-11-20 ERROR migration 0042: lock timeout ({query})"

        return search_logs


async def whole(made):
    """Return what a function of a program came to, whether it waits or yields or both."""
    if inspect.isasyncgen(made):
        return [piece async for piece in made]
    if inspect.isawaitable(made):
        return await made
    return made


async def called_twice(connected):
    """Call a tool over MCP twice; return what came of each call, in words."""
    command = json.loads(os.environ.get("CHAOS_MCP_COMMAND") or "null")
    patience = float(os.environ["CHAOS_PATIENCE"])
    said = []
    try:
        async with connected(command or os.environ["CHAOS_MCP_URL"]) as call:
            for _ in range(2):
                try:
                    said.append(str(await asyncio.wait_for(call(), patience)))
                except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the question
                    said.append(in_words(error))
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the question, too
        said.append(f"the client itself raised {in_words(error)}")
    return said


def in_words(error):
    """Return the first error of a group, in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__} {str(error).partition(chr(10))[0][:90]}".strip()


def done(function, api):
    """Do what is asked, and return what came of it."""
    logs = Logs()
    shaped = ("structure", "partial", "repaired")
    given = [logs.tool()] if function.__name__ == "tool" else []
    given = [Cause] if function.__name__ in shaped else given
    if function.__name__ == "connected":
        return {"said": asyncio.run(called_twice(function))}
    try:
        made = function(api, *given)
        if inspect.isgenerator(made):
            made = list(made)
        elif inspect.isasyncgen(made) or inspect.isawaitable(made):
            made = asyncio.run(whole(made))
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        traceback.print_exc()
        name = type(error).__qualname__
        return {"raised": name, "message": str(error)[:400], "queries": logs.queries}
    if isinstance(made, BaseModel):
        return {"said": made.model_dump()}
    if isinstance(made, list) and function.__name__ in shaped:
        return {"said": [state.model_dump() for state in made]}
    if isinstance(made, list):
        return {"said": "".join(made), "pieces": sum(map(bool, made))}
    return {"said": made, "queries": logs.queries}


def main(program, packages):
    """Answer until stdin ends."""
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(answer):
        print(json.dumps(answer), file=out, flush=True)

    made = runpy.run_path(program)
    can = [name for name, what in made.items() if callable(what)]
    versions = {name: importlib.metadata.version(name) for name in packages}
    tell({"versions": versions, "apis": list(made["APIS"]), "can": can})
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["environment"])
        tell(done(made[asked["does"]], asked["api"]))


if __name__ == "__main__":
    main(sys.argv[1], [re.split(r"[\[<>=]", word)[0] for word in sys.argv[2:]])
