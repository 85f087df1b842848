"""Standard input and output: one message a line, for clients that start the server themselves.

Answers overtake each other as their time comes. What breaks a connection elsewhere ends the
process here: its standard output is all that there is to break.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from chaoskit.clock import Clock
from chaoskit.player import Exchange, Host
from chaoskit.players.performance import Broken, Performance
from chaoskit.steps import Deafen

__all__ = [
    "LAST_WORDS",
    "Input",
    "LineHost",
    "Stdio",
    "ended_by_signals",
    "own_output",
    "perform",
]

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
        self._input = Input(self._source)
        self._clock.on_stop(lambda: loop.call_soon_threadsafe(self._end, 0))
        serving = loop.create_task(self._serve())
        try:
            with ended_by_signals(self._end):
                return await self._code
        finally:
            serving.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(serving, *self._tasks, return_exceptions=True)

    async def _serve(self) -> None:
        while (line := await self._input.lines.get()) is not None:
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
        code = await perform(performance, self._clock, self._write, self._input.close)
        if code is not None:
            self._end(code)

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)


class Input:
    """The lines of an open file, read on a thread: files, pipes and terminals can all be an input.

    They are read without a buffer of Python's, whose lock the end of the process would wait for.

    Attributes:
        lines: a queue of them, without their ends; None stands for the end of the file.
    """

    def __init__(self, descriptor: int) -> None:
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._woken, self._wake = os.pipe()
        threading.Thread(target=self._read, name="chaoskit-input", daemon=True).start()

    def close(self) -> None:
        """Read no more, and close the file: who writes to it is told so."""
        os.write(self._wake, b"x")

    def _read(self) -> None:
        rest = b""
        try:
            while self._descriptor in self._ready():
                data = os.read(self._descriptor, _AT_ONCE)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._put(line)
                if not data:
                    for last in (rest, None) if rest else (None,):
                        self._put(last)
                    return
            os.close(self._descriptor)
        except (RuntimeError, OSError):  # the loop, or the file, is closed
            return

    def _ready(self) -> list[int]:
        """Wait for something to read; what closes the file comes first."""
        ready, _, _ = select.select([self._woken, self._descriptor], [], [])
        return [] if self._woken in ready else ready

    def _put(self, line: bytes | None) -> None:
        self._loop.call_soon_threadsafe(self.lines.put_nowait, line)


@contextmanager
def ended_by_signals(end: Callable[[int], object]) -> Iterator[None]:
    """Call `end` with 0 at SIGINT and SIGTERM, where the loop can hear of them."""
    loop = asyncio.get_running_loop()
    heard = []
    for number in _ENDINGS:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, end, 0)
            heard.append(number)
    try:
        yield
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


async def perform(
    performance: Performance,
    clock: Clock,
    write: Callable[[bytes], object],
    deafen: Callable[[], object],
) -> int | None:
    """Write an answer in its time; return the exit code where it ends the process."""
    try:
        for move in performance:
            if isinstance(move, float):
                await clock.pause(move)
            elif isinstance(move, bytes):
                write(move)
            elif isinstance(move, Deafen):
                deafen()
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
