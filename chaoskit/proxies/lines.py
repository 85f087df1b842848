"""A real server that is a command, behind standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
from collections.abc import Callable
from typing import Any

from chaoskit.clock import Clock
from chaoskit.dialects.mcp.lines import spoken
from chaoskit.errors import UsageError
from chaoskit.players.performance import Performance
from chaoskit.players.stdio import LAST_WORDS, lines_of, perform
from chaoskit.proxies.between import Between
from chaoskit.steps import Frame, Step
from chaoskit.tool_dialect import Asked
from chaoskit.toolserver import ToolServer

__all__ = ["LinesProxy"]

_LONGEST = 64 * 1024 * 1024  # bytes of a message
_GRACE = 2.0  # seconds that a server has to end by itself, and then once more after SIGTERM
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


class LinesProxy:
    """Passes lines on between a client and a command, and lets faults strike those on tools.

    Args:
        command: what starts the real server.
        source: the descriptor of the standard input.
        write: writes to the standard output, all of it at once.
        tell: gets what people should know, for the standard error.

    Raises:
        UsageError: the command cannot be started.
    """

    def __init__(
        self,
        command: str,
        between: Between,
        server: ToolServer,
        clock: Clock,
        *,
        source: int,
        write: Callable[[bytes], object],
        tell: Callable[[str], None],
    ) -> None:
        self._command = command
        self._between = between
        self._server = server
        self._clock = clock
        self._source = source
        self._write = write
        self._tell = tell
        self._awaited: dict[object, asyncio.Future[str]] = {}
        self._running: dict[object, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._again = 0

    async def run(self) -> int:
        """Serve; return the exit code of the process: that of a server that ended by itself."""
        loop = asyncio.get_running_loop()
        self._code: asyncio.Future[int] = loop.create_future()
        process = await self._start()
        self._input = process.stdin
        for number in _ENDINGS:
            loop.add_signal_handler(number, self._end, 0)
        self._clock.on_stop(lambda: loop.call_soon_threadsafe(self._end, 0))
        pumps = [
            loop.create_task(self._from_client()),
            loop.create_task(self._from_server(process)),
        ]
        try:
            return await self._code
        finally:
            for number in _ENDINGS:
                loop.remove_signal_handler(number)
            await self._stop(process)
            tasks = [*pumps, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            words = shlex.split(self._command)
            return await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=_LONGEST,
            )
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or error
            raise UsageError(f"the server {self._command!r} cannot be started: {told}") from None

    async def _from_client(self) -> None:
        heard = lines_of(self._source)
        while (line := await heard.get()) is not None:
            message = _message(line)
            asked = None if message is None else self._between.looks_at(message, "stdio")
            if message is None or asked is None:
                self._pass_on(line)
                continue
            if asked.operation == "cancel":
                await self._cancel(asked, line)
                continue
            task = asyncio.get_running_loop().create_task(self._answer(asked, message, line))
            self._tasks.add(task)
            self._running[asked.notes["id"]] = task
            task.add_done_callback(self._tasks.discard)
        if self._tasks:  # what was asked before the end of the input is still answered
            await asyncio.wait(self._tasks, timeout=LAST_WORDS)
        self._end(0)

    async def _cancel(self, asked: Asked, line: bytes) -> None:
        """Give up a request, and let the server know, unless a fault keeps it from hearing it."""

        async def passed(number: int) -> str:
            del number
            return ""

        exchange = await self._between.exchange(asked, passed, _silent)
        self._server.delivered(exchange, "complete", sent_content=False)
        if self._server.given_up(exchange) is None:
            return
        self._pass_on(line)
        task = self._running.pop(asked.notes["cancels"], None)
        if task is not None:
            task.cancel()

    async def _answer(self, asked: Asked, message: dict[str, Any], line: bytes) -> None:
        async def ask(number: int) -> str:
            if number == 0:
                return await self._ask(asked.notes["id"], line)
            self._again += 1
            again = f"again-{self._again}"
            return await self._ask(again, json.dumps({**message, "id": again}).encode())

        exchange = await self._between.exchange(
            asked, ask, lambda frames, seconds: spoken(asked, frames, seconds)
        )
        performance = Performance(exchange, self._server, read=None)
        code = await perform(performance, self._clock, self._write)
        self._running.pop(asked.notes["id"], None)
        if code is not None:
            self._end(code)

    async def _ask(self, request: object, line: bytes) -> str:
        """Send a request to the server and return its answer."""
        awaited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[request] = awaited
        self._pass_on(line)
        try:
            return await awaited
        finally:
            self._awaited.pop(request, None)

    async def _from_server(self, process: asyncio.subprocess.Process) -> None:
        output = process.stdout
        if output is None:
            return
        while line := await output.readline():
            said = line.rstrip(b"\r\n")
            message = _message(said)
            awaited = None
            if message is not None and "method" not in message:
                answers = message.get("id")
                awaited = self._awaited.get(answers) if isinstance(answers, (str, int)) else None
            if awaited is not None and not awaited.done():
                awaited.set_result(said.decode("utf-8", "replace"))
            else:
                self._give(said + b"\n")
        code = await process.wait()
        if not self._code.done():
            self._tell(f"the server {self._command!r} ended with exit code {code}")
            self._end(1 if code == 0 else code if code > 0 else 128 - code)

    def _pass_on(self, line: bytes) -> None:
        if self._input is not None:
            with contextlib.suppress(OSError, RuntimeError):  # its end is noticed by its output
                self._input.write(line + b"\n")

    def _give(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError:  # nobody reads the output any more
            self._end(0)

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        """End the server as clients do: by its input, then by a signal, then by force."""
        if process.stdin is not None:
            process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)
                return


def _silent(frames: tuple[Frame, ...], seconds: float) -> tuple[Step, ...]:
    del frames, seconds
    return ()


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
