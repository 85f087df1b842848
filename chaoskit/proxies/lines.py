"""A real server behind standard input and output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from chaoskit.clock import Clock
from chaoskit.dialects.mcp.lines import spoken
from chaoskit.players.performance import Performance
from chaoskit.players.stdio import LAST_WORDS, Input, ended_by_signals, perform
from chaoskit.proxies.between import Between
from chaoskit.proxies.upstream import Upstream
from chaoskit.steps import Frame, Step
from chaoskit.tool_dialect import Asked
from chaoskit.toolserver import ToolServer

__all__ = ["LinesProxy"]


class LinesProxy:
    """Passes lines on between a client and a real server, and lets faults strike those on tools.

    Args:
        upstream: the real server.
        source: the descriptor of the standard input.
        write: writes to the standard output, all of it at once.
        tell: gets what people should know, for the standard error.

    """

    def __init__(
        self,
        upstream: Upstream,
        between: Between,
        server: ToolServer,
        clock: Clock,
        *,
        source: int,
        write: Callable[[bytes], object],
        tell: Callable[[str], None],
    ) -> None:
        self._upstream = upstream
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
        """Serve; return the exit code of the process: that of a server that ended by itself.

        Raises:
            UsageError: the server cannot be started.
        """
        loop = asyncio.get_running_loop()
        self._code: asyncio.Future[int] = loop.create_future()
        await self._upstream.start(self._heard)
        self._input = Input(self._source)
        self._clock.on_stop(lambda: loop.call_soon_threadsafe(self._end, 0))
        pumps = [
            loop.create_task(self._from_client()),
            loop.create_task(self._mourn()),
        ]
        try:
            with ended_by_signals(self._end):
                return await self._code
        finally:
            await self._upstream.stop()
            tasks = [*pumps, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _from_client(self) -> None:
        while (line := await self._input.lines.get()) is not None:
            message = _message(line)
            asked = None if message is None else self._between.looks_at(message, "stdio")
            if message is None or asked is None:
                self._upstream.send(line)
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
        self._upstream.send(line)
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
        code = await perform(performance, self._clock, self._write, self._input.close)
        self._running.pop(asked.notes["id"], None)
        if code is not None:
            self._end(code)

    async def _ask(self, request: object, line: bytes) -> str:
        """Send a request to the server and return its answer."""
        awaited: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._awaited[request] = awaited
        self._upstream.send(line)
        try:
            return await awaited
        finally:
            self._awaited.pop(request, None)

    def _heard(self, said: bytes) -> None:
        """Give what the server says to who waits for it: a request of ours, or else the client."""
        message = _message(said)
        awaited = None
        if message is not None and "method" not in message:
            answers = message.get("id")
            awaited = self._awaited.get(answers) if isinstance(answers, (str, int)) else None
        if awaited is not None and not awaited.done():
            awaited.set_result(said.decode("utf-8", "replace"))
        else:
            self._give(said + b"\n")

    async def _mourn(self) -> None:
        """End with a server that ended by itself."""
        told = await self._upstream.ended()
        if not self._code.done():
            self._tell(told)
            self._end(self._upstream.code)

    def _give(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError:  # nobody reads the output any more
            self._end(0)

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)


def _silent(frames: tuple[Frame, ...], seconds: float) -> tuple[Step, ...]:
    del frames, seconds
    return ()


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None
