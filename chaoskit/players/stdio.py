"""Standard input and output: one message a line, for clients that start the server themselves.

Answers overtake each other as their time comes. What breaks a connection elsewhere ends the
process here: its standard output is all that there is to break.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from chaoskit.clock import Clock
from chaoskit.player import Exchange, Host
from chaoskit.players.performance import Broken, Performance

__all__ = ["LAST_WORDS", "LineHost", "Stdio", "lines_of", "own_output", "perform"]

LAST_WORDS = 1.0
"""Seconds for what is still to be said when the client has hung up."""

_AT_ONCE = 65_536  # bytes
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


class LineHost(Host, Protocol):
    """A host that can be talked to in lines."""

    def heard(self, line: bytes) -> Exchange | None:
        """Return the answer to a line; None where it wants none."""
        ...

    def request_of(self, exchange: Exchange) -> object:
        """Return the id of the request that an exchange answers; None where it has none."""
        ...

    def given_up(self, exchange: Exchange) -> object:
        """Return the id of the request that an exchange gives up; None where it gives up none."""
        ...


class Stdio:
    """Performs the exchanges of a host until the input ends, or a step ends the process.

    Args:
        source: the descriptor of the standard input.
        write: writes to the standard output, all of it at once.
    """

    def __init__(
        self, host: LineHost, clock: Clock, *, source: int, write: Callable[[bytes], object]
    ) -> None:
        self._host = host
        self._clock = clock
        self._source = source
        self._write = write
        self._running: dict[object, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> int:
        """Serve; return the exit code of the process: 0 unless a step made it die."""
        loop = asyncio.get_running_loop()
        self._code: asyncio.Future[int] = loop.create_future()
        heard = lines_of(self._source)
        for number in _ENDINGS:
            loop.add_signal_handler(number, self._end, 0)
        self._clock.on_stop(lambda: loop.call_soon_threadsafe(self._end, 0))
        serving = loop.create_task(self._serve(heard))
        try:
            return await self._code
        finally:
            for number in _ENDINGS:
                loop.remove_signal_handler(number)
            serving.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(serving, *self._tasks, return_exceptions=True)

    async def _serve(self, heard: asyncio.Queue[bytes | None]) -> None:
        while (line := await heard.get()) is not None:
            exchange = self._host.heard(line)
            if exchange is None:
                continue
            if (given_up := self._host.given_up(exchange)) is not None:
                task = self._running.pop(given_up, None)
                if task is not None:
                    task.cancel()
            self._begin(exchange)
        if self._tasks:  # what was asked before the end of the input is still answered
            await asyncio.wait(self._tasks, timeout=LAST_WORDS)
        self._end(0)

    def _begin(self, exchange: Exchange) -> None:
        performance = Performance(exchange, self._host, read=None)
        task = asyncio.get_running_loop().create_task(self._perform(performance))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before it began never gets to give its performance up.
        task.add_done_callback(lambda done: performance.abandon() if done.cancelled() else None)
        request = self._host.request_of(exchange)
        if request is not None:
            self._running[request] = task
            task.add_done_callback(lambda done: self._forget(request, done))

    def _forget(self, request: object, task: asyncio.Task[None]) -> None:
        if self._running.get(request) is task:
            del self._running[request]

    async def _perform(self, performance: Performance) -> None:
        code = await perform(performance, self._clock, self._write)
        if code is not None:
            self._end(code)

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)


def lines_of(descriptor: int) -> asyncio.Queue[bytes | None]:
    """Return a queue of the lines of an open file, with None at its end.

    They are read on a thread, since files, pipes and terminals can all be an input; and without
    a buffer of Python's, whose lock the end of the process would wait for.
    """
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        rest = b""
        try:
            while data := os.read(descriptor, _AT_ONCE):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(heard.put_nowait, line)
            for last in (rest, None) if rest else (None,):
                loop.call_soon_threadsafe(heard.put_nowait, last)
        except (RuntimeError, OSError):  # the loop, or the file, is closed
            return

    threading.Thread(target=read, name="chaoskit-input", daemon=True).start()
    return heard


async def perform(
    performance: Performance, clock: Clock, write: Callable[[bytes], object]
) -> int | None:
    """Write an answer in its time; return the exit code where it ends the process."""
    try:
        for move in performance:
            if isinstance(move, float):
                await clock.pause(move)
            elif isinstance(move, bytes):
                write(move)
    except Broken as broken:
        return 0 if broken.ending == "closed" else 1
    except OSError:  # nobody reads the output any more
        performance.abandon()
        return 0
    except asyncio.CancelledError:
        performance.abandon()
        raise
    return None


@contextmanager
def own_output() -> Iterator[Callable[[bytes], None]]:
    """Keep the standard output for messages: whatever else is printed goes to standard error."""
    own = os.dup(1)
    os.dup2(2, 1)
    try:

        def write(data: bytes) -> None:
            left = memoryview(data)
            while left:
                left = left[os.write(own, left) :]

        yield write
    finally:
        os.dup2(own, 1)
        os.close(own)
